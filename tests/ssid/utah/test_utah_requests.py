"""Requests to Utah's SSID system: who is in them, what is sent, what is held (rules U-1, U-2, U-6, U-9, U-11, U-12)."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from sisimport.imports.definition import registry
from ssid.models import UtahDueDate, UtahRequest, UtahRequestStudent
from ssid.models import UtahFunction as Kind
from ssid.utah.queries import board, changed_students, changes_of, due_dates, due_for
from ssid.utah.services import RequestRefusedError, find_schools, scope_of, withdraw_request
from students.models import LEA, Enrollment, School, Student
from tests.ssid import journey
from tests.ssid.utah.exchange import LAST, NUMBER, Utah, answered, lines_of, load_response, request, utah

pytestmark = pytest.mark.django_db


@pytest.fixture
def district() -> Utah:
    return utah()


def numbers(made: UtahRequest) -> list[str]:
    return [line[NUMBER] for line in lines_of(made)]


# -- who is in a request -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.RETRIEVE, ["100"]),
        (Kind.NEW, ["100"]),
        (Kind.UPDATE, ["300"]),
        (Kind.VERIFY, ["200", "300"]),
    ],
)
def test_each_function_holds_its_students(district: Utah, kind: Kind, expected: list[str]) -> None:
    district.add("100")
    district.add("200", ssid="1234567")
    changed = district.add("300", ssid="1234568")
    Student.objects.filter(pk=changed.pk).update(suffix="Jr")

    assert sorted(numbers(request(kind, district.school))) == expected


def test_u4_a_changed_student_without_ssid_is_not_in_an_update(district: Utah) -> None:
    student = district.add("100")
    Student.objects.filter(pk=student.pk).update(suffix="Jr")

    with pytest.raises(RequestRefusedError, match="No student"):
        request(Kind.UPDATE, district.school)


def test_u2_only_students_of_the_chosen_schools(district: Utah) -> None:
    district.add("100")
    district.add("101", school=district.other_school)

    assert numbers(request(Kind.RETRIEVE, district.school)) == ["100"]


def test_u2_several_schools_of_one_lea_in_one_request(district: Utah) -> None:
    district.add("100")
    district.add("101", school=district.other_school)

    assert numbers(request(Kind.RETRIEVE, district.school, district.other_school)) == ["100", "101"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-08-12", None, True),
        ("2026-08-12", "2026-10-01", True),
        ("2026-10-02", None, False),
        ("2026-08-12", "2026-09-30", False),
        (None, None, True),
    ],
)
def test_u9_an_effective_date_takes_those_enrolled_that_day(
    district: Utah, start: str | None, end: str | None, expected: bool
) -> None:
    student = district.add("100")
    Enrollment.objects.filter(student=student).update(start_date=start, exit_date=end)

    scope = scope_of(
        lea=district.lea, function=Kind.RETRIEVE, schools=[district.school], effective_date=dt.date(2026, 10, 1)
    )

    assert (scope.count == 1) is expected
    assert scope.not_enrolled == (0 if expected else 1)


def test_u9_without_effective_date_those_enrolled_at_any_time_in_the_year(district: Utah) -> None:
    left_this_year, left_before = district.add("100"), district.add("101")
    today = timezone.localdate()
    Enrollment.objects.filter(student=left_this_year).update(exit_date=today)
    Enrollment.objects.filter(student=left_before).update(exit_date=today - dt.timedelta(days=400))

    assert numbers(request(Kind.RETRIEVE, district.school)) == ["100"]


def test_u9_a_student_with_two_enrollments_is_in_one_row(district: Utah) -> None:
    student = district.add("100")
    Enrollment.objects.create(student=student, school=district.school, start_date=dt.date(2025, 8, 12))

    assert numbers(request(Kind.RETRIEVE, district.school)) == ["100"]


def test_the_scope_says_why_students_are_left_out(district: Utah) -> None:
    district.add("100", ssid="1234567")
    district.add("101")
    gone = district.add("102", ssid="1234569")
    Enrollment.objects.filter(student=gone).update(exit_date=dt.date(2024, 9, 1))

    scope = scope_of(lea=district.lea, function=Kind.UPDATE, schools=[district.school])

    assert scope.count == 0
    assert scope.left_out == [
        (1, "not enrolled at that time"),
        (1, "have no SSID yet"),
        (1, "did not change since the last confirmed Update"),
    ]


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_u11_legal_names_and_gender_are_sent(district: Utah) -> None:
    student = district.add(
        "100", legal_last_name="Nguyen", legal_first_name="Minh", legal_gender="F", middle_name="X", ethnicity="H"
    )

    made = request(Kind.RETRIEVE, district.school)

    (line,) = lines_of(made)
    year = str(made.school_year)
    assert line == ["1", "", year, "Nguyen", "Minh", "", "", "20110304", "F", "H", "07", "0123", "100", "R"]
    kept = UtahRequestStudent.objects.get(request=made)
    assert (kept.student, kept.last_name, kept.gender) == (student, "Nguyen", "F")


def test_the_ssid_is_sent_in_update_and_verify(district: Utah) -> None:
    district.add("100", ssid="1234567")

    assert lines_of(request(Kind.VERIFY, district.school))[0][1] == "1234567"


def test_names_with_commas_quotes_and_accents_survive_the_file(district: Utah) -> None:
    district.add("100", last_name='O"Neil, Núñez')

    assert lines_of(request(Kind.RETRIEVE, district.school))[0][LAST] == 'O"Neil, Núñez'


def test_what_was_sent_stays_when_the_student_changes(district: Utah) -> None:
    student = district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    Student.objects.filter(pk=student.pk).update(last_name="Diaz")

    assert UtahRequestStudent.objects.get(request=made).last_name == "Lee"


def test_u12_a_district_overrides_the_layout_without_code(district: Utah, settings: Any, tmp_path: Path) -> None:
    district.add("100")
    own = Path(tmp_path) / "utah-ssid-request.toml"
    own.write_text(
        'title = "Ours"\nsource = "our letter from the state"\ndelimiter = "|"\nheader = "required"\n'
        'date_formats = ["M/D/CCYY"]\ncolumns = [ { name = "Number", field = "local_number" },'
        ' { name = "Born", field = "birth_date", kind = "date" }, { name = "Nothing" } ]\n'
    )
    settings.LAYOUT_DIR = str(tmp_path)
    registry.folder_layouts.cache_clear()
    try:
        made = request(Kind.RETRIEVE, district.school)
    finally:
        registry.folder_layouts.cache_clear()

    with made.file.open("rb") as stream:
        assert stream.read().decode().splitlines() == ["Number|Born|Nothing", "100|03/04/2011|"]


# -- order -------------------------------------------------------------------------------------------------------------


def test_u1_new_is_held_while_a_retrieve_answer_is_outstanding(district: Utah) -> None:
    district.add("100")
    request(Kind.RETRIEVE, district.school)

    with pytest.raises(RequestRefusedError) as refused:
        request(Kind.NEW, district.school)

    assert refused.value.held
    assert not UtahRequest.objects.filter(function=Kind.NEW).exists()


def test_u1_a_person_may_override_with_a_reason_that_is_kept(district: Utah) -> None:
    district.add("100")
    request(Kind.RETRIEVE, district.school)

    made = request(Kind.NEW, district.school, override_reason="The state lost the file")

    assert made.override_reason == "The state lost the file"


def test_u1_blanks_are_not_a_reason(district: Utah) -> None:
    district.add("100")
    request(Kind.RETRIEVE, district.school)

    with pytest.raises(RequestRefusedError):
        request(Kind.NEW, district.school, override_reason="  ")


def test_u1_new_is_free_once_the_retrieve_answer_is_applied(district: Utah) -> None:
    district.add("100")
    district.add("101")
    made = request(Kind.RETRIEVE, district.school)
    load_response(answered(made, lambda line: ("1234567", "Match") if line[NUMBER] == "100" else ("", "No Match")))

    assert numbers(request(Kind.NEW, district.school)) == ["101"]


def test_u1_a_reverted_answer_is_outstanding_again(district: Utah) -> None:
    district.add("100")
    report = load_response(answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match")))
    journey.revert(report["run"])

    with pytest.raises(RequestRefusedError):
        request(Kind.NEW, district.school)


def test_u1_another_school_is_not_held(district: Utah) -> None:
    district.add("100")
    district.add("101", school=district.other_school)
    request(Kind.RETRIEVE, district.school)

    assert numbers(request(Kind.NEW, district.other_school)) == ["101"]


def test_u1_a_withdrawn_retrieve_holds_nothing(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    withdraw_request(request=made, user=None, reason="Never sent")

    assert numbers(request(Kind.NEW, district.school)) == ["100"]


def test_u1_an_earlier_retrieve_is_settled_by_a_later_one(district: Utah) -> None:
    district.add("100")
    request(Kind.RETRIEVE, district.school)
    load_response(answered(request(Kind.RETRIEVE, district.school), lambda line: ("1234567", "Match")))
    district.add("101")

    assert numbers(request(Kind.NEW, district.school)) == ["101"]


# -- due dates and lists -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "last_sent", "expected"),
    [
        ("2026-08-31", None, None),
        ("2026-09-01", None, ("1 October", False)),
        ("2026-10-01", None, ("1 October", False)),
        ("2026-09-20", "2026-09-01", None),
        ("2026-09-20", "2026-08-20", ("1 October", False)),
        ("2026-10-15", "2026-08-20", ("1 October", True)),
        ("2026-12-15", "2026-08-20", None),
    ],
)
def test_u6_a_function_is_due_in_the_days_before_a_date(
    today: str, last_sent: str | None, expected: tuple[str, bool] | None
) -> None:
    dates = [UtahDueDate(name="1 October", month=10, day=1, lead_days=30)]
    sent = dt.date.fromisoformat(last_sent) if last_sent else None

    due = due_for(dates, today=dt.date.fromisoformat(today), last_sent=sent)

    assert ((due.name, due.overdue) if due else None) == expected


def test_u6_the_board_shows_what_is_sent_and_answered(district: Utah, django_assert_max_num_queries: Any) -> None:
    district.add("100")
    changed = district.add("101", ssid="55", school=district.other_school)
    Student.objects.filter(pk=changed.pk).update(suffix="Jr")
    made = request(Kind.RETRIEVE, district.school)

    with django_assert_max_num_queries(8):
        rows = {row.school.code: row for row in board(School.objects.all())}

    cells = {cell.function: cell for cell in rows["0123"].cells}
    assert cells[Kind.RETRIEVE].request == made
    assert cells[Kind.RETRIEVE].request.state == "open"
    assert cells[Kind.NEW].request is None
    assert (rows["0123"].without_ssid, rows["0123"].changed) == (1, 0)
    assert (rows["0124"].without_ssid, rows["0124"].changed) == (0, 1)


def test_u4_the_list_of_changed_students_says_what_changed_from_what(district: Utah) -> None:
    student = district.add("100")
    Student.objects.filter(pk=student.pk).update(last_name="Diaz")
    Student.objects.filter(pk=student.pk).update(last_name="Ruiz", gender="X")

    assert list(changed_students(Student.objects.all())) == [student]
    found = {(c.label, c.before, c.after) for c in changes_of([student.pk])[student.pk]}
    assert found == {("Last name", "Lee", "Ruiz"), ("Gender", "M", "X")}


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_writes_the_file_and_prints_one_object(
    district: Utah, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    district.add("100")
    output = tmp_path / "retrieve.csv"

    call_command("utah_request", "retrieve", "--school", "0123,0124", "--output", str(output), "--json")

    printed = json.loads(capsys.readouterr().out)
    made = UtahRequest.objects.get()
    assert (printed["request"], printed["record_count"], printed["file"]) == (made.pk, 1, str(output))
    assert printed["schools"] == ["0123", "0124"]
    assert len(output.read_text().splitlines()) == 1


def test_the_command_refuses_a_held_new_with_exit_code_2(
    district: Utah, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    district.add("100")
    request(Kind.RETRIEVE, district.school)
    output = tmp_path / "new.csv"

    with pytest.raises(SystemExit) as stopped:
        call_command("utah_request", "new", "--school", "0123", "--output", str(output), "--json")

    assert stopped.value.code == 2
    assert json.loads(capsys.readouterr().out)["held"] is True
    assert not output.exists()


def test_a_school_of_a_california_district_has_no_requests(district: Utah) -> None:
    lea = LEA.objects.create(code="1234567", state="CA")
    School.objects.create(lea=lea, code="9999999")

    with pytest.raises(RequestRefusedError, match="9999999"):
        find_schools(codes=["9999999"])


def test_schools_of_two_leas_cannot_be_in_one_request(district: Utah) -> None:
    other = School.objects.create(lea=LEA.objects.create(code="08", state="UT"), code="0900")

    with pytest.raises(RequestRefusedError, match="several LEAs"):
        find_schools(codes=["0123", other.code])


def test_u6_a_due_date_of_the_lea_takes_the_place_of_the_usual_one_of_its_name(district: Utah) -> None:
    UtahDueDate.objects.create(lea=district.lea, name="Test preprint", month=3, day=15)
    UtahDueDate.objects.create(lea=district.lea, name="Kindergarten list", month=8, day=1)

    dates = {entry.name: (entry.month, entry.day) for entry in due_dates([district.lea.pk])[district.lea.pk]}

    assert dates == {
        "Test preprint": (3, 15),
        "Year end file": (6, 30),
        "October 1 file": (10, 1),
        "December 1 file": (12, 1),
        "Kindergarten list": (8, 1),
    }
