"""What requests may contain and answers return. A run and a student are the same objects as in the command line
(`--json`)."""

import datetime as dt
import re
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Field, Schema
from pydantic import AfterValidator, BeforeValidator

MOST = 1000


Plain = Annotated[str, Field(pattern=r"^[^\x00]*$")]  # no value on record contains NUL


class Page(Schema):
    """One page of a list."""

    cursor: Plain = Field(
        "", max_length=1000, description="`next` of the previous page; leave it out for the first page."
    )
    limit: int = Field(100, ge=1, le=MOST, description="How many entries at most.")


EARLIEST, LATEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


def _with_offset(value: dt.datetime) -> dt.datetime:
    """A time within the range that records and time zones support; without an offset, it is in the server's time
    zone."""
    if not EARLIEST.year <= value.year < LATEST.year:
        return EARLIEST if value.year < EARLIEST.year else LATEST
    return value if value.tzinfo else timezone.make_aware(value)


def _written_out(value: Any) -> Any:
    """Requires text, since a number would be taken for seconds since 1970."""
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("write it out: 2026-11-28T06:00:00-08:00")
    return value


Moment = Annotated[dt.datetime, BeforeValidator(_written_out), AfterValidator(_with_offset)]


class ProblemField(Schema):
    field: str
    message: str


class ProblemOut(Schema):
    """Problem details (RFC 9457)."""

    type: str = Field(description="Address of the help for this kind of problem.")
    title: str
    status: int
    detail: str = Field(description="What happened and what to do, for people.")
    code: str = Field(description="The kind of problem, for programs.")
    errors: list[ProblemField]


# ---- catalogue ----


class ChoiceOut(Schema):
    value: str
    label: str


class OptionOut(Schema):
    name: str
    label: str
    hint: str
    default: str = Field(description="The value when nothing is sent: the district's choice, or else the type's.")
    choices: list[ChoiceOut] = Field(description="Empty: a free value.")


class ImportTypeOut(Schema):
    type: str
    label: str
    screen: str
    works: list[str]
    layouts: list[str]
    options: list[OptionOut]


class ImportTypesOut(Schema):
    items: list[ImportTypeOut]
    next: str | None


class LayoutOut(Schema):
    layout: str
    title: str
    types: list[str]
    delimiter: str
    header: str = Field(description="none, optional or required")
    columns: list[str]


class LayoutsOut(Schema):
    items: list[LayoutOut]
    next: str | None


class IssueCodeOut(Schema):
    code: str
    title: str
    message: str = Field(description="The pattern of its sentence: names in braces are filled in.")
    fix: str
    retired: bool


class IssueCodesOut(Schema):
    items: list[IssueCodeOut]
    next: str | None


# ---- runs ----


class CrashOut(Schema):
    """The last attempt at a run that failed. Later attempts may still have completed the run."""

    status: str = Field(description="stopped: its worker went away; error: an error in the program")
    attempt: int | None
    phase: str
    at: str | None
    error: str | None = Field(description="kind of the error, never its text")


class MappingOut(Schema):
    name: str
    number: int = Field(description="Which version of the mapping.")
    version: str = Field(description="Hash of its content: equal for equal content.")


class RunOut(Schema):
    """A run, as `import_file --json` prints it, without its lines."""

    run: int
    type: str
    work: str = Field(description="test, update, import, revert or convert")
    status: str = Field(description="queued, running, completed, rejected, failed or cancelled")
    reverted: str | None = Field(description="partly or wholly; null: not reverted")
    corrects: int | None = Field(description="The run of whose file this one reads corrected lines only; null: none.")
    file_name: str
    layout: str
    mapping: MappingOut | None = Field(
        description="The column mapping by which the file was read, with its version; null: none."
    )
    options: dict[str, str] = Field(description="Every option of the type with the value that the run has.")
    district_options: list[str] = Field(description="Those of them whose value is the district's default.")
    record_count: int
    import_count: int
    unchanged_count: int
    refused_count: int
    set_aside_count: int
    skipped_count: int
    error_count: int
    warning_count: int
    notice_count: int
    planned_count: int
    message: str
    crash: CrashOut | None


class RunsOut(Schema):
    items: list[RunOut]
    next: str | None


class ImportForm(Schema):
    """What is sent along with the file."""

    type: str = Field(
        "auto", max_length=40, description="Key of an import type, or auto: the one that fits the file's layout."
    )
    work: Literal["test", "update", "import"] = Field(
        "test",
        description="test writes nothing; update applies the Test of exactly this file; import is the update of scores.",
    )
    options: list[str] = Field(
        [], description="NAME=VALUE, the field once for each option, or one JSON object with all of them."
    )
    test_run: int | None = Field(
        None, ge=1, le=2**63 - 1, description="The Test to apply, if not the newest of the file."
    )


class DecisionForm(Schema):
    """A second person's decision on a held run."""

    reason: Plain = Field(..., min_length=1, max_length=500, description="Why, in a few words; kept with the run.")


class RefusedFilters(Schema):
    form: Literal["lines", "table"] = Field(
        "lines",
        description="lines: as they came. table: CSV with the original line and what is wrong before the columns of the "
        "file; once it is corrected and sent as a file to /imports, only these lines are tested, by a run that refers "
        "to this one.",
    )


class RunFilters(Page):
    type: Plain = Field("", max_length=40, description="Key of an import type.")
    work: Literal["", "test", "update", "import", "revert", "convert"] = ""
    status: Literal["", "queued", "running", "held", "completed", "rejected", "failed", "cancelled"] = ""
    created_since: Moment | None = Field(None, description="Runs started at this moment or later.")


class IssueOut(Schema):
    line: int = Field(description="Line of the file; 0: the whole file.")
    severity: str
    code: str
    field: str
    found: str
    expected: str
    message: str
    data: str = Field(description="The line as it came.")


class IssuesOut(Schema):
    items: list[IssueOut]
    next: str | None


class IssueFilters(Page):
    severity: Literal["", "error", "warning", "notice"] = ""
    code: Plain = Field("", max_length=24, description="An issue code.")


class ChangeOut(Schema):
    line: int
    student: str = Field(description="Local number.")
    what: str
    field: str
    before: Any = None
    after: Any = None


class ChangesOut(Schema):
    items: list[ChangeOut]
    next: str | None


class AbsentOut(Schema):
    local_number: str
    last_name: str
    first_name: str
    school: str | None
    grade: str
    has_ssid: bool
    has_el_data: bool
    program_status: str | None


class AbsentsOut(Schema):
    items: list[AbsentOut]
    next: str | None


# ---- records ----


class StudentRecordsOut(Schema):
    """A student, as `show_student --json` prints it; more keys may come."""

    local_number: str
    ssid: str | None
    retired_ssids: list[str]
    names: dict[str, str]
    birth_date: dt.date
    gender: str
    legal_gender: str
    school: str | None = Field(description="Code of the current school.")
    grade: str
    home_language: str
    el: dict[str, str | None] | None = Field(description="English learner record.")
    enrollments: list[dict[str, Any]]
    scores: list[dict[str, Any]] | None = Field(None, description="Only with the scope scores:read.")
