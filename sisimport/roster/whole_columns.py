"""Columns that changed as a whole: sorted separately, moved under another heading, shifted by a line, filled down
from one line, or cut off.

Last name, first name, birth date, gender: the file is refused, unless a user says that it is right. Any other column:
one warning for the file, with how many students on record would get a different value, and which value most of those
lines have. New students have no record to compare with: for them, one birth date on nearly all lines is a warning.
"""

from typing import Any, Final

from sisimport.files.issues import FileError
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_all, fetch_one
from sisimport.roster.birth_dates import exchanged
from sisimport.roster.conditions import EL_STATUS
from sisimport.roster.damaged_names import part_sql
from students.grades import GRADES

_FEWEST: Final = 5  # lines; fewer may be corrections
_FEWEST_NEW: Final = 20  # new students with one birth date: fewer may be a test, or triplets
_NEARLY_ALL: Final = 0.8
# Share of the students on record from which a column counts as changed. Of genders, half stay the same by chance.
_REFUSED: Final = (("last_name", "last name", 0.5), ("first_name", "first name", 0.5), ("birth_date", "birth date", 0.5),
                   ("gender", "gender", 0.3))  # fmt: skip
_REFUSED_NAMES: Final = frozenset(name for name, _, _ in _REFUSED)
_TOLD: Final = (("school_pk", "school", 0.3), ("grade", "grade", 0.3), ("home_language", "home language", 0.3),
                ("middle_name", "middle name", 0.5), ("legal_last_name", "legal last name", 0.5),
                ("legal_first_name", "legal first name", 0.5), ("legal_gender", "legal gender", 0.3),
                ("birth_country", "birth country", 0.5), ("birth_state", "birth state", 0.5),
                ("ethnicity", "ethnicity", 0.5))  # fmt: skip
_NAMES: Final = ("last_name", "first_name", "middle_name", "suffix", "legal_last_name", "legal_first_name",
                 "legal_middle_name", "alias_last_name", "alias_first_name")  # fmt: skip
_FEWEST_SAME: Final = 10  # lines with one name: fewer may be a family
_IN_ORDER: Final = " ".join(grade for grade in GRADES if grade not in ("UE", "US", "AD"))
_ON_RECORD: Final = """FROM staged_roster r JOIN students_student s ON s.id = r.student_pk AND s.local_number = r.local_number
        WHERE NOT r.refused AND NOT r.is_new"""


def judge(context: RunContext, *, as_written: bool) -> None:
    """Called after the rules. Raises FileError if a column of the first kind changed as a whole, unless `as_written`;
    notes others.

    Skipped for lines planned again: their whole file was checked before.
    """
    if context.lines is not None:
        return
    columns = [*_REFUSED, *(one for one in _TOLD if one[0].removesuffix("_pk") in context.fields)]
    of, *counts = fetch_one(
        f"SELECT count(*), {', '.join(f'count(*) FILTER (WHERE {_is_other(name)})' for name, _, _ in columns)} {_ON_RECORD}"
    )
    changed = [
        (name, what, count, compared)
        for (name, what, share), count in zip(columns, counts, strict=True)
        if count >= _FEWEST and count > share * (compared := _compared(name, of))
    ]
    for name, what, count, compared in changed:
        if name in _REFUSED_NAMES:
            if as_written:
                continue
            raise FileError("COLUMN-SORTED", field=name, params={"what": what, "count": f"{count:,}", "of": f"{of:,}"})
        _report(context, name.removesuffix("_pk"), what, (count, compared), _commonest(name, count))
    if not as_written:
        _refuse_many_places()
    _judge_names(context)
    _judge_dates(context)
    _judge_statuses(context)


# -- names: one on nearly all lines --------------------------------------------------------------------------------------


def _judge_names(context: RunContext) -> None:
    """Names and suffixes that nearly all lines bring to students who do not have them, as a filled-down column makes them."""
    names = [name for name in _NAMES if name in context.fields]
    brings = {name: f"r.{name} <> '' AND r.{name} IS DISTINCT FROM s.{name}" for name in names}
    rows = "FROM staged_roster r LEFT JOIN students_student s ON s.id = r.student_pk WHERE NOT r.refused"
    of, *counts = fetch_one(
        f"SELECT count(*), {', '.join(f'count(*) FILTER (WHERE {brings[name]})' for name in names)} {rows}"
    )
    for name, count in zip(names, counts, strict=True):
        if count < _FEWEST_SAME or count < _NEARLY_ALL * of:
            continue
        value, same = fetch_one(
            f"SELECT r.{name}, count(*) {rows} AND {brings[name]} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
        )
        if same >= _NEARLY_ALL * of:
            params = {"what": name.replace("_", " "), "count": f"{same:,}", "of": f"{of:,}"}
            report_on_file(context, "COLUMN-SAME", field=name, found=value, params=params)


def _compared(name: str, of: int) -> int:
    """How many lines could show a different value: a column that is blank on many lines is judged by the others."""
    if name == "school_pk" or name in [one for one, _, _ in _REFUSED]:
        return of
    (count,) = fetch_one(f"SELECT count(*) {_ON_RECORD} AND r.{name} <> '' AND s.{name} <> ''")
    return int(count)


def _is_other(name: str) -> str:
    """SQL: the line brings a value that differs from the record. Names are compared loosely, if they differ at all;
    birth dates with day and month exchanged have their own refusal and option (see birth_dates.py); the next grade is
    what a new year brings."""
    if name == "school_pk":
        moved_up = f"strpos('{_IN_ORDER}', r.grade) - strpos('{_IN_ORDER}', s.grade) = 3 AND r.grade <> ''"
        return (
            f"CASE WHEN r.school_pk <> s.school_id THEN r.enrollment_exit IS NULL AND NOT ({moved_up}) AND NOT EXISTS ("
            "SELECT FROM students_enrollment e WHERE e.student_id = s.id AND e.school_id = r.school_pk AND e.exit_date IS NULL)"
            " ELSE false END"
        )
    file, record = f"r.{name}", f"s.{name}"
    if name == "birth_date":
        return f"CASE WHEN {file} <> {record} THEN NOT {exchanged(file, record)} ELSE false END"
    other = f"{file} <> '' AND {record} <> '' AND {file} <> {record}"
    if name == "grade":
        step = f"strpos('{_IN_ORDER}', {file}) - strpos('{_IN_ORDER}', {record})"
        return f"CASE WHEN {other} THEN {step} <> 3 AND r.enrollment_exit IS NULL ELSE false END"
    if name.endswith("_name"):
        another = f"{apart(f'sis_loose({file})', f'sis_loose({record})')} OR {part_sql(file, record)}"
        return f"CASE WHEN {other} THEN {another} ELSE false END"
    return other


def apart(one: str, other: str) -> str:
    """SQL: neither of two loose names contains the other."""
    return f"(strpos({one}, {other}) = 0 AND strpos({other}, {one}) = 0)"


def _commonest(name: str, of: int) -> str:
    """The value that nearly all of the differing lines bring; blank if there is none."""
    column = "school" if name == "school_pk" else name
    value, count = fetch_one(
        f"SELECT r.{column}, count(*) {_ON_RECORD} AND {_is_other(name)} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    )
    return str(value) if count >= _NEARLY_ALL * of else ""


def _report(context: RunContext, field: str, what: str, counts: tuple[int, int], value: str) -> None:
    count, of = counts
    same = f", nearly all of them {value}" if value else ""
    params = {"what": what, "count": f"{count:,}", "of": f"{of:,}", "same": same}
    report_on_file(context, "COLUMN-OTHER", field=field, found=value, params=params)


def _refuse_many_places() -> None:
    """Raises FileError for codes that go up line by line, as a spreadsheet fills them: they would create a district or
    a school for each student."""
    for key, table, field, what in (
        ("lea_id", "students_lea", "lea", "districts"),
        ("school_pk", "students_school", "school", "schools"),
    ):
        new, lines = fetch_one(
            f"""
            SELECT count(*), coalesce(sum(n), 0) FROM (SELECT {key} AS pk, count(*) AS n FROM staged_roster
              WHERE {key} IS NOT NULL AND NOT refused GROUP BY 1) AS k
            WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = k.pk)
            """
        )
        if new >= _FEWEST and lines < 2 * new:
            raise FileError("PLACES-MANY", field=field, params={"what": what, "count": f"{new:,}", "of": f"{lines:,}"})


# -- dates: one day on nearly all lines ----------------------------------------------------------------------------------


def _judge_dates(context: RunContext) -> None:
    for field, what, stays in (
        ("enrollment_start", "enrollment start date", _OTHER_START),
        ("enrollment_exit", "enrollment exit date", _STILL_HERE),
    ):
        if field in context.fields and (day := _one_day(field, "true", _FEWEST)) is not None:
            (of,) = fetch_one(
                f"SELECT count(*) FROM staged_roster WHERE {field} = %s AND NOT refused AND NOT is_new", [day]
            )
            (count,) = fetch_one(stays, [day])
            if count >= _FEWEST and count * 2 > of:
                params = {"what": what, "count": f"{count:,}", "of": f"{of:,}"}
                report_on_file(context, "COLUMN-DAY", field=field, found=str(day), params=params)
    if (day := _one_day("birth_date", "r.is_new", _FEWEST_NEW)) is not None:
        report_on_file(context, "COLUMN-BORN", field="birth_date", found=str(day))


def _one_day(field: str, when: str, fewest: int) -> Any:
    """The day that is on nearly all lines; None if there is none."""
    found = fetch_all(
        f"""
        SELECT r.{field}, count(*), (sum(count(*)) OVER ())::bigint FROM staged_roster r WHERE NOT r.refused AND {when}
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1
        """
    )
    day, count, of = found[0] if found else (None, 0, 0)
    return day if day is not None and count >= fewest and count >= _NEARLY_ALL * of else None


_STAYS: Final = """
    FROM staged_roster r JOIN students_enrollment e ON e.student_id = r.student_pk AND e.school_id = r.school_pk
      AND e.exit_date IS NULL AND e.start_date IS NOT NULL
    WHERE NOT r.refused AND NOT r.is_new"""
# A second stay besides the open one, in the same school year (July to June).
_OTHER_START: Final = f"""
    SELECT count(*)
    {_STAYS.replace("WHERE", "CROSS JOIN (SELECT %s::date AS day) AS d WHERE")} AND r.enrollment_start = d.day
      AND e.start_date <> d.day
      AND date_trunc('year', e.start_date - interval '6 months') = date_trunc('year', d.day - interval '6 months')
      AND NOT EXISTS (SELECT 1 FROM students_enrollment o WHERE o.student_id = r.student_pk AND o.school_id = r.school_pk
        AND o.start_date = d.day)"""
_STILL_HERE: Final = f"SELECT count(*) {_STAYS} AND r.enrollment_exit = %s::date"


def _judge_statuses(context: RunContext) -> None:
    """Statuses that differ for most students on record, as a filled-down column makes them."""
    if "el_status" not in context.fields:
        return
    codes = ", ".join(f"('{code}', '{status}')" for code, status in EL_STATUS.items())
    found = fetch_all(
        f"""
        SELECT (sum(count(*)) OVER ())::bigint,
          (sum(count(*) FILTER (WHERE c.status <> e.program_status)) OVER ())::bigint, c.status,
          count(*) FILTER (WHERE c.status <> e.program_status)
        FROM staged_roster r JOIN students_elrecord e ON e.student_id = r.student_pk
        JOIN (VALUES {codes}) AS c(code, status) ON c.code = lower(r.el_status)
        WHERE NOT r.refused AND NOT r.is_new AND r.el_status <> '' GROUP BY c.status ORDER BY 4 DESC LIMIT 1
        """
    )
    if not found:
        return
    of, count, status, same = found[0]
    if count >= _FEWEST and count * 2 > of:
        value = status if same >= _NEARLY_ALL * count else ""
        _report(context, "el_status", "Program Status", (count, of), value)
