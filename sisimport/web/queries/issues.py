"""Issues as pages and downloads show them: the message, the student if the reader may open the page, SSIDs masked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sisimport.files.issues import Severity, codes
from sisimport.imports.definition.registry import get_tool, get_type
from sisimport.imports.models import ImportIssue, ImportRun
from sisimport.imports.runs.report import field_label, issue_message, layout_of, with_true_ends
from sisimport.web.queries.data_lines import DataLine
from sisimport.web.queries.report import Reader, students_by_id
from sisimport.web.ssid_masking import FIELDS, Masking
from students.district_settings import report_words
from students.models import ReportWords, Student

_ABOUT_WRITING = frozenset(
    {"FILE-DATE", "FILE-DATE-FORM", "FILE-DATE-FORMS"}
)  # how a date is written is what they are about


@dataclass(frozen=True, slots=True)
class ShownIssue:
    line: int
    severity: Severity
    code: str
    title: str
    message: str
    fix: str
    field: str
    student: Student | None
    data: DataLine | None
    in_screen_words: bool = False

    @property
    def keeps_dates_raw(self) -> bool:
        """Whether dates stay as they are: the message is about how a date is written, or is that of the mirrored
        screen, which writes dates by ISO 8601."""
        return self.in_screen_words or self.code in _ABOUT_WRITING


def shown_issues(
    run: ImportRun,
    reader: Reader,
    issues: Iterable[ImportIssue],
    lines: Mapping[int, DataLine],
    masking: Masking,
) -> list[ShownIssue]:
    """Issues ready for a template or a download, in the wording chosen for the run or by its district."""
    issues = with_true_ends(run, issues)
    layout = layout_of(run)
    students = students_by_id(reader, [issue.student_id for issue in issues])
    schools = None if reader.schools is None else set(reader.schools)
    in_screen_words = words_of(run) == ReportWords.SCREEN
    shown = []
    for issue in issues:
        student = students.get(issue.student_id or 0)
        number = student.local_number if student and in_screen_words else ""
        issue_code = codes.get(issue.code) if issue.code in codes else None
        message = issue_message(masked(issue, masking), layout, schools=schools, screen_number=number)
        shown.append(
            ShownIssue(
                line=issue.line,
                severity=Severity(issue.severity),
                code=issue.code,
                title=issue_code.title if issue_code else issue.code,
                message=message,
                fix=issue_code.fix if issue_code else "",
                field=field_label(layout, issue.field) if issue.field else "",
                student=student,
                data=_data(issue, lines),
                in_screen_words=bool(number and issue_code and issue_code.screen),
            )
        )
    return shown


def words_of(run: ImportRun) -> ReportWords | None:
    """The wording of the run's report: its own choice, else its district's. None: its tool mirrors no screen."""
    try:
        has_words = get_tool(get_type(run.import_type).screen.tool).screen_words
    except LookupError:
        return None
    if not has_words:
        return None
    chosen: dict[str, ReportWords] = vars(run)  # queried once per page, which uses it several times
    if "_words" not in chosen:
        chosen["_words"] = ReportWords(run.report_words) if run.report_words else report_words(run.lea_ids)
    return chosen["_words"]


def _data(issue: ImportIssue, lines: Mapping[int, DataLine]) -> DataLine | None:
    line = lines.get(issue.line)
    return line.marked(issue.field, Severity(issue.severity)) if line else None


def masked(issue: ImportIssue, masking: Masking) -> ImportIssue:
    """The issue with whole SSIDs masked, unless the page shows them."""
    if issue.field in FIELDS:
        issue.found, issue.expected = (
            masking.value(issue.field, issue.found),
            masking.value(issue.field, issue.expected),
        )
    issue.params = masking.params(issue.params)
    return issue
