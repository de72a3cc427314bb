"""The lines of a run's file that were not imported, as they came: for correcting them and sending them again."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO

from django.db.models import Exists, OuterRef, Q

from sisimport.files.encodings import UTF8, codec_of
from sisimport.files.issues import Severity
from sisimport.files.lines import REREAD_LIMIT, whole_lines
from sisimport.files.quoting import MAX_SPAN, span_of, stands_alone
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun, SetAside, SetAsideReason
from sisimport.imports.storage.files import open_file

_QUOTE = b'"'


def refused_line_numbers(run: ImportRun, *, shown: Q, whole: bool) -> Sequence[int]:
    """Lines that were not imported: refused ones and, of an Update, those set aside.

    `shown`: condition on the issues that the reader may see; `whole`: the reader sees every line of the run.
    """
    planned = ImportChange.objects.filter(run_id=OuterRef("run_id"), line=OuterRef("line"))
    issues = ImportIssue.objects.filter(shown, run_id=run.plan_run_id, severity=Severity.ERROR, line__gt=0)
    lines = set(issues.filter(~Exists(planned)).values_list("line", flat=True).distinct())
    if run.writes and whole:
        written = ImportChange.objects.filter(run_id=run.plan_run_id, line=OuterRef("line")).exclude(
            Exists(SetAside.objects.filter(run=run, line=OuterRef("line"), seq=OuterRef("seq")))
        )
        aside = SetAside.objects.filter(run=run).exclude(reason=SetAsideReason.DONE)
        lines |= set(aside.filter(~Exists(written)).values_list("line", flat=True).distinct())
    return sorted(lines)


def original_lines(run: ImportRun, wanted: Iterable[int]) -> Iterator[bytes]:
    """The wanted lines byte for byte (as UTF-8 of a file in UTF-16), line ends included, after its header line if it has one.

    `wanted` names the lines that records start in; a record that runs over several by quotes is copied whole.
    Raises StoredFileError, at the first line, when the file is not there as it was kept.
    """
    numbers = set(wanted)
    if run.file is None or not numbers:
        return
    last, header_open = max(numbers), bool(run.facts.get("header"))
    above = int(run.facts.get("lines_above") or 0)
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
            elif number in numbers:
                yield _ended(line)
                for _more in range(_span(run, line, lines, ahead) - 1):
                    yield _ended(ahead.popleft()[1])


def _encoding(run: ImportRun) -> str:
    return str(run.facts.get("encoding") or UTF8)


def _numbered(stream: IO[bytes], encoding: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    for _offset, chunk in whole_lines(stream, max_line_bytes=REREAD_LIMIT, encoding=encoding):
        for line in chunk.splitlines(keepends=True):
            number += 1
            yield number, line


def _span(run: ImportRun, line: bytes, lines: Iterator[tuple[int, bytes]], ahead: "deque[tuple[int, bytes]]") -> int:
    """How many lines the record takes that starts in `line`; those after it are put into `ahead`."""
    delimiter, columns = str(run.facts.get("delimiter") or ""), int(run.facts.get("columns") or 0)
    if not delimiter or _QUOTE not in line or stands_alone(_text(run, line), delimiter):
        return 1
    ahead.extend(islice(lines, max(MAX_SPAN - len(ahead), 0)))
    texts = [_text(run, line), *(_text(run, more) for _number, more in ahead)]
    return span_of(texts, delimiter=delimiter, columns=columns)


def _text(run: ImportRun, line: bytes) -> str:
    return line.decode(codec_of(_encoding(run)), errors="replace").rstrip("\r\n")


def _ended(line: bytes) -> bytes:
    """The last line of a file may have no line end; copied before others it needs one."""
    return line if line.endswith((b"\n", b"\r")) else line + b"\n"
