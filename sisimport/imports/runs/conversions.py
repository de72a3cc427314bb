"""Workbooks as text. On the screens, a conversion is offered for a run that refused one, queued as its own run, done by a worker.

    run that refused the workbook -> conversion (a run) -> its text, kept with the workbook -> reviewed -> Test

One text is kept per workbook. The command line converts in its own process with the same code.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from typing import IO, Any, Final

from django.conf import settings
from django.core.files.storage import default_storage

from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.workbooks import Converted, convert
from sisimport.files.wrapped import WRAPPED
from sisimport.imports.definition.recognition import UnrecognisedFileError, recognise_type
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs.uploads import keep_file
from sisimport.imports.storage.files import is_here, open_file

_MOST_SHEETS: Final = 10  # named in a report
_LONGEST: Final = 200  # characters of their names


def convert_workbook(*, file: ImportFile, user: Any) -> tuple[ImportFile, Converted]:
    """Convert in this process and keep the text with the workbook. Raises FileError when it cannot be converted."""
    with tempfile.TemporaryFile() as text:
        converted = to_text(file, text)
        return keep_text(file, text, user=user, notices=left_out(converted)), converted


def to_text(file: ImportFile, text: IO[bytes], *, tick: Callable[[], None] = lambda: None) -> Converted:
    """Write the text of a kept workbook. Raises FileError when it cannot be converted, or the text is too large to be read.

    If an import type knows the column names of a later sheet, and none those of the first, that sheet is read.
    """
    with open_file(file, rehash=True) as stream:
        converted = convert(stream, text, tick=tick)
        if first := known_sheet(converted):
            text.seek(0)
            text.truncate()
            converted = convert(stream, text, tick=tick, first=first)
    size, most = text.tell(), settings.IMPORT_MAX_BYTES
    if size > most:
        raise FileError("FILE-SIZE", found=f"{size:,} bytes as text", expected=f"{most:,} bytes")
    return converted


def known_sheet(converted: Converted) -> int:
    """The sheet, from 0, whose column names apply to all: the first one that has any, unless only another's are known.

    Raises FileError for sheets of different import types: only one of them would be read.
    """
    kinds: dict[int, str] = {}
    for at, sheet in enumerate(converted.sheets):
        if sheet.sample:
            with suppress(UnrecognisedFileError):
                kinds[at] = recognise_type(BytesIO(sheet.sample.encode())).screen.label
    if len(set(kinds.values())) > 1:
        named = "; ".join(f"{converted.sheets[at].name} ({kind})" for at, kind in list(kinds.items())[:_MOST_SHEETS])
        raise FileError(
            "FILE-WORKBOOK", found=f"sheets of different kinds: {named}", expected="one of them, alone in a workbook"
        )
    first = next((at for at, sheet in enumerate(converted.sheets) if sheet.sample), 0)
    return first if first in kinds or not kinds else min(kinds)


def keep_text(
    file: ImportFile, text: IO[bytes], *, user: Any, place: str = "", notices: Sequence[Problem] = ()
) -> ImportFile:
    """Keep the text of a workbook. `place`: where in the storage, if it matters to the caller. `notices`: what every run of the
    text reports."""
    kept = keep_file(stream=text, name=f"{file.name}.txt", user=user, place=place, notices=notices)
    ImportFile.objects.filter(pk=kept.pk).update(converted_from=file)
    return kept


def left_out(converted: Converted) -> list[Problem]:
    """Notices for a run of the text: on lines that were pasted into one column, and on sheets that were not read, or not to
    their end, and may hold students. A sheet without column names is a letter or similar."""
    wrapped = [WRAPPED] if converted.in_one_column else []
    noted = [sheet for sheet in converted.sheets if sheet.note]
    if not noted:
        return wrapped
    doubtful = any(not sheet.note.startswith("no column names") for sheet in noted)
    sheet_notes = [f"{sheet.name} ({sheet.note})" for sheet in noted[:_MOST_SHEETS]]
    more = [f"{len(noted) - _MOST_SHEETS:,} more"] if len(noted) > _MOST_SHEETS else []
    read = ", ".join(sheet.name for sheet in converted.sheets if sheet.rows)
    more += [f"what was read: {read[:_LONGEST]}"] if read else []
    severity = Severity.WARNING if doubtful else Severity.NOTICE
    return [*wrapped, Problem("FILE-SHEETS", severity, None, "; ".join([*sheet_notes, *more]), "")]


def place_of(run: ImportRun, attempt: int) -> str:
    """Where an attempt at a conversion puts its text: the next attempt finds it there if this one is killed."""
    return f"imports/converted-{run.pk}-{attempt}"


def remove_leftovers(run: ImportRun) -> None:
    """Remove the texts of attempts that were killed before the run could name them."""
    for attempt in range(1, run.attempts):
        default_storage.delete(place_of(run, attempt))


def earlier_conversion(file: ImportFile) -> ImportRun | None:
    """A completed conversion of this same file whose text still exists."""
    done = ImportRun.objects.filter(file=file, work=Work.CONVERT, status=RunStatus.COMPLETED, made_file__isnull=False)
    return next((run for run in done.order_by("id") if run.made_file and is_here(run.made_file)), None)


def facts_of(converted: Converted) -> dict[str, Any]:
    """What a conversion found, as its run stores it. It holds no cell of the workbook."""
    sheets = [{"name": sheet.name, "rows": sheet.rows, "note": sheet.note} for sheet in converted.sheets]
    return {"sheets": sheets, "columns": converted.columns, "risks": list(converted.risks)}
