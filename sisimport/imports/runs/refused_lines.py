"""The unchanged lines of a run's file by outcome. The three files add up to the input:

success       imported (a Test: would be) or unchanged
refused       kept out for an error
unprocessed   set aside because the record changed since the Test, or skipped by a rule of the type
"""

import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO

from django.db.models import Exists, OuterRef, Q, QuerySet

from sisimport.audit import looking
from sisimport.files.encodings import UTF8, codec_of
from sisimport.files.issues import Severity
from sisimport.files.lines import REREAD_LIMIT, whole_lines
from sisimport.files.quoting import MAX_SPAN, span_of, stands_alone
from sisimport.imports.engine.counting import skipping_codes
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun, SetAside, SetAsideReason
from sisimport.imports.storage.files import open_file

_QUOTE = b'"'


def refused_line_numbers(run: ImportRun, *, shown: Q, whole: bool) -> Sequence[int]:
    """Lines that were not imported: refused ones and, for an Update, those set aside.

    `shown`: condition on the issues that the reader may see; `whole`: the reader sees every line of the run.
    """
    lines = _refused(run, shown)
    return sorted(lines | _set_aside(run) if whole else lines)


def _refused(run: ImportRun, shown: Q) -> set[int]:
    issues = ImportIssue.objects.filter(shown, run_id=run.plan_run_id, severity=Severity.ERROR, line__gt=0)
    return _lines_without_change(issues)


def _lines_without_change(issues: QuerySet[ImportIssue]) -> set[int]:
    planned = ImportChange.objects.filter(run_id=OuterRef("run_id"), line=OuterRef("line"))
    return set(issues.filter(~Exists(planned)).values_list("line", flat=True).distinct())


def _set_aside(run: ImportRun) -> set[int]:
    """Lines with nothing written because the records changed since the Test."""
    if not run.writes:
        return set()
    written = ImportChange.objects.filter(run_id=run.plan_run_id, line=OuterRef("line")).exclude(
        Exists(SetAside.objects.filter(run=run, line=OuterRef("line"), seq=OuterRef("seq")))
    )
    aside = SetAside.objects.filter(run=run, line__gt=0).exclude(reason=SetAsideReason.DONE)
    return set(aside.filter(~Exists(written)).values_list("line", flat=True).distinct())


def _skipped(run: ImportRun) -> set[int]:
    issues = ImportIssue.objects.filter(run_id=run.plan_run_id, code__in=skipping_codes(), line__gt=0)
    return _lines_without_change(issues)


def lines_of_outcome(run: ImportRun, outcome: str) -> Iterator[bytes]:
    """One of the three files, in the form of `original_lines`. Only for users who may see the whole run.

    `outcome`: success, refused or unprocessed. Raises StoredFileError at the first line.
    """
    refused = _refused(run, Q())
    unprocessed = (_set_aside(run) | _skipped(run)) - refused
    if outcome == "success":
        _note_students(run, None)
        return _records(run, left_out=refused | unprocessed)
    return original_lines(run, refused if outcome == "refused" else unprocessed)


def original_lines(run: ImportRun, wanted: Iterable[int]) -> Iterator[bytes]:
    """The wanted lines byte for byte (as UTF-8 if the file is UTF-16), line ends included, after the header line if there is one.

    `wanted` names the lines on which records start; a quoted record that spans several lines is copied whole.
    Raises StoredFileError, at the first line, when the file is missing or changed.
    """
    numbers = set(wanted)
    _note_students(run, numbers)
    return _records(run, only=numbers) if numbers else iter(())


def _note_students(run: ImportRun, numbers: Collection[int] | None) -> None:
    """Note in the record of access whose lines are returned, as far as the run knows; None: all lines of the file."""
    if looking.current() is None:
        return
    for model in (ImportIssue, ImportChange):
        rows = model._default_manager.filter(run_id=run.plan_run_id, student_id__isnull=False, line__gt=0)
        rows = rows if numbers is None else rows.filter(line__in=numbers)
        looking.note_all(rows.order_by().values_list("student_id", flat=True).distinct())
    likely = ImportIssue.objects.filter(run_id=run.plan_run_id, params__has_key="candidates")
    list(likely if numbers is None else likely.filter(line__in=numbers))  # reading each one notes whom it names
    looking.note_lines(run.record_count if numbers is None else len(numbers))


def _records(run: ImportRun, *, only: Collection[int] | None = None, left_out: Collection[int] = ()) -> Iterator[bytes]:
    """The header line and the records that start on the lines of `only`; without `only`, all except those of `left_out`."""
    if run.file is None:
        return
    last, header_open = max(only) if only else sys.maxsize, bool(run.facts.get("header"))
    above = int(run.facts.get("lines_above") or 0)
    blank = f" \t\r\n{run.facts.get('delimiter') or ''}".encode()
    ahead: deque[tuple[int, bytes]] = deque()
    with open_file(run.file) as stream:
        lines = _numbered(stream, _encoding(run))
        while entry := ahead.popleft() if ahead else next(lines, None):
            number, line = entry
            if number <= above:
                continue
            if header_open and line.strip(b"\xef\xbb\xbf \t\r\n"):
                header_open = False
                yield _ended(line)
            elif number > last:
                return
            elif number in only if only is not None else line.strip(blank):
                # Also for a record that is left out: its other lines do not start a record.
                span = [line, *(ahead.popleft()[1] for _ in range(_span(run, line, lines, ahead) - 1))]
                if number not in left_out:
                    yield from map(_ended, span)


def _encoding(run: ImportRun) -> str:
    return str(run.facts.get("encoding") or UTF8)


def _numbered(stream: IO[bytes], encoding: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    for _offset, chunk in whole_lines(stream, max_line_bytes=REREAD_LIMIT, encoding=encoding):
        for line in chunk.splitlines(keepends=True):
            number += 1
            yield number, line


def _span(run: ImportRun, line: bytes, lines: Iterator[tuple[int, bytes]], ahead: "deque[tuple[int, bytes]]") -> int:
    """How many lines the record that starts on `line` takes; the lines after the first are put into `ahead`."""
    delimiter, columns = str(run.facts.get("delimiter") or ""), int(run.facts.get("columns") or 0)
    if not delimiter or _QUOTE not in line or stands_alone(_text(run, line), delimiter):
        return 1
    ahead.extend(islice(lines, max(MAX_SPAN - len(ahead), 0)))
    texts = [_text(run, line), *(_text(run, more) for _number, more in ahead)]
    return span_of(texts, delimiter=delimiter, columns=columns)


def _text(run: ImportRun, line: bytes) -> str:
    return line.decode(codec_of(_encoding(run)), errors="replace").rstrip("\r\n")


def _ended(line: bytes) -> bytes:
    """Add a missing line end: the last line of a file may have none, but needs one when copied before others."""
    return line if line.endswith((b"\n", b"\r")) else line + b"\n"
