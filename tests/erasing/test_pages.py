"""Erasing on the page: counted first, typed once more, done by a worker, and only for import admins of all schools."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.erasing import asking
from sisimport.erasing.models import Erasure
from sisimport.imports.models import ImportRun, RunStatus, Work
from students.models import Student
from tests.as_roles import acting_as
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

REASON = "Request 12"


@pytest.fixture(autouse=True)
def _with_the_rights_of_a_worker(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    erase = asking.erase_student

    def as_worker(*arguments: Any, **named: Any) -> Any:
        with acting_as("worker"):
            return erase(*arguments, **named)

    monkeypatch.setattr(asking, "erase_student", as_worker)


@pytest.fixture
def student() -> Student:
    made: Student = StudentFactory(last_name="Zyxwutova", first_name="Quirinwald", local_number="8800417")
    return made


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(UserFactory(import_admin=True))
    return client


def address(student: Student) -> str:
    return reverse("erase_student", args=[student.pk])


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_student_is_counted_then_erased_by_a_worker(admin: Client, student: Student) -> None:
    assert "Erase permanently" not in text(admin.get(address(student)))
    admin.post(address(student), {"count": "1"})
    assert "Counting is under way" in text(admin.get(address(student)))
    asking.do_waiting()
    page = text(admin.get(address(student)))
    assert "Erase permanently" in page
    assert "enrollments" in page
    assert Student.objects.filter(pk=student.pk).exists()

    answer = admin.post(address(student), {"reason": REASON, "number": "8800417"})
    assert answer.headers["Location"] == reverse("erasures")
    assert "waiting for a worker" in text(admin.get(reverse("erasures")))
    asking.do_waiting()

    assert not Student.objects.filter(pk=student.pk).exists()
    page = text(admin.get(reverse("erasures")))
    assert REASON in page
    assert "8800417" not in page
    assert "Zyxwutova" not in page


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"reason": REASON, "number": "8800418"}, "is not this student"),
        ({"reason": "of Zyxwutova", "number": "8800417"}, "names the student"),
        ({"reason": "", "number": "8800417"}, "required"),
    ],
)
def test_what_is_typed_wrong_erases_nobody(admin: Client, student: Student, sent: dict[str, str], said: str) -> None:
    asking.count(student, user=None)
    asking.do_waiting()
    answer = admin.post(address(student), sent)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not Erasure.objects.filter(dry_run=False).exists()


def test_nobody_is_erased_who_was_not_counted(admin: Client, student: Student) -> None:
    answer = admin.post(address(student), {"reason": REASON, "number": "8800417"})
    assert "First count" in text(answer)


def test_it_waits_for_runs_and_is_done_afterwards(student: Student) -> None:
    run = ImportRun.objects.create(import_type="ssid-download", work=Work.TEST)
    asking.count(student, user=None)
    assert asking.do_waiting() == 0
    assert "in progress" in Erasure.objects.get().message

    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.CANCELLED)
    assert asking.do_waiting() == 1
    assert Erasure.objects.get().state == Erasure.State.DONE


def test_an_erasure_of_a_student_who_is_gone_says_so(student: Student) -> None:
    Erasure.objects.create(student_id=student.pk + 1, dry_run=False, reason=REASON)
    asking.do_waiting()
    assert "There is nothing left to do" in Erasure.objects.get().message


def test_only_admins_of_all_schools_may(client: Client, student: Student) -> None:
    assert student.school is not None
    for user in (
        UserFactory(import_admin=True, all_schools=False, schools=[student.school]),
        UserFactory(registrar=True, all_schools=True),
        UserFactory(ssid_staff=True, all_schools=True),
    ):
        client.force_login(user)
        assert client.get(address(student)).status_code == 403
        assert client.post(address(student), {"count": "1"}).status_code == 403
        assert client.get(reverse("erasures")).status_code == 403
        assert address(student) not in text(client.get(reverse("student_looks", args=[student.pk])))
    assert not Erasure.objects.exists()


def test_it_is_asked_once_more_who_one_is(admin: Client, student: Student, settings: Any) -> None:
    settings.STEP_UP_SECONDS = 900
    answer = admin.post(address(student), {"count": "1"})
    assert answer.status_code == 302
    assert reverse("erase_student", args=[student.pk]) not in answer.headers["Location"].split("?")[0]
    assert not Erasure.objects.exists()


def test_erasures_are_filtered_sorted_paged_and_exported(admin: Client) -> None:
    for number in range(30):
        state = "refused" if number == 7 else "waiting"
        Erasure.objects.create(student_id=1000 + number, dry_run=False, reason=f"Request {number}", state=state)
    page = reverse("erasures")

    def shown(**query: str) -> list[int]:
        return [one.student_id for one, _counted in admin.get(page, query).context["erasures"]]

    assert shown() == list(range(1029, 1004, -1))
    assert shown(page="2") == list(range(1004, 999, -1))
    assert shown(sort="student")[0] == 1000
    assert shown(state="refused") == [1007]
    admin.post(page, {"text": "request 12"})
    assert shown() == [1012]
    admin.post(page, {"text": "1003"})
    assert shown() == [1003]
    admin.post(page, {"clear": "1"})
    rows = b"".join(admin.post(f"{page}?state=refused", {"export": "csv"})).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert rows[0].startswith("Student,State,Reason")
    assert [row.split(",")[:3] for row in rows[1:]] == [["1007", "Not done", "Request 7"]]
