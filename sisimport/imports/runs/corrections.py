"""Refused lines corrected on the page: the changes so far, and a Test of only the corrected lines.

The file of a run never changes. The Test reads a separate file (`corrected_files`) with the corrected lines at their original
line numbers, so reports, plan and journal name the lines as the first report did.
"""

from collections.abc import Collection, Mapping

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sisimport.imports.models import ImportRun, LineDraft, RunStatus, Work
from sisimport.imports.runs import services
from sisimport.imports.runs.corrected_files import ONE_LINE, WHOLE_LINE, keep_lines, put_in, raw_records
from sisimport.imports.runs.uploads import RunRefusedError

MAX_VALUE = 1000
MAX_WHOLE_LINE = 100_000
_BLOCK = 1000
CANNOT = "Only lines of a completed run can be corrected."


def can_be_corrected(run: ImportRun) -> bool:
    """Is this a completed run of a file that may have refused lines?"""
    return run.file_id is not None and run.status == RunStatus.COMPLETED and run.work not in (Work.REVERT, Work.CONVERT)


def drafts_of(run: ImportRun, lines: Collection[int] | None = None) -> dict[int, dict[int, str]]:
    """New values kept so far: line -> column -> text."""
    drafts = LineDraft.objects.filter(run=run)
    if lines is not None:
        drafts = drafts.filter(line__in=lines)
    return {
        line: {int(at): text for at, text in values.items()} for line, values in drafts.values_list("line", "values")
    }


def save_draft(run: ImportRun, line: int, values: Mapping[int, str], *, user: User | None) -> None:
    """Keep the new values of a line; no values removes the draft. Values are cut to the greatest length any layout allows."""
    if not values:
        LineDraft.objects.filter(run=run, line=line).delete()
        return
    kept = {
        str(at): text.translate(ONE_LINE)[: MAX_WHOLE_LINE if at == WHOLE_LINE else MAX_VALUE]
        for at, text in values.items()
    }
    LineDraft.objects.update_or_create(run=run, line=line, defaults={"values": kept, "edited_by": user})


def forget_drafts(run: ImportRun) -> None:
    """Remove all drafts for the lines of a run."""
    LineDraft.objects.filter(run=run).delete()


def save_drafts(run: ImportRun, values: Mapping[int, Mapping[int, str]], *, user: User | None) -> None:
    """Keep new values of many lines (line -> column -> text) in addition to those kept before."""
    kept = drafts_of(run, list(values))
    drafts = [
        LineDraft(
            run=run,
            line=line,
            values={
                str(at): text.translate(ONE_LINE)[:MAX_VALUE] for at, text in (kept.get(line, {}) | {**new}).items()
            },
            edited_by=user,
            edited_at=timezone.now(),
        )
        for line, new in values.items()
    ]
    LineDraft.objects.bulk_create(
        drafts,
        update_conflicts=True,
        unique_fields=["run", "line"],
        update_fields=["values", "edited_by", "edited_at"],
        batch_size=_BLOCK,
    )


@transaction.atomic
def start_corrected_test(
    *, run: ImportRun, user: User | None, schools: Collection[int] | None, lines: Collection[int], enqueue: bool = True
) -> ImportRun:
    """Queue a Test of only those refused `lines` that were corrected. The drafts stay.

    Raises RunRefusedError when nothing was corrected or a value does not fit its column, StoredFileError if the file is lost.
    """
    if not can_be_corrected(run) or run.file is None:
        raise RunRefusedError(CANNOT)
    drafts = drafts_of(run, lines)
    before = raw_records(run, drafts)
    texts = {line: corrected for line, text in before.items() if (corrected := put_in(run, line, text, drafts[line]))}
    if not texts:
        raise RunRefusedError("No line has been corrected yet. Change a field of a line first.")
    return services.start_run(
        file=keep_lines(run, texts, before, user=user, name=run.file.name),
        import_type=run.import_type,
        work=Work.TEST,
        options=run.options,
        user=user,
        schools=schools,
        enqueue=enqueue,
    )
