"""What a request for SSIDs would contain: one enrollment record for each student without SSID, and what it still lacks.

Section 11 of the SSID rules; sources: CALPADS match tool page, CALPADS File Specifications, Student Enrollment (35 positions,
2024-25). Nothing is written here; senr_requests stores a request once a person has reviewed the draft.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import Case, CharField, F, IntegerField, OuterRef, Subquery, Value, When
from django.utils import timezone

from sisimport.files.issues import Severity
from students.missing import enrolled_today, gone
from students.models import LEA, Enrollment, School, Student
from students.school_years import NotASchoolYearError, full_label, read_school_year, school_year_of
from students.search import without_ssid

LAYOUT = "calpads-senr-request"
COLUMNS = 35
RECORD_TYPE, PRIMARY_ENROLLMENT = "SENR", "10"
# Births in these countries, and only these, are given with the state or province.
WITH_BIRTH_STATE = ("US", "CA", "MX")
USUAL_AGES = range(1, 23)
ADULT_AGES = range(16, 80)
LONGEST_LOCAL_NUMBER = 15
_NO_NAME = re.compile(r"[=+@\-]|.*[\x00-\x1f^]")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something a record lacks. An error keeps the student out of the request, a warning does not."""

    local_number: str
    student_id: int
    school: str
    field: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One student's record as it would be sent: 35 values, dates as CCYYMMDD, blank for no value."""

    student_id: int
    school_id: int
    identity_hash: int
    birth_date: dt.date
    values: tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """A request before it is made. `left`: students without SSID whose enrollment has ended; no SSID is requested for
    them."""

    lea: LEA
    schools: list[School]
    school_year: str
    entries: list[Entry] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    incomplete: int = 0
    left: int = 0


class RequestRefusedError(Exception):
    """A request that cannot be made; the text is for the user."""


def draft(schools: Sequence[School], *, school_year: str = "", today: dt.date | None = None) -> Draft:
    """Make a draft for all students of these schools without an SSID. Three queries, however many there are.

    Raises RequestRefusedError: no school, schools of several districts, an invalid school year.
    """
    today = today or timezone.localdate()
    leas = {school.lea_id for school in schools}
    if not leas:
        raise RequestRefusedError("Choose at least one school.")
    if len(leas) > 1:
        raise RequestRefusedError("A request is made for the schools of one district; make one for each.")
    try:
        year = full_label(read_school_year(school_year)) if school_year else school_year_of(today)
    except NotASchoolYearError as error:
        raise RequestRefusedError(str(error)) from error
    made = Draft(lea=schools[0].lea, schools=sorted(schools, key=lambda school: school.code), school_year=year)
    made.left = gone(_asked(made.schools), today=today).count()
    for student in _students(made.schools, today):
        gaps = list(gaps_of(student, today))
        made.gaps += gaps
        if any(gap.severity is Severity.ERROR for gap in gaps):
            made.incomplete += 1
        else:
            made.entries.append(entry_of(student, made.lea, made.school_year))
    return made


def _asked(schools: Sequence[School]) -> Any:
    return without_ssid(Student.objects.filter(school__in=[school.pk for school in schools]))


def _students(schools: Sequence[School], today: dt.date) -> Iterator[dict[str, Any]]:
    """Students without SSID who are enrolled, with their most recent enrollment: the open one that started
    last, else the last to end."""
    latest = Enrollment.objects.filter(student=OuterRef("pk"), school=OuterRef("school_id")).order_by(
        Case(When(exit_date__isnull=True, then=0), default=1, output_field=IntegerField()),
        F("exit_date").desc(nulls_last=True),
        F("start_date").desc(nulls_last=True),
    )
    gender = Case(When(~_blank("legal_gender"), then=F("legal_gender")), default=F("gender"), output_field=CharField())
    found = (
        enrolled_today(_asked(schools), today=today)
        .annotate(
            school_code=F("school__code"),
            start_date=Subquery(latest.values("start_date")[:1]),
            exit_date=Subquery(latest.values("exit_date")[:1]),
            enrolled_grade=Subquery(latest.values("grade")[:1]),
            reported_gender=gender,
        )
        .order_by("school__code", "local_number")
    )
    return found.values(*READ).iterator(chunk_size=4000)


def _blank(name: str) -> Any:
    from django.db.models import Q

    return Q(**{name: Value("")})


READ = (
    "id",
    "school_id",
    "school_code",
    "identity_hash",
    "local_number",
    "match_last_name",
    "match_first_name",
    "match_middle_name",
    "suffix",
    "alias_last_name",
    "alias_first_name",
    "birth_date",
    "reported_gender",
    "birth_country",
    "birth_state",
    "grade",
    "enrolled_grade",
    "start_date",
    "exit_date",
)


@cache
def _codes(name: str) -> frozenset[str]:
    with (Path(__file__).parents[1] / "layouts" / "codes.toml").open("rb") as stream:
        return frozenset(tomllib.load(stream)[name])


def _grade(student: dict[str, Any]) -> str:
    return str(student["enrolled_grade"] or student["grade"] or "").upper()


def _suffix(student: dict[str, Any]) -> str:
    return str(student["suffix"]).replace(".", "").strip().upper()


def gaps_of(student: dict[str, Any], today: dt.date) -> Iterator[Gap]:
    """What the state would refuse, and values that it would not get in full."""

    def gap(name: str, message: str, severity: Severity = Severity.ERROR) -> Gap:
        return Gap(student["local_number"], student["id"], student["school_code"], name, severity, message)

    number = student["local_number"]
    if len(number) > LONGEST_LOCAL_NUMBER:
        yield gap(
            "local_number", f"Local number is longer than the {LONGEST_LOCAL_NUMBER} characters the state accepts."
        )
    elif not number.strip("0"):
        yield gap("local_number", "Local number is zero.")
    for name, label, required in (
        ("match_last_name", "Last name", True),
        ("match_first_name", "First name", True),
        ("match_middle_name", "Middle name", False),
    ):
        if required and not student[name]:
            yield gap(name.removeprefix("match_"), f"{label} is missing.")
        elif _NO_NAME.match(student[name]):
            yield gap(name.removeprefix("match_"), f"{label} has a character that names do not have.")
    yield from _coded_gaps(student, gap)
    grade = _grade(student)
    age = today.year - student["birth_date"].year - (today.timetuple()[1:3] < student["birth_date"].timetuple()[1:3])
    if age not in (ADULT_AGES if grade == "AD" else USUAL_AGES):
        yield gap("birth_date", f"The student would be {age} years old; the state will ask.", Severity.WARNING)
    if bool(student["alias_first_name"]) != bool(student["alias_last_name"]):
        yield gap(
            "alias", "Alias first and last name go together; the one on record will not be sent.", Severity.WARNING
        )
    if _suffix(student) and _suffix(student) not in _codes("name_suffix"):
        yield gap("suffix", "The suffix is not one the state knows; it will not be sent.", Severity.WARNING)


def _coded_gaps(student: dict[str, Any], gap: Any) -> Iterator[Gap]:
    if not student["reported_gender"]:
        yield gap("gender", "Gender is missing.")
    if not student["birth_country"]:
        yield gap("birth_country", "Birth country is missing.")
    elif not re.fullmatch(r"[A-Za-z]{2}", student["birth_country"]):
        yield gap("birth_country", "Birth country is not a two-letter code.")
    if not _grade(student):
        yield gap("grade", "Grade is missing.")
    elif _grade(student) not in _codes("grade"):
        yield gap("grade", "Grade is not one the state knows.")
    if student["start_date"] is None:
        yield gap("enrollment_start", "The first day of enrollment is missing.")


def entry_of(student: dict[str, Any], lea: LEA, school_year: str) -> Entry:
    """The 35 columns of one student. Position numbers are those of the published layout."""
    country = student["birth_country"].upper()
    suffix = _suffix(student)
    has_alias = student["alias_first_name"] and student["alias_last_name"]
    filled = {
        1: RECORD_TYPE,
        4: lea.code,
        5: student["school_code"],
        7: school_year,
        9: student["local_number"],
        10: student["match_first_name"],
        11: student["match_middle_name"],
        12: student["match_last_name"],
        13: suffix if suffix in _codes("name_suffix") else "",
        14: student["alias_first_name"] if has_alias else "",
        16: student["alias_last_name"] if has_alias else "",
        17: _day(student["birth_date"]),
        18: student["reported_gender"],
        20: _birth_state(student["birth_state"], country),
        21: country,
        22: _day(student["start_date"]),
        23: PRIMARY_ENROLLMENT,
        24: _grade(student),
    }
    return Entry(
        student_id=student["id"],
        school_id=student["school_id"],
        identity_hash=student["identity_hash"],
        birth_date=student["birth_date"],
        values=tuple(filled.get(position, "") for position in range(1, COLUMNS + 1)),
    )


def _day(day: dt.date) -> str:
    return day.strftime("%Y%m%d")


def _birth_state(state: str, country: str) -> str:
    """`US-CA`: with the country before it, and only for countries whose states are given."""
    state = state.upper().strip()
    if not state or country not in WITH_BIRTH_STATE:
        return ""
    return state if state.startswith(f"{country}-") else f"{country}-{state}"
