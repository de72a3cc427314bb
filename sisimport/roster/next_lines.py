"""The line that says next that a district or school is new, when the one that said so turns out to be about another district:
found by the code in the bytes of the file, so that a decision does not plan the whole file for it."""

from collections.abc import Collection
from functools import cache
from typing import Final

from sisimport.imports.definition.import_type import LinesMissingError
from sisimport.imports.engine.identifiers import full_lea_code
from sisimport.imports.models import ImportIssue, ImportRun
from sisimport.imports.storage.records import chunked, lines_with, read_records
from students.models import Student

_AT_ONCE: Final = 200  # lines read
_MOST: Final = 4000  # lines that hold the code of a school, under other districts
_MATCHED: Final = ("MATCH-ACCEPTED", "MATCH-REMEMBERED")
_READ_AS_WRITTEN: Final = ("NEW-LEA", "NEW-SCHOOL", "SCHOOL-LEA")


def next_line(run: ImportRun, district: str, school: str, *, after: int, beside: Collection[int]) -> int | None:
    """The next line in a place, apart from those `beside`; None: there is none. Raises LinesMissingError(None) if the bytes do
    not show it."""
    code = (school or district).encode()
    rewritten = ImportIssue.objects.filter(run=run, field__in=["lea", "school"]).exclude(code__in=_READ_AS_WRITTEN)
    held = list(lines_with(run, {code}, first=after, limit=_MOST + len(beside)))
    if run.file is None or rewritten.exists() or after not in held:
        raise LinesMissingError(None)
    district_of = cache(full_lea_code)
    for some in chunked((line for line in held if line > after and line not in beside), _AT_ONCE):
        matched = _matched(run, some)
        for line, record in sorted(read_records(run, some, ("lea", "school")).items()):
            of = matched.get(line) or district_of(record.get("lea") or "")
            if of in ("", district) and (not school or record.get("school") == school):
                return line
    if len(held) >= _MOST:
        raise LinesMissingError(None)
    return None


def _matched(run: ImportRun, lines: Collection[int]) -> dict[int, str]:
    """Lines that are about a student on record by somebody's decision -> the district of that student."""
    found = ImportIssue.objects.filter(run=run, line__in=lines, code__in=_MATCHED, student_id__isnull=False)
    students = {line: pk for line, pk in found.values_list("line", "student_id") if pk is not None}
    codes = dict(Student.objects.filter(pk__in=students.values()).values_list("pk", "lea__code"))
    return {line: codes[pk] for line, pk in students.items() if pk in codes}
