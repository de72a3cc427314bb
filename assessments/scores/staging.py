"""Set-based work on the staged lines before any rule: replaced SSIDs, lines without score, repeats, near matches."""

from collections.abc import Collection, Iterator

from django.db.models import Q

from assessments.models import ScoreRange, ScoreRow
from assessments.scores import as_tested, first_look, repeats, years
from assessments.scores.missing_columns import look_at_missing_columns
from assessments.scores.some_lines import ALONE, Shared
from assessments.structure import LayoutTest, kept_ranges, school_year, tests_of
from sisimport.files.issues import FileError, Severity
from sisimport.files.layouts import normalise_header
from sisimport.files.numbers import ROUNDED_NUMBER
from sisimport.files.remembered import Remembered
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.accepted_matches import ACCEPTED, REMEMBERED
from sisimport.imports.engine.file_issues import report_on_file, take_back
from sisimport.imports.engine.sql import execute, fetch_all, literal
from sisimport.imports.engine.staging import create_table
from sisimport.imports.engine.statistics import joins_for
from sisimport.imports.runs.report import data_lines
from sisimport.imports.storage.records import read_records
from students.models import LEA, SSIDReplacement

ROWS = ScoreRow._meta.db_table
_FIRST_HEADERS = frozenset({"RECORDTYPE", "RECORD TYPE", "ASSESSMENT TYPE"})  # names of the first column
_DAMAGED = f"{ROUNDED_NUMBER}|^="  # or a formula
_MOST_ROUNDS = 3  # of repeats that take the place of a refused line
_LONGEST_CHAIN = 20  # SSIDs replaced in succession; longer chains are circular


def prepare(context: RunContext) -> None:
    """Raises FileError if the whole file is unusable: columns are missing, or it is of another year."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    tests = tests_of(context.layout)
    if not context.lea_ids:
        # The files name no district on record: scores go to the student who holds the SSID.
        context.lea_ids = set(LEA.objects.values_list("pk", flat=True))
    look_at_missing_columns(context)
    _refuse_other_headers(context)
    first_look.look(context)
    _take_replaced_ssids()
    _take_current_ssids()
    if context.accepted_rows:
        _take_accepted_matches()
    _report_blank_uins(context)
    _leave_out_damaged_values(context)
    seen = first_look.seen(context)
    if seen.flagged:
        years.note_earlier_years(context)
    years.refuse_another_year(context, odd_dates=seen.odd_dates)
    repeats.mark_repeats(context, tests)
    _leave_out_shared_uins(context)
    _load_ranges(tests, school_year(context.layout.key))


def _refuse_other_headers(context: RunContext) -> None:
    """For concatenated files: a second header line of the same layout is one bad line, that of another layout rejects
    the file.

    Raises FileError, because the lines after it would be read by the wrong columns.
    """
    if not context.collected & _FIRST_HEADERS or context.layout is None or context.recognition is None:
        return
    found = fetch_all(
        f"SELECT r.line FROM {ROWS} r WHERE r.record_type = ANY(%s) ORDER BY r.line LIMIT 9", [list(_FIRST_HEADERS)]
    )
    for line, text in data_lines(context.run, [line for (line,) in found]).items():
        names = [normalise_header(name) for name in text.split(context.recognition.delimiter)]
        own = [column.names for column in context.layout.columns]
        strange = [name for name, own_names in zip(names, own, strict=False) if name not in own_names]
        if strange:
            what = f"Line {line} begins records of another layout (column {strange[0]})"
            raise FileError(
                "FILE-MIXED", found=what, expected=f"records of {context.layout.title} only", params={"line": line}
            )


def _take_replaced_ssids() -> None:
    """Lines with an SSID that the state replaced go to the student who holds the new one, or the one that replaced
    that, and so on.

    The first number of a chain that a student holds counts. If no student holds any, the line stays as in the file.
    """
    if not SSIDReplacement.objects.exists():
        return
    held = "EXISTS (SELECT 1 FROM students_ssid h WHERE h.state = c.state AND h.ssid = c.ssid)"
    execute(
        f"""
        WITH RECURSIVE c AS (
          SELECT f.state, f.ssid AS first, f.ssid, 0 AS step
          FROM (SELECT DISTINCT r.state, r.ssid FROM {ROWS} r
            JOIN students_ssidreplacement p ON p.state = r.state AND p.retired_ssid = r.ssid) AS f
          UNION ALL
          SELECT c.state, c.first, p.replacement_ssid, c.step + 1
          FROM c JOIN students_ssidreplacement p ON p.state = c.state AND p.retired_ssid = c.ssid
          WHERE c.step < {_LONGEST_CHAIN} AND NOT {held}
        )
        UPDATE {ROWS} r SET replaced_ssid = r.ssid, ssid = c.ssid
        FROM c WHERE c.state = r.state AND c.first = r.ssid AND c.step > 0 AND {held}
        """
    )


def _take_current_ssids() -> None:
    """Lines with a former SSID of a student say the same as lines with the current one: repeats are found by the number."""
    execute(
        f"""
        UPDATE {ROWS} r SET replaced_ssid = coalesce(nullif(r.replaced_ssid, ''), r.ssid), ssid = c.ssid
        FROM students_ssid h
        JOIN LATERAL (SELECT s.ssid FROM students_ssid s WHERE s.student_id = h.student_id AND s.state = h.state
          ORDER BY s.retired_at IS NOT NULL, s.ssid LIMIT 1) AS c ON c.ssid <> h.ssid
        WHERE h.retired_at IS NOT NULL AND h.state = r.state AND h.ssid = r.ssid
        """
    )


def _take_accepted_matches() -> None:
    """Lines that a person accepted for a student go under that student's SSID (repeats are found by it) or, if there is
    none, under one number for all lines of the student. Then every line gets its student by key."""
    execute(
        f"""
        UPDATE {ROWS} r SET ssid = a.ssid FROM (
          SELECT u.line, coalesce(c.ssid, nullif(min(u.ssid) OVER (PARTITION BY u.student_pk), ''), s.local_number) AS ssid
          FROM {ROWS} u JOIN students_student s ON s.id = u.student_pk
          LEFT JOIN LATERAL (SELECT h.ssid FROM students_ssid h WHERE h.student_id = u.student_pk AND h.state = u.state
            ORDER BY h.retired_at IS NOT NULL, h.ssid LIMIT 1) AS c ON true
          WHERE u.accepted IN ({REMEMBERED}, {ACCEPTED})
        ) AS a WHERE a.line = r.line
        """
    )
    execute(
        f"""
        UPDATE {ROWS} r SET student_pk = h.student_id FROM students_ssid h
        WHERE h.state = r.state AND h.ssid = r.ssid AND r.student_pk IS NULL
        """
    )


def _report_blank_uins(context: RunContext) -> None:
    """One notice for the file, before UINs that are not kept become blank too."""
    if "uin" not in context.fields or context.lines is not None:
        return
    seen = first_look.seen(context)
    if seen.blank_uins:
        params = {"count": f"{seen.blank_uins:,}", "first": f"{seen.first_blank:,}"}
        report_on_file(context, "EXC-UIN-BLANK", field="uin", params=params, severity=Severity.NOTICE)


def _leave_out_damaged_values(context: RunContext) -> None:
    """UINs that a spreadsheet damaged, and facts about who was tested that the state does not have (codes of districts and
    schools that are not numbers; genders; statuses) are not kept: reported once for the file. None of them keeps a score out."""
    odd, misprint, meant = as_tested.ODD_FACT, as_tested.MISPRINT, as_tested.MEANT
    met = as_tested.odd_found(context.notes)
    damaged = {}
    if met.codes:
        quick = f"as_tested LIKE '%{as_tested.ODD_CODE},%'"
        damaged["EXC-TESTED-CODE"] = ("as_tested", as_tested.without_odd_codes_sql("as_tested"), quick)
    if met.facts:
        damaged["EXC-TESTED-ODD"] = ("as_tested", f"replace(as_tested, '{odd}', '')", f"as_tested LIKE '%{odd}%'")
    if met.misprints:
        becomes, quick = f"replace(as_tested, '{misprint}', '{meant}')", f"as_tested LIKE '%{misprint}%'"
        damaged["EXC-TESTED-TVD"] = ("as_tested", becomes, quick)
    if "uin" in context.fields and first_look.seen(context).damaged_uins:
        may_be = "(uin LIKE '%E%' OR uin LIKE '%e%' OR uin LIKE '=%')"
        damaged["EXC-UIN-SPOILED"] = ("uin", f"CASE WHEN uin !~ '{_DAMAGED}' THEN uin ELSE '' END", may_be)
    for code, (column, becomes, quick) in damaged.items():
        where = f"{quick} AND {column} <> {becomes}"
        lines = fetch_all(f"UPDATE {ROWS} SET {column} = {becomes} WHERE {where} RETURNING line")
        if lines and context.lines is None:
            params = {"count": f"{len(lines):,}", "first": f"{min(lines)[0]:,}"}
            severity = Severity.NOTICE if code == "EXC-TESTED-TVD" else Severity.WARNING
            report_on_file(context, code, field="uin" if column == "uin" else "", params=params, severity=severity)


def _leave_out_shared_uins(context: RunContext) -> None:
    """A UIN on lines of several students says nothing about a record: it is not kept, and one notice reports it.

    It never keeps a line out: state exports repeat a UIN, and spreadsheets may put the same one on every line.
    """
    emptied = _empty_shared_uins() if "uin" in context.fields else {}
    shared: Shared = [[first, count] for first, (_uin, count) in emptied.items()]
    alone = context.notes.get(ALONE)
    context.notes["shared_uins"] = shared = shared if alone is None else alone.shared(shared)
    if alone is not None:
        if shared == alone.kept["shared"]:
            return
        take_back(context, "AMB-UIN")
    if shared:
        first = shared[0][0]
        uin = emptied[first][0] if first in emptied else read_records(context.run, [first], ["uin"])[first]["uin"]
        params = {"lines": f"{sum(count for _first, count in shared):,}", "first": first}
        report_on_file(context, "AMB-UIN", field="uin", found=uin or "", params=params, severity=Severity.NOTICE)


def _empty_shared_uins() -> dict[int, tuple[str, int]]:
    """First line of each -> the UIN, and from how many lines it was taken."""
    named = "r.uin <> '' AND r.ssid <> '' AND NOT r.refused"
    if not repeats.has_repeats("uin_key", named):
        return {}
    rows = fetch_all(
        f"""
        WITH shared AS (SELECT r.uin FROM {ROWS} r WHERE {named} GROUP BY r.uin HAVING min(r.ssid) <> max(r.ssid)),
        emptied AS (UPDATE {ROWS} r SET uin = '' FROM shared WHERE shared.uin = r.uin RETURNING r.line, shared.uin)
        SELECT min(line), uin, count(*) FROM emptied GROUP BY uin ORDER BY 1
        """
    )
    return {int(first): (str(uin), int(count)) for first, uin, count in rows}


def second_pass(context: RunContext, refusing: Collection[int]) -> Q | None:
    """Lines to check again: those whose SSID no student holds but that may fit a student, and those that repeat a
    refused line.

    refusing: the rules that keep a line out, by their number among all rules of the run.
    """
    rounds = context.notes.setdefault("closer_looks", 0)
    context.notes["closer_looks"] = rounds + 1
    doubtful = find_candidates(context) if not rounds else None
    assert context.layout is not None  # noqa: S101 - a staged file has one
    again = repeats.take_the_place_of_refused(context, tests_of(context.layout), refusing, last=rounds >= _MOST_ROUNDS)
    if doubtful is None or again is None:
        return doubtful if again is None else again
    return doubtful | again


def find_candidates(context: RunContext) -> Q | None:
    """For lines whose SSID no student holds: find students of the same name and birth date that this run may see.
    Returns the lines for which there are any."""
    schools = "" if context.run.schools is None else "AND s.school_id = ANY(%s)"
    params = [] if context.run.schools is None else [list(context.run.schools)]
    # Written and analyzed first: the planner assumes lines without a student are rare, and a file may have no others.
    with joins_for(context.record_count):
        doubtful = execute(
            f"""
            CREATE TEMP TABLE doubtful_line ON COMMIT DROP AS
            SELECT u.line, u.birth_date, u.last_name, u.first_name FROM checked_line k JOIN {ROWS} u ON u.line = k.line
            WHERE k.student_id IS NULL AND u.skipped = 0
              AND NOT EXISTS (SELECT 1 FROM students_ssid h WHERE h.state = u.state AND h.ssid = u.ssid)
            """
        )
    if doubtful:
        execute("ANALYZE doubtful_line")
    found = doubtful and execute(
        f"""
        UPDATE {ROWS} r SET candidates = least(c.n, 99), candidate_text = c.numbers
        FROM (
          SELECT u.line, count(*) AS n, string_agg(s.local_number, ', ' ORDER BY s.local_number) AS numbers
          FROM doubtful_line u
          JOIN students_student s ON s.birth_date = u.birth_date AND s.match_last_name = u.last_name
            AND u.first_name IN (s.match_first_name, s.first_name) {schools}
          GROUP BY u.line
        ) AS c WHERE c.line = r.line
        """,
        params,
    )
    execute("DROP TABLE doubtful_line")
    return Q(candidates__gt=0) if found else None


_range_values: Remembered[str] = Remembered(most=64)


def _load_ranges(tests: tuple[LayoutTest, ...], year: int) -> None:
    create_table(ScoreRange)  # type: ignore[arg-type]
    values = _range_values.get((year,), [tests])
    if values is None:
        values = ", ".join(_values_of_ranges(tests, year))
        _range_values.keep((year,), [tests], values)
    if values:
        execute(
            f"INSERT INTO {ScoreRange._meta.db_table} (record_type, grade, lowest, level_2, level_3, level_4, highest)"
            f" VALUES {values}"
        )
    execute(f"ANALYZE {ScoreRange._meta.db_table}")


def _values_of_ranges(tests: tuple[LayoutTest, ...], year: int) -> Iterator[str]:
    for test in tests:
        for r in kept_ranges(test.ranges, year, test.edition.comparable_from):
            scores = ", ".join(
                "NULL::int" if score is None else f"{score}::int" for score in (r.lowest, *r.levels, r.highest)
            )
            for spelling in test.record_types:
                for grade in dict.fromkeys((r.grade, r.grade.lstrip("0"))):
                    yield f"({literal(spelling)}, {literal(grade)}, {scores})"
