"""Pages of the SSID Process: what they show, to whom, and what they make (rules U-1, U-2, U-4, U-6)."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.audit.models import AuditEntry
from ssid.models import UtahFunction as Kind
from ssid.models import UtahRequest
from students.models import LEA, School, StaffAccess, Student
from tests.ssid.utah.exchange import NUMBER, Utah, answered, lines_of, load_response, request, utah

pytestmark = pytest.mark.django_db


@pytest.fixture
def district() -> Utah:
    return utah()


def signed_in(*schools: School, group: str = "registrar") -> Client:
    user = User.objects.create_user(f"{group}-{User.objects.count()}", first_name="Rosa", last_name="Vega")
    user.groups.add(Group.objects.get(name=group))
    access = StaffAccess.objects.create(user=user, all_schools=not schools)
    access.schools.set(schools)
    client = Client()
    client.force_login(user)
    return client


def form(school: School, function: str, **more: Any) -> dict[str, Any]:
    return {"schools": [school.pk], "function": function, "effective_date": "", "override_reason": "", **more}


def test_u6_the_board_shows_each_school_with_what_was_sent(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    page = signed_in().get(reverse("utah_board"))

    assert page.status_code == 200
    text = page.content.decode()
    assert "Juniper High" in text
    assert "Aspen High" in text
    assert reverse("utah_request", args=[made.pk]) in text
    assert "answer outstanding" in text


def test_the_board_shows_schools_of_the_user_only(district: Utah) -> None:
    page = signed_in(district.school).get(reverse("utah_board")).content.decode()

    assert "Juniper High" in page
    assert "Aspen High" not in page


def test_u2_the_preview_says_how_many_and_why(district: Utah) -> None:
    district.add("100")
    district.add("101", ssid="1234567")

    page = signed_in().post(reverse("utah_create"), form(district.school, "R", do="preview")).content.decode()

    assert "<strong>1 student</strong> will be in the Retrieve file" in page
    assert "1 have an SSID" in page
    assert not UtahRequest.objects.exists()


def test_u2_create_keeps_the_request_and_downloads_its_file(district: Utah) -> None:
    district.add("100")
    client = signed_in()

    made_page = client.post(reverse("utah_create"), form(district.school, "R", do="create"), follow=True)

    made = UtahRequest.objects.get()
    assert made.created_by is not None
    file = reverse("utah_request_file", args=[made.pk])
    assert made_page["Refresh"] == f"0; url={file}"
    download = client.get(file)
    assert b"".join(download.streaming_content).decode().splitlines() == [",".join(lines_of(made)[0])]
    assert f'filename="RETRIEVE_07_{made.pk}.csv"' in download["Content-Disposition"]


def test_a_download_is_logged(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)

    signed_in().get(reverse("utah_request_file", args=[made.pk]))

    assert AuditEntry.looks.filter(kind="export", subject__contains=str(made)).count() == 1


def test_u1_a_held_new_request_asks_for_a_reason(district: Utah) -> None:
    district.add("100")
    request(Kind.RETRIEVE, district.school)
    client = signed_in()

    refused = client.post(reverse("utah_create"), form(district.school, "N", do="create"))
    assert "still outstanding" in refused.content.decode()
    assert not UtahRequest.objects.filter(function="N").exists()

    client.post(reverse("utah_create"), form(district.school, "N", do="create", override_reason="File was lost"))
    assert UtahRequest.objects.get(function="N").override_reason == "File was lost"


def test_a_request_for_nobody_is_refused_with_a_sentence(district: Utah) -> None:
    page = signed_in().post(reverse("utah_create"), form(district.school, "R", do="create"))

    assert "No student of these schools" in page.content.decode()


def test_schools_of_others_cannot_be_chosen(district: Utah) -> None:
    district.add("100", school=district.other_school)

    signed_in(district.school).post(reverse("utah_create"), form(district.other_school, "R", do="create"))

    assert not UtahRequest.objects.exists()


def test_schools_of_california_are_not_offered(district: Utah) -> None:
    lea = LEA.objects.create(code="1234567", state="CA")
    School.objects.create(lea=lea, code="0123456", name="Oak School")

    assert "Oak School" not in signed_in().get(reverse("utah_create")).content.decode()


@pytest.mark.parametrize("name", ["utah_request", "utah_request_file"])
def test_a_request_of_other_schools_does_not_exist_for_the_user(district: Utah, name: str) -> None:
    district.add("100", school=district.other_school)
    made = request(Kind.RETRIEVE, district.other_school)

    assert signed_in(district.school).get(reverse(name, args=[made.pk])).status_code == 404


@pytest.mark.parametrize("group", ["viewer", "SSID staff"])
def test_someone_who_only_reads_makes_no_request(district: Utah, group: str) -> None:
    district.add("100")

    answer = signed_in(group=group).post(reverse("utah_create"), form(district.school, "R", do="create"))

    assert answer.status_code == 403
    assert not UtahRequest.objects.exists()


def test_the_page_of_a_request_shows_who_was_sent_with_masked_ssids(district: Utah) -> None:
    district.add("100", ssid="1234567")
    made = request(Kind.VERIFY, district.school)

    text = signed_in().get(reverse("utah_request", args=[made.pk])).content.decode()

    assert "Lee, Sam100" in text
    assert "•••••67" in text
    assert "1234567" not in text


def test_the_page_of_a_request_names_its_answers(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    load_response(answered(made, lambda line: ("55" + line[NUMBER], "Match")))

    text = signed_in().get(reverse("utah_request", args=[made.pk])).content.decode()

    assert "RESP_0001.csv" in text
    assert "Applied" in text


def test_u1_a_request_can_be_withdrawn_with_a_reason(district: Utah) -> None:
    district.add("100")
    made = request(Kind.RETRIEVE, district.school)
    client = signed_in()

    client.post(reverse("utah_withdraw", args=[made.pk]), {"reason": ""})
    made.refresh_from_db()
    assert made.withdrawn_at is None

    client.post(reverse("utah_withdraw", args=[made.pk]), {"reason": "Never sent"})
    made.refresh_from_db()
    assert (made.withdrawn_reason, made.withdrawn_at is not None) == ("Never sent", True)


def test_u4_the_list_of_changed_students_shows_before_and_after(district: Utah) -> None:
    student = district.add("100")
    Student.objects.filter(pk=student.pk).update(last_name="Diaz")

    text = signed_in().get(reverse("utah_changed")).content.decode()

    assert "<del>Lee</del>" in text
    assert "<ins>Diaz</ins>" in text


def test_the_list_of_changed_students_leaves_out_other_schools(district: Utah) -> None:
    student = district.add("100", school=district.other_school)
    Student.objects.filter(pk=student.pk).update(last_name="Diaz")

    assert "Diaz" not in signed_in(district.school).get(reverse("utah_changed")).content.decode()


def schools_shown(client: Client, **query: str) -> list[str]:
    return [line.name for line in client.get(reverse("utah_board"), query).context["page"]]


def test_the_board_is_sorted_searched_and_filtered_by_what_a_school_needs(district: Utah) -> None:
    district.add("100")
    district.add("101", school=district.other_school, ssid="1234567")
    request(Kind.RETRIEVE, district.school)
    client = signed_in()

    assert schools_shown(client) == ["Aspen High", "Juniper High"]
    assert schools_shown(client, sort="-school") == ["Juniper High", "Aspen High"]
    assert schools_shown(client, sort="-retrieve") == ["Juniper High", "Aspen High"]
    assert schools_shown(client, needs="without") == ["Juniper High"]
    answer = client.post(reverse("utah_board"), {"text": "aspen", "needs": ""})
    assert answer["Location"] == reverse("utah_board")
    assert schools_shown(client) == ["Aspen High"]


def test_the_board_of_181_schools_has_pages_and_no_more_queries(
    district: Utah, django_assert_max_num_queries: Any
) -> None:
    lea = district.school.lea
    School.objects.bulk_create(School(lea=lea, code=f"9{n:06d}", name=f"School {n:03d}") for n in range(179))
    client = signed_in()

    with django_assert_max_num_queries(25):
        page = client.get(reverse("utah_board")).context["page"]

    assert (page.paginator.count, len(page)) == (181, 25)
    assert "School 178" in client.post(reverse("utah_board"), {"text": "178"}, follow=True).content.decode()
    form = client.get(reverse("utah_create")).content.decode()
    assert form.count('name="schools"') == 181
    assert "data-picker-filter" in form


def test_the_board_leaves_as_it_is_filtered(district: Utah) -> None:
    district.add("100")
    client = signed_in()

    answer: Any = client.post(f"{reverse('utah_board')}?needs=without", {"export": "csv"})
    rows = [row.split(",") for row in b"".join(answer).decode("utf-8-sig").splitlines()]

    assert [row[0] for row in rows[1:]] == ["Juniper High"]
    assert dict(zip(rows[0], rows[1], strict=True))["Students without SSID"] == "1"


def test_changed_students_are_searched_filtered_sorted_and_exported(district: Utah) -> None:
    first, second = district.add("100"), district.add("101", school=district.other_school)
    Student.objects.filter(pk=first.pk).update(last_name="Diaz")
    Student.objects.filter(pk=second.pk).update(last_name="Abe", gender="X")
    client, address = signed_in(), reverse("utah_changed")

    def names(**query: str) -> list[str]:
        return [student.last_name for student, _changes in client.get(address, query).context["rows"]]

    assert names(sort="student") == ["Abe", "Diaz"]
    assert names(field="gender") == ["Abe"]
    assert names(school=str(district.school.pk)) == ["Diaz"]
    answer: Any = client.post(f"{address}?field=gender", {"export": "csv"})
    rows = b"".join(answer).decode("utf-8-sig").splitlines()
    assert len(rows) == 3  # a row for each field that changed
    assert all("Abe" in row for row in rows[1:])
    client.post(address, {"text": "dia"})
    assert names() == ["Diaz"]


def test_pages_hold_their_number_of_queries(district: Utah, django_assert_max_num_queries: Any) -> None:
    for number in range(100, 130):
        district.add(str(number))
    Student.objects.update(last_name="Diaz")
    made = request(Kind.RETRIEVE, district.school)
    client = signed_in()

    for name, args in (("utah_board", []), ("utah_changed", []), ("utah_requests", []), ("utah_request", [made.pk])):
        with django_assert_max_num_queries(25):
            assert client.get(reverse(name, args=args)).status_code == 200


def test_the_menu_marks_the_ssid_process_on_its_upload_screen_too(district: Utah) -> None:
    page = signed_in().get(reverse("upload", args=["ssid-process"])).content.decode()

    assert f'<a href="{reverse("utah_board")}" aria-current="page"><span>SSID Process' in page


def test_the_functions_are_explained_in_a_table_with_the_states_help_desk(district: Utah) -> None:
    page = signed_in().get(reverse("utah_create")).content.decode()

    table = page[page.index("What the functions do") :]
    for function in Kind:
        assert f">{function.label}</th>" in table
    for head in (
        "When",
        "The request file contains",
        "The state’s system",
        "The response file contains",
        "Processing it",
    ):
        assert table.count(f'data-label="{head}"') == len(Kind)
    assert "No response file" in table
    assert "After the response to Retrieve was processed here" in table
    assert "mailto:ssidhelp@schools.utah.gov" in page


def test_the_requests_are_a_list_that_sorts_filters_and_exports(district: Utah) -> None:
    """Filter and sort are in the address; a user of one school sees and exports requests for that school only."""
    district.add("100")
    retrieve = request(Kind.RETRIEVE, district.school)
    district.add("101", ssid="1234567")
    verify = request(Kind.VERIFY, district.school)
    address, client = reverse("utah_requests"), signed_in()

    def listed(**query: str) -> list[int]:
        return [made.pk for made in client.get(address, query).context["page"].object_list]

    assert listed() == [verify.pk, retrieve.pk]
    for column in ("request", "made", "by", "students", "schools", "state"):
        assert set(listed(sort=column)) == set(listed(sort=f"-{column}")) == {retrieve.pk, verify.pk}
    assert listed(sort="request") == [retrieve.pk, verify.pk]
    assert listed(function="R") == listed(state="open") == [retrieve.pk]
    assert listed(function="V") == listed(state="sent") == [verify.pk]
    assert client.post(address, {"function": "R", "state": ""})["Location"] == f"{address}?function=R"
    answer: Any = client.post(f"{address}?function=R", {"export": "csv"})
    rows = b"".join(answer).decode("utf-8-sig").splitlines()
    assert rows[0] == "Request,Made,By,Students,Schools,State"
    assert [row.split(",")[0] for row in rows[1:]] == [str(retrieve)]

    stranger = signed_in(district.other_school)
    assert not stranger.get(address).context["page"].object_list
    told: Any = stranger.post(address, {"export": "csv"})
    assert len(b"".join(told).decode().splitlines()) == 1


def test_students_of_a_request_are_sorted_searched_and_exported(district: Utah) -> None:
    district.add("101", last_name="Zuniga", ssid="1234567")
    district.add("102", last_name="Adams", ssid="1234568", school=district.other_school)
    made = request(Kind.VERIFY, district.school, district.other_school)
    client, address = signed_in(), reverse("utah_request", args=[made.pk])

    def names(**query: str) -> list[str]:
        return [sent.last_name for sent in client.get(address, query).context["page"].object_list]

    assert names(sort="name") == ["Adams", "Zuniga"]
    assert names(sort="-name") == ["Zuniga", "Adams"]
    assert names(sort="number") == names(sort="born") == ["Zuniga", "Adams"]
    assert names(school=str(district.other_school.pk)) == ["Adams"]
    answer = client.post(address, {"text": "zun"})
    assert answer.headers["Location"] == address
    assert names() == ["Zuniga"]
    client.post(address, {"clear": "1"})

    rows = b"".join(client.post(f"{address}?sort=name", {"export": "csv"})).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert rows[0] == "Line,Student number,Name,Birth date,Gender,Ethnicity,SSID"
    assert [row.split(",")[1] for row in rows[1:]] == ["102", "101"]
    assert "1234567" not in "".join(rows)


def test_a_longer_request_asks_no_more_of_the_database(district: Utah) -> None:
    client, counts = signed_in(), []
    for number in range(2):
        for other in range(6 if number else 1):
            district.add(f"{number}{other}0")
        address = reverse("utah_request", args=[request(Kind.NEW, district.school).pk])
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
