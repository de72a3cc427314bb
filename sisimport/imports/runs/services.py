"""Actions on a run: start, cancel, revert. The work of the run itself is in execution.py and engine/."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, transaction
from django.db.models.functions import Now

from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type
from sisimport.imports.models import PAST_RECALL, ImportFile, ImportRun, Reverted, RunStatus, Work
from sisimport.imports.runs.defaults import defaults_for, district_defaults
from sisimport.imports.runs.events import Event, tell
from sisimport.imports.runs.queueing import lane_of
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.imports.storage.files import RemovedFileError
from sisimport.imports.storage.retention import NO_REVERT, NO_UPDATE, PlanRemovedError, require_plan
from students.locks import waited_in_vain

# The field with the run that a run of this work is about.
_FOLLOWS: Final = {Work.UPDATE: "test_run", Work.REVERT: "reverts", Work.CONVERT: "converts"}
NO_TEST = "There is no completed Test of exactly this file with these options. Run the Test first, read its report, then Update."


def clean_options(
    import_type: ImportType,
    options: Mapping[str, str],
    *,
    file: ImportFile | None = None,
    schools: Iterable[int] | None = None,
    own: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Options as stored: every option of the type with a value, or the default (for this file and these schools) if none is
    given. `own`: see `defaults_for`.

    Raises RunRefusedError for unknown names and values.
    """
    by_name = {option.name: option for option in import_type.options}
    unknown = sorted(set(options) - set(by_name))
    if unknown:
        allowed = ", ".join(by_name) or "none"
        raise RunRefusedError(
            f"{import_type.screen.label} has no option {', '.join(unknown)}. Choose among: {allowed}."
        )
    cleaned, usual = {}, defaults_for(import_type, file, schools=schools, own=own)
    for name, option in by_name.items():
        try:
            cleaned[name] = option.clean(str(options.get(name, usual[name])))
        except ValueError as error:
            raise RunRefusedError(str(error)) from None
    return cleaned


def find_test(*, sha256: str, import_type: str, options: Mapping[str, str], user_runs: Any = None) -> ImportRun | None:
    """The newest completed Test of this same file, type and options (rule W-3). `user_runs` limits which runs may be seen."""
    runs = ImportRun.objects.all() if user_runs is None else user_runs
    found: ImportRun | None = (
        runs.filter(
            file__sha256=sha256,
            import_type=import_type,
            options=dict(options),
            work=Work.TEST,
            status=RunStatus.COMPLETED,
            plan_removed_at__isnull=True,
        )
        .order_by("-id")
        .first()
    )
    return found


def start_run(
    *,
    file: ImportFile,
    import_type: str,
    work: Work,
    options: Mapping[str, str],
    user: User | None,
    schools: Iterable[int] | None,
    test_run: ImportRun | None = None,
    report_words: str = "",
    enqueue: bool = True,
) -> ImportRun:
    """Queue a run. `schools`: ids whose students it may touch, None for all. `enqueue`: notify a worker once committed.
    `report_words`: a value of ReportWords, if other than the district's.
    For a file of corrected lines, the run names the run it corrects.

    Raises RunRefusedError: unknown option, work that the type does not offer, Update without a completed Test, corrected lines
    of another type.
    """
    kind = get_type(import_type)
    if file.removed_at is not None and work != Work.UPDATE:
        raise RunRefusedError(str(RemovedFileError(file)))
    corrects = file.lines_of
    if corrects is not None and corrects.import_type != import_type:
        label = get_type(corrects.import_type).screen.label
        raise RunRefusedError(f"These lines are from run {corrects.pk}, whose type is {label}. Choose that type.")
    if work not in kind.works:
        names = " or ".join(Work(w).label for w in kind.works)
        raise RunRefusedError(f"{kind.screen.label} does not offer {Work(work).label}: choose {names}.")
    own = district_defaults(kind, schools)
    cleaned = clean_options(kind, options, file=file, schools=schools, own=own)
    if work == Work.UPDATE:
        # Callers may not apply a plan for more schools than their own.
        within = (
            ImportRun.objects.all() if schools is None else ImportRun.objects.filter(schools__contained_by=[*schools])
        )
        test_run = (
            within.filter(pk=test_run.pk).first()
            if test_run
            else find_test(sha256=file.sha256, import_type=import_type, options=cleaned, user_runs=within)
        )
        if test_run is None:
            raise RunRefusedError(NO_TEST)
        return start_update(test_run=test_run, user=user, enqueue=enqueue)
    if work == Work.IMPORT and test_run is None:
        test_run = _unapplied_test(file=file, import_type=import_type, options=cleaned, schools=schools)
    run = ImportRun.objects.create(
        file=file,
        import_type=import_type,
        work=work,
        options=cleaned,
        district_options=_of_district(own, cleaned),
        report_words=report_words or (corrects or test_run or ImportRun()).report_words,
        test_run=test_run if work == Work.IMPORT else None,
        corrects=corrects,
        created_by=user,
        schools=None if schools is None else sorted(schools),
    )
    if enqueue:
        enqueue_run(run)
    return run


def _of_district(own: Mapping[str, str], options: Mapping[str, str]) -> list[str]:
    return sorted(name for name, value in own.items() if options.get(name) == value)


def _unapplied_test(
    *, file: ImportFile, import_type: str, options: Mapping[str, str], schools: Iterable[int] | None
) -> ImportRun | None:
    """The Test whose plan an Import of this file applies: the newest, unless it has already been imported.

    Without one, the Import makes the same plan itself.
    """
    test = find_test(sha256=file.sha256, import_type=import_type, options=options)
    if test is None or test.schools != (None if schools is None else sorted(schools)):
        return None
    if test.updates.filter(status=RunStatus.COMPLETED).exists():
        return None
    return test


def start_update(*, test_run: ImportRun, user: User | None, enqueue: bool = True) -> ImportRun:
    """Queue the Update that applies this Test. A second click finds the Update started by the first.

    Raises RunRefusedError unless the run is a completed Test.
    """
    if test_run.work != Work.TEST or test_run.status != RunStatus.COMPLETED:
        raise RunRefusedError("Only a completed Test can be applied. Test the file first.")
    _require_plan(test_run, NO_UPDATE)
    return queue_follow_up(test_run, work=Work.UPDATE, user=user, enqueue=enqueue, record_count=test_run.record_count)


def _require_plan(plan: ImportRun, lost: str) -> None:
    try:
        require_plan(plan, lost=lost)
    except PlanRemovedError as error:
        raise RunRefusedError(str(error)) from None


def start_writing(*, test_run: ImportRun, user: User | None) -> ImportRun:
    """Queue the run that writes this Test's plan: an Update, or an Import if that is the type's work.

    Raises RunRefusedError as `start_update` and `start_run` do.
    """
    try:
        imports = Work.UPDATE not in get_type(test_run.import_type).works
    except UnknownImportTypeError:
        imports = False
    if not imports or test_run.file is None:
        return start_update(test_run=test_run, user=user)
    return start_run(
        file=test_run.file,
        import_type=test_run.import_type,
        work=Work.IMPORT,
        options=test_run.options,
        user=user,
        schools=test_run.schools,
        test_run=test_run,
    )


def start_revert(*, run: ImportRun, user: User | None, lines: Collection[int] = (), enqueue: bool = True) -> ImportRun:
    """Queue the run that undoes an applied one. A second click finds the first's Revert; one that kept something can be retried.

    `lines`: put back only what these lines of the file wrote; the rest stays and can be put back later.
    Raises RunRefusedError unless the run wrote something and is not a revert itself.
    """
    if not run.applied or run.work == Work.REVERT:
        raise RunRefusedError("Only a completed Update or Import can be reverted. Choose such a run.")
    done = run.reverted_by.filter(status=RunStatus.COMPLETED).order_by("-id").first()
    if done is not None and ImportRun.objects.filter(pk=run.pk, reverted=Reverted.WHOLLY).exists():
        return done
    _require_plan(run.test_run or run, NO_REVERT)
    scope = {"only_lines": sorted(set(lines))} if lines else {}
    return queue_follow_up(run, work=Work.REVERT, user=user, enqueue=enqueue, run_facts=scope)


def queue_follow_up(
    run: ImportRun,
    *,
    work: Work,
    user: User | None,
    enqueue: bool,
    record_count: int = 0,
    run_facts: Mapping[str, Any] | None = None,
) -> ImportRun:
    """Queue a run that follows another: the Update of a Test, or the Revert or conversion of a run.

    It has the file, type, options and schools of `run`. A constraint allows one at a time: a second click finds the run started
    by the first.
    """
    link = {_FOLLOWS[work]: run}
    try:
        with transaction.atomic():
            follow_up = ImportRun.objects.create(
                file=run.file,
                import_type=run.import_type,
                work=work,
                options=run.options,
                district_options=run.district_options,
                report_words=run.report_words,
                created_by=user,
                schools=run.schools,
                corrects=run.corrects if work == Work.UPDATE else None,
                record_count=record_count,
                facts=dict(run_facts or {}),
                **link,
            )
    except IntegrityError:
        # The newest is the one that violated the constraint, even if it has ended since.
        return ImportRun.objects.filter(work=work, **link).latest("pk")
    if enqueue:
        enqueue_run(follow_up)
    return follow_up


def cancel_run(*, run: ImportRun) -> bool:
    """Ask a run to stop. False if it is too late: it has ended, or is already writing and will finish as a whole."""
    withdrawn = ImportRun.objects.filter(pk=run.pk, status=RunStatus.HELD)
    with transaction.atomic():
        message = "Withdrawn before anything was changed."
        if withdrawn.update(status=RunStatus.CANCELLED, finished_at=Now(), message=message):
            tell(run.pk, Event.ENDED)
            return True
    active = ImportRun.objects.filter(pk=run.pk, status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
    try:
        count = active.exclude(status=RunStatus.RUNNING, phase__in=PAST_RECALL).update(cancel_requested=True)
    except OperationalError as error:
        if not waited_in_vain(error):
            raise
        return False  # only its own commit holds a lock on its row
    return bool(count)


def enqueue_run(run: ImportRun) -> None:
    """Notify a worker of a run once it is committed. A lost message costs seconds: workers look for runs themselves."""
    from sisimport.imports.runs.tasks import enqueue

    lane = lane_of(run.file.size if run.file else 0)
    transaction.on_commit(lambda: enqueue(run.pk, lane))
