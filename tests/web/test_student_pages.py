"""Student search, a student's page, home and history: what they show, log and cost."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import ssid
from sisimport.audit.models import AuditEntry
from sisimport.files.layouts import load_code_sets
from sisimport.imports.models import ImportChange, ImportRun, RunStatus, Work
from sisimport.web.queries.changes import Names, field_changes
from sisimport.web.templatetags.ui import language_name
from students.code_words import birth_place, code_words, word_for
from students.models import ELRecord, ProgramStatus, RecordEdit, SSIDReplacement, StateEnrollment, Student
from tests.factories import SSIDFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import District, run_file

pytestmark = pytest.mark.django_db


def search(client: Client, text: str) -> list[Student]:
    answer = client.post(reverse("students"), {"text": text}, follow=True)
    assert all(text not in address for address, _status in answer.redirect_chain)
    return list(answer.context["page"].object_list)


@pytest.fixture
def eva(db: None) -> Student:
    student: Student = StudentFactory(
        first_name="Eva", last_name="Díaz", legal_last_name="Delacruz", legal_first_name="Evangelina"
    )
    SSIDFactory(student=student, ssid="9012345678")
    StudentFactory(first_name="Ana", last_name="O'Neil")
    return student


@pytest.mark.parametrize(
    "text",
    ["díaz", "Díaz, Eva", "Eva Díaz", "delacruz", "9012345678", "90 1234 5678"],
    ids=["last name", "last, first", "first last", "legal name", "SSID", "SSID with spaces"],
)
def test_a_student_is_found_by(client: Client, registrar: Any, eva: Student, text: str) -> None:
    assert search(client, text) == [eva]


def test_a_student_is_found_by_local_number(client: Client, registrar: Any, eva: Student) -> None:
    assert search(client, eva.local_number) == [eva]


def test_x3_a_student_is_found_through_a_retired_ssid(client: Client, registrar: Any, eva: Student) -> None:
    SSIDReplacement.objects.create(retired_ssid="9012345600", replacement_ssid="9012345678")

    assert search(client, "9012345600") == [eva]


def test_students_without_ssid_can_be_listed(client: Client, registrar: Any, eva: Student) -> None:
    found = client.get(reverse("students"), {"ssid": "missing"}).context["page"].object_list

    assert [student.first_name for student in found] == ["Ana"]


def test_the_search_can_be_taken_back(client: Client, registrar: Any, eva: Student) -> None:
    search(client, "díaz")

    answer = client.post(reverse("students"), {"clear": "1", "text": "díaz"}, follow=True)

    assert len(answer.context["page"].object_list) == 2


def test_the_search_holds_its_query_count(client: Client, registrar: Any, django_assert_max_num_queries: Any) -> None:
    for _n in range(30):
        StudentFactory(with_ssid=True)

    with django_assert_max_num_queries(18):
        client.get(reverse("students"))


# ---- one student ----


def test_id6_the_ssid_is_masked_until_asked_for(client: Client, registrar: Any, eva: Student) -> None:
    page = client.get(reverse("student", args=[eva.pk])).content.decode()

    assert "90•• ••• 678" in page
    assert "9012345678" not in page


def test_id6_showing_it_is_a_post_and_logged(client: Client, registrar: Any, eva: Student) -> None:
    address = reverse("show_ssid", args=[eva.pk])

    assert client.get(address).status_code == 405
    assert "9012345678" in client.post(address).content.decode()
    assert AuditEntry.looks.filter(kind="ssid", students=[eva.pk], user=registrar).count() == 1


def test_id6_opening_a_page_is_logged(client: Client, registrar: Any, eva: Student) -> None:
    client.get(reverse("student", args=[eva.pk]))

    assert AuditEntry.looks.get().kind == "page"


def test_a_viewer_does_not_unmask(client: Client, eva: Student) -> None:
    client.force_login(UserFactory(viewer=True, all_schools=True))

    assert "Show</button>" not in client.get(reverse("student", args=[eva.pk])).content.decode()
    assert client.post(reverse("show_ssid", args=[eva.pk])).status_code == 403


def test_the_time_line_tells_imports_and_edits_newest_first(client: Client, registrar: Any, district: District) -> None:
    student = district.student()
    run_file("ssid-download", f"{line()}\n", Work.UPDATE)
    RecordEdit.objects.create(
        student=student, user=registrar, what="Student", field="grade", before="09", after="10", reason="Moved up"
    )

    events = client.get(reverse("student", args=[student.pk])).context["events"].object_list

    assert [event.by_hand for event in events] == [True, False]
    assert "SSID" in events[1].title
    assert events[0].reason == "Moved up"


def test_a_test_changes_nothing_and_is_on_no_time_line(client: Client, registrar: Any, district: District) -> None:
    student = district.student()
    run_file("ssid-download", f"{line()}\n", Work.TEST)

    assert client.get(reverse("student", args=[student.pk])).context["events"].object_list == []


def test_the_page_holds_its_query_count(
    client: Client, registrar: Any, district: District, django_assert_max_num_queries: Any
) -> None:
    student = district.student()
    run_file("ssid-download", f"{line()}\n", Work.UPDATE)

    with django_assert_max_num_queries(40):
        client.get(reverse("student", args=[student.pk]))


# ---- home and history ----


def home(client: Client) -> Any:
    return client.get(reverse("home")).context


def test_a_test_waits_on_the_home_page_until_it_is_updated(client: Client, registrar: Any, district: District) -> None:
    district.student()
    test = run_file("ssid-download", f"{line()}\n").run
    assert home(client)["waiting"] == [test]

    run_file("ssid-download", f"{line()}\n", Work.UPDATE, test_run=test)

    assert home(client)["waiting"] == []


def test_only_the_newest_test_of_a_file_waits(client: Client, registrar: Any, district: District) -> None:
    district.student()
    run_file("ssid-download", f"{line()}\n")
    newest = run_file("ssid-download", f"{line()}\n").run

    assert home(client)["waiting"] == [newest]


def test_failed_runs_of_the_last_weeks_are_shown(client: Client, registrar: Any, district: District) -> None:
    runs = [run_file("ssid-download", f"{line()}\n").run for _n in range(2)]
    ImportRun.objects.update(status=RunStatus.FAILED, message="Something went wrong on our side")
    ImportRun.objects.filter(pk=runs[0].pk).update(created_at=timezone.now() - dt.timedelta(days=90))

    assert home(client)["troubled"] == [runs[1]]


def test_students_without_ssid_are_counted_by_school(client: Client, registrar: Any, district: District) -> None:
    district.student()
    StudentFactory(school=district.school, lea=district.lea, with_ssid=True)
    district.another(school=district.other_school)

    rows = {row.school: (row.missing, row.students) for row in home(client)["missing"]}

    assert rows == {"Cedar High": (1, 2), "Maple High": (1, 1)}


def test_a_registrar_sees_only_the_counts_of_their_schools(client: Client, district: District) -> None:
    client.force_login(UserFactory(registrar=True, schools=[district.school]))
    district.another(school=district.other_school)

    assert home(client)["missing"] == []


def test_history_is_filtered_by_state_and_name(client: Client, registrar: Any, district: District) -> None:
    run = run_file("ssid-download", f"{line()}\n", name="october.txt").run
    run_file("ssid-download", "nonsense\n", name="broken.txt")

    def found(**query: str) -> list[int]:
        return [r.pk for r in client.get(reverse("runs"), query).context["page"].object_list]

    assert found(status="completed") == [run.pk]
    client.post(reverse("runs"), {"text": "OCT"})
    assert found() == [run.pk]
    client.post(reverse("runs"), {"text": ""})
    assert len(found()) == 2


def test_home_holds_its_query_count(
    client: Client, registrar: Any, district: District, django_assert_max_num_queries: Any
) -> None:
    for _n in range(6):
        run_file("ssid-download", f"{line()}\n")

    with django_assert_max_num_queries(40):
        client.get(reverse("home"))


# ---- errors ----


def test_an_unexpected_error_shows_a_reference_and_no_data(
    client: Client, registrar: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("student Diaz, SSID 9012345678")

    monkeypatch.setattr("sisimport.web.queries.home.missing_ssids_by_school", broken)
    client.raise_request_exception = False

    answer = client.get(reverse("home"))

    assert answer.status_code == 500
    reference = answer.content.decode().split('class="mask">')[1].split("<")[0]
    assert any(reference in record.getMessage() for record in caplog.records)
    assert "9012345678" not in answer.content.decode()


def test_ssid_identity_and_time_line_come_first_and_older_entries_are_folded(client: Client, registrar: Any) -> None:
    """Before English learner data and scores, which may be long."""
    student = StudentFactory()
    for number in range(6):
        RecordEdit.objects.create(student=student, what="Student", field="first_name", reason=f"reason {number}")
    page = client.get(reverse("student", args=[student.pk])).content.decode()

    places = [page.index(f">{heading}<") for heading in ("Identity", "Time line", "English learner", "Enrollments")]
    assert places == sorted(places)
    assert page.index("reason 2") < page.index("<summary>Earlier</summary>") < page.index("reason 1")


def test_languages_are_words(client: Client, registrar: Any) -> None:
    student = StudentFactory(home_language="pan")
    ELRecord.objects.create(student=student, program_status=ProgramStatus.EL, state_elas="EL", state_language="spa")

    page = client.get(reverse("student", args=[student.pk])).content.decode()

    assert "<dd>Punjabi</dd>" in page
    assert "language Spanish" in page
    assert language_name("xyz") == "xyz"


def test_codes_are_words_on_the_page_of_a_student(client: Client, registrar: Any) -> None:
    student = StudentFactory(
        home_language="hmn", birth_state="US-CA", birth_country="US", ethnicity="500", grade="TK", local_number="77001"
    )
    ELRecord.objects.create(student=student, program_status=ProgramStatus.EL, state_elas="RFEP", state_language="tgl")
    StateEnrollment.objects.create(student=student, grade="05", status="10", exit_reason="T160")

    page = client.get(reverse("student", args=[student.pk])).content.decode()

    for words in (
        "Hmong",
        "in California, United States",
        "Hispanic or Latino",
        "Transitional kindergarten",
        "Reclassified fluent English proficient",
        "Grade 5",
        "Primary",
        "to another California school",
    ):
        assert words in page
    assert "US-CA" not in page
    assert f"<li>{student.full_name}</li>" in page  # not one of our numbers


def test_words_and_places_of_codes() -> None:
    assert birth_place("JAL", "MX") == "Jalisco, Mexico"
    assert birth_place("", "vn") == "Vietnam"
    assert birth_place("UT", "") == "UT"
    assert word_for("ethnicity", "Two or more") == "Two or more"
    codes = load_code_sets(Path(ssid.__file__).parent / "layouts" / "codes.toml")
    assert code_words()["language"] == codes["language_3"]
    assert code_words()["elas"] == codes["elas"]
    assert code_words()["enrollment_status"] == codes["enrollment_status"]


def test_a_change_of_language_says_the_word_and_the_code() -> None:
    change = ImportChange(kind="student", before={"home_language": "eng"}, after={"home_language": "pan"})

    (field,) = field_changes(change, Names({}, {}, {}))

    assert (field.before, field.after) == ("English (eng)", "Panjabi (pan)")
