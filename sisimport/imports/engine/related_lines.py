"""Which lines of a file are planned again along with given ones: those about the same students, and those that share a number.

lines -> their numbers, and those of the students they are matched to -> lines that hold one of these -> … until none is new

If a type says so, lines with the same name and birth date also belong together (`ImportType.namesakes`).
"""

import re
from collections.abc import Collection
from typing import Final

from sisimport.files.encodings import UTF8
from sisimport.files.numbers import NO_SSID
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine.sql import fetch_all
from sisimport.imports.models import ImportIssue, ImportRun, MatchDecision
from sisimport.imports.storage.files import open_file
from sisimport.imports.storage.records import cells_of, lines_holding, read_records

MAX_VALUES = 60  # texts searched for in one pass over the file; with more, planning the whole file is as quick
MAX_LINES = 4000
MAX_ROUNDS = 6
_REWRITTEN: Final = ("NUMBER-READ", "FILE-MARKS")  # lines with the same number may write it differently
_NUMBER: Final = re.compile(rb"[0-9]{4,}\Z")


def related_lines(run: ImportRun, lines: Collection[int], students: Collection[int] = ()) -> set[int] | None:
    """The lines and all others that share a number of `matching.related_fields` with them, either from the file or from a student
    they are or were (`students`) matched to, until no new lines are found.

    None: too many, or the bytes of the file do not show it; plan the whole file.
    """
    import_type = get_type(run.import_type)
    matching, namesakes = import_type.matching, import_type.namesakes(run)
    keys = matching.related_fields
    if not keys or len(lines) > MAX_LINES or not _bytes_tell(run, keys):
        return None
    seen: set[str] = set()
    fresh, found = set(lines), set(lines)
    for at in range(MAX_ROUNDS):
        records = read_records(run, fresh, keys)
        values = {value for record in records.values() for value in record.values() if value}
        concerned = {*(() if at else students), *(namesakes.students(fresh) if namesakes else ())}
        numbers, meant = _of_students(run, fresh, values, keys, concerned)
        values = (values | numbers) - seen
        if len(seen) + len(values) > MAX_VALUES:
            return None
        holding = _lines_holding(run, values)
        without: set[int] | None = set()
        if "" in numbers or (not at and any(not record.get(matching.number_field) for record in records.values())):
            without = _lines_without_number(
                run, matching.number_field
            )  # a match is remembered for all lines with equal values
        like = namesakes.lines(meant) if namesakes else set()
        if holding is None or without is None or like is None or len(holding | without | like) > MAX_LINES:
            return None
        seen |= values
        fresh = (holding | without | like | _lines_decided_for(run, meant)) - found
        found |= fresh
        if not fresh:
            return found
    return None


def _bytes_tell(run: ImportRun, keys: Collection[str]) -> bool:
    """Whether lines can be found by the text of their numbers, in the file as it is kept."""
    if run.file is None or not run.facts.get("delimiter") or run.facts.get("several_lines"):
        return False  # fixed width, or a value may be on any line of its record
    return not ImportIssue.objects.filter(run=run, code__in=_REWRITTEN, field__in=["", *keys]).exists()


def _lines_holding(run: ImportRun, values: Collection[str]) -> set[int] | None:
    texts = {value.encode("utf-8") for value in values if value}
    if not texts or run.file is None:
        return set()
    with open_file(run.file) as stream:
        return lines_holding(
            stream,
            run.file.line_index,
            texts,
            delimiter=str(run.facts["delimiter"]).encode(),
            limit=MAX_LINES,
            encoding=str(run.facts.get("encoding") or UTF8),
        )


# Numbers in the file and all others that lead to the same students (replaced, former and current), in both directions.
_NUMBERS = """
    WITH RECURSIVE named AS (
      SELECT student_id FROM imports_matchdecision WHERE run_id = %(run)s AND line = ANY(%(lines)s)
      UNION SELECT student_id FROM imports_importissue WHERE run_id = %(run)s AND line = ANY(%(lines)s)
      UNION SELECT student_id FROM imports_importchange WHERE run_id = %(run)s AND line = ANY(%(lines)s)
      UNION SELECT unnest(%(students)s::bigint[])
    ), numbers(ssid) AS (
      (SELECT unnest(%(values)s::text[]) UNION SELECT s.ssid FROM students_ssid s JOIN named USING (student_id))
      UNION
      SELECT x.ssid FROM numbers n CROSS JOIN LATERAL (
        SELECT replacement_ssid FROM students_ssidreplacement WHERE retired_ssid = n.ssid
        UNION ALL SELECT retired_ssid FROM students_ssidreplacement WHERE replacement_ssid = n.ssid
        UNION ALL SELECT o.ssid FROM students_ssid h JOIN students_ssid o USING (student_id) WHERE h.ssid = n.ssid
      ) AS x(ssid)
    ), meant AS (
      SELECT student_id AS id FROM named WHERE student_id IS NOT NULL
      UNION SELECT student_id FROM students_ssid JOIN numbers USING (ssid)
      UNION SELECT id FROM students_student WHERE %(local)s AND local_number = ANY(%(values)s)
    )
    SELECT NULL AS student, ssid AS number FROM numbers
    UNION SELECT id, NULL FROM meant
    UNION SELECT NULL, s.local_number FROM students_student s JOIN meant USING (id) WHERE %(local)s
    UNION SELECT NULL, m.local_number FROM imports_rememberedmatch m JOIN meant ON meant.id = m.student_id
      WHERE m.ended_at IS NULL
"""


def _of_students(
    run: ImportRun, lines: Collection[int], values: Collection[str], keys: Collection[str], students: Collection[int]
) -> tuple[set[str], set[int]]:
    """Numbers that lead to the students whom these lines were, are or may be matched to, and these students. A blank number: an
    accepted match of a line without a number is remembered."""
    params = {"run": run.pk, "lines": sorted(lines), "values": sorted(values), "students": sorted(students)}
    rows = fetch_all(_NUMBERS, {**params, "local": "local_number" in keys})  # type: ignore[arg-type]
    return {number for _student, number in rows if number is not None}, {pk for pk, _number in rows if pk is not None}


def _lines_decided_for(run: ImportRun, students: Collection[int]) -> set[int]:
    """Lines that a person accepted for one of these students; they need not share a number."""
    accepted = MatchDecision.objects.filter(run=run, answer=MatchDecision.Answer.ACCEPT, student_id__in=students)
    return set(accepted.values_list("line", flat=True))


def _lines_without_number(run: ImportRun, field: str) -> set[int] | None:
    """Lines whose bytes do not show a number in this field; None: its column is not known."""
    if field not in (run.facts.get("positions") or {}):
        return None
    return {number for number, cell in cells_of(run, field) if cell is None or not _is_number(cell)}


def _is_number(cell: bytes) -> bool:
    text = cell.strip(b' \t"')
    return text != NO_SSID.encode() and bool(_NUMBER.match(text))
