"""SSID Collection for staff: dashboard, list for the school, Record Information, enrollment forms, family accounts."""

import datetime as dt
import io
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from sisimport.audit.models import AuditEntry
from students import families
from students.models import (
    SSID,
    AnnualEnrollment,
    CollectionPolicy,
    FamilyInvitation,
    FamilyMember,
    Origin,
    RecordEdit,
    ReportedSSID,
)
from students.services import report_ssid
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

NUMBER = "9012345999"


@pytest.fixture
def school() -> Any:
    return SchoolFactory(name="Oak School")


@pytest.fixture
def staff(client: Client, school: Any) -> Client:
    """SSID staff of one school, signed in."""
    client.force_login(UserFactory(ssid_staff=True, schools=[school]))
    return client


def post(client: Client, name: str, *args: Any, query: str = "", **values: str) -> Any:
    return client.post(reverse(name, args=args) + query, values, follow=True)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_the_dashboard_counts_missing_ssids_of_ones_own_schools(staff: Client, school: Any) -> None:
    SSIDFactory(student=StudentFactory(school=school, grade="05"))
    StudentFactory(school=school, grade="05")
    StudentFactory(school=SchoolFactory(name="Elm School"))

    page = text(staff.get(reverse("collection")))

    assert "50%" in page
    assert "Oak School" in page
    assert "Elm School" not in page


def test_the_dashboard_draws_the_share_over_time_without_style_attributes(staff: Client, school: Any) -> None:
    from django.utils import timezone

    from students.collection import record_missing

    StudentFactory(school=school)
    record_missing(timezone.localdate() - dt.timedelta(days=30))

    page = text(staff.get(reverse("collection")))

    assert "<polyline" in page
    assert "style=" not in page


def test_the_dashboard_asks_a_fixed_number_of_questions(
    staff: Client, school: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        StudentFactory(school=school)
    staff.get(reverse("collection"))
    with django_assert_max_num_queries(18):
        staff.get(reverse("collection"))


def test_m5_the_list_for_a_school_holds_the_columns_chosen_and_is_logged(staff: Client, school: Any) -> None:
    StudentFactory(school=school, last_name="Diaz", first_name="Eva", birth_date=dt.date(2011, 8, 12))

    answer = staff.post(
        reverse("school_list", args=[school.pk]), {"columns": ["Last Name", "First Name", "Birth Date"], "xlsx": ""}
    )

    rows = list(load_workbook(io.BytesIO(b"".join(answer))).active.values)
    assert rows == [("Last Name", "First Name", "Birth Date", "SSID"), ("Diaz", "Eva", "2011-08-12", None)] or rows[1][
        :3
    ] == ("Diaz", "Eva", "2011-08-12")
    assert AuditEntry.looks.get().kind == "export"


def test_m5_a_list_that_could_not_be_read_back_is_not_made(staff: Client, school: Any) -> None:
    page = text(staff.post(reverse("school_list", args=[school.pk]), {"columns": ["First Name"], "xlsx": ""}))
    assert "could not be read back" in page


def test_m5_the_list_can_be_printed(staff: Client, school: Any) -> None:
    StudentFactory(school=school, last_name="Printable")
    page = text(
        staff.post(reverse("school_list", args=[school.pk]), {"columns": ["Local Student Number"], "print": ""})
    )
    assert "Local Student Number" in page
    assert "Printable" not in page


def test_m6_the_ssid_is_the_first_field_and_enter_leads_to_the_next_student(staff: Client, school: Any) -> None:
    first = StudentFactory(school=school, last_name="Aa")
    second = StudentFactory(school=school, last_name="Bb")
    query = f"?school={school.pk}"
    page = staff.get(reverse("record_next") + query, follow=True)
    assert page.redirect_chain[0][0].startswith(reverse("record", args=[first.pk]))
    assert text(page).index('name="ssid"') < text(page).index('name="source"')

    after = post(staff, "record", first.pk, query=query, save="", ssid=NUMBER, source="document")

    assert after.redirect_chain[0][0] == reverse("record", args=[second.pk]) + query
    given = SSID.objects.get()
    assert (given.student, given.origin, given.verified) == (first, "staff", True)


def test_m8_a_number_that_the_student_gave_is_kept_unverified(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school)

    post(staff, "record", student.pk, save="", ssid=NUMBER, source="told")
    assert not SSID.objects.exists()
    post(staff, "record", student.pk, verify="")

    assert (SSID.objects.get().origin, SSID.objects.get().verified) == ("student", True)


@pytest.mark.parametrize("origin", Origin.values)
@pytest.mark.parametrize("verified", [True, False], ids=["verified", "not verified"])
def test_m8_every_number_shows_its_origin_and_whether_it_is_verified(
    staff: Client, school: Any, origin: str, verified: bool
) -> None:
    student = StudentFactory(school=school)
    SSIDFactory(student=student, ssid=NUMBER, origin=origin, verified=verified)

    for name in ("record", "student"):
        page = text(staff.get(reverse(name, args=[student.pk])))
        assert Origin(origin).label in page
        assert ("Not verified" in page, "</span>Verified" in page) == (not verified, verified)
        assert NUMBER not in page


def test_m6_a_student_found_by_search_opens_on_the_page_with_the_ssid_first(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school, last_name="Nguyen")

    found = text(post(staff, "record_find", text=student.local_number))

    assert reverse("record", args=[student.pk]) in found


def test_a_refused_number_says_why_beside_the_field(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school)
    page = text(post(staff, "record", student.pk, save="", ssid="123", source="document"))
    assert "this has 3" in page
    assert 'aria-invalid="true"' in page


@pytest.mark.parametrize(("chosen", "former"), [("", 0), ("keep", 1)])
def test_a_wrong_number_on_record_was_a_typing_error_unless_somebody_says_otherwise(
    staff: Client, school: Any, chosen: str, former: int
) -> None:
    student = StudentFactory(school=school)
    SSIDFactory(student=student, ssid="9012345600")
    address = reverse("record", args=[student.pk])
    offered = staff.get(address).context["form"]
    sent = {name: field.initial or "" for name, field in offered.fields.items()} | {"ssid": "9012345601", "save": ""}

    staff.post(address, sent | ({"old_number": chosen} if chosen else {}))

    held = SSID.objects.filter(student=student)
    assert held.get(retired_at=None).ssid == "9012345601"
    assert held.filter(ssid="9012345600").count() == former
    assert RecordEdit.objects.filter(student=student).count() == 1
    assert (
        "old_number" not in staff.get(reverse("record", args=[StudentFactory(school=school).pk])).context["form"].fields
    )


def test_a_student_is_found_by_the_beginning_of_the_name(staff: Client, school: Any) -> None:
    StudentFactory(school=school, last_name="Nguyen", first_name="Kim")
    StudentFactory(last_name="Nguyen", first_name="Elsewhere")

    page = text(post(staff, "record_find", text="nguy ki"))

    assert "Nguyen, Kim" in page
    assert "Elsewhere" not in page


def test_m3_approving_asks_for_the_ssid_and_takes_it(staff: Client, school: Any) -> None:
    CollectionPolicy.objects.create(pk=1, required_from=dt.date(2015, 7, 1))
    student = StudentFactory(school=school)
    post(staff, "enrollment", student.pk, submit="")

    refused = text(post(staff, "enrollment", student.pk, approve="", ssid="", source="document"))
    post(staff, "enrollment", student.pk, approve="", ssid=NUMBER, source="document")

    assert "SSID is required" in refused
    assert AnnualEnrollment.objects.get().status == "approved"
    assert SSID.objects.get().ssid == NUMBER


def test_m3_before_the_day_the_ssid_may_be_skipped(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school)
    post(staff, "enrollment", student.pk, submit="")

    post(staff, "enrollment", student.pk, approve="", ssid="", source="document")
    assert AnnualEnrollment.objects.get().status == "submitted"
    post(staff, "enrollment", student.pk, approve="", ssid="", source="document", skip_ssid="on")

    assert AnnualEnrollment.objects.get().without_ssid


def test_submitted_forms_are_listed(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school, last_name="Waiting")
    post(staff, "enrollment", student.pk, submit="")
    assert "Waiting" in text(staff.get(reverse("enrollments") + "?status=submitted"))
    assert "Waiting" not in text(staff.get(reverse("enrollments") + "?status=approved"))


def test_an_invitation_is_shown_once(staff: Client, school: Any) -> None:
    student, sister = StudentFactory(school=school), StudentFactory(school=school)

    made = text(post(staff, "family_accounts", student.pk, invite="", others=sister.local_number))
    again = text(staff.get(reverse("family_accounts", args=[student.pk])))

    assert "/family/join/?language=en#" in made
    assert "/family/join/" not in again
    assert set(FamilyInvitation.objects.get().students.all()) == {student, sister}


def test_the_letter_of_an_invitation_is_in_the_language_chosen(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school, first_name="Eva")

    made = text(post(staff, "family_accounts", student.pk, invite="", others="", language="es"))

    assert 'lang="es"' in made
    assert "Escriba este código" in made
    assert re.search(r"#([2-9A-Z]{5}-){3}[2-9A-Z]{5}<", made)


def test_an_invitation_for_a_student_of_another_school_is_not_made(staff: Client, school: Any) -> None:
    student, stranger = StudentFactory(school=school), StudentFactory()
    post(staff, "family_accounts", student.pk, invite="", others=stranger.local_number)
    assert not FamilyInvitation.objects.exists()


def test_an_account_is_taken_off_a_student(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school)
    member = FamilyMember.objects.create(user=UserFactory(), student=student)
    post(staff, "family_accounts", student.pk, remove=str(member.pk))
    assert not FamilyMember.objects.exists()


def test_an_invitation_of_another_school_cannot_be_withdrawn(staff: Client, school: Any) -> None:
    invitation, _token = families.invite_family(students=[StudentFactory()], user=None)
    answer = post(staff, "family_accounts", StudentFactory(school=school).pk, withdraw=str(invitation.pk))
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["record", "enrollment", "family_accounts"])
def test_a_student_of_another_school_answers_as_one_who_is_not_there(staff: Client, school: Any, name: str) -> None:
    stranger = StudentFactory()
    answers = [staff.get(reverse(name, args=[pk])) for pk in (stranger.pk, 999_999_999)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({_anonymous(answer) for answer in answers}) == 1


def _anonymous(answer: Any) -> bytes:
    return re.sub(rb'value="[^"]{20,}"', b"", answer.content)


def test_the_list_of_another_school_is_not_there(staff: Client, school: Any) -> None:
    assert staff.get(reverse("school_list", args=[SchoolFactory().pk])).status_code == 404


def test_a_viewer_reads_the_dashboard_and_changes_nothing(client: Client, school: Any) -> None:
    student = StudentFactory(school=school)
    client.force_login(UserFactory(viewer=True, schools=[school]))
    assert client.get(reverse("collection")).status_code == 200
    for name in ("record", "enrollment", "family_accounts"):
        assert client.get(reverse(name, args=[student.pk])).status_code == 403
    assert client.get(reverse("school_list", args=[school.pk])).status_code == 403
    assert client.get(reverse("collection_policy")).status_code == 403


def test_the_policy_is_set_by_administrators(client: Client) -> None:
    client.force_login(UserFactory(import_admin=True))
    client.post(reverse("collection_policy"), {"required_from": "2015-07-01", "families_may_enter": "on"})
    policy = CollectionPolicy.objects.get()
    assert (policy.required_from, policy.families_may_enter, policy.online_enrollment) == (
        dt.date(2015, 7, 1),
        True,
        False,
    )


def test_the_policy_names_the_schools_whose_families_enroll_online(client: Client, school: Any) -> None:
    client.force_login(UserFactory(import_admin=True))
    address = reverse("collection_policy")

    client.post(address, {"online_enrollment": "on", "online_schools": [school.pk]})
    assert CollectionPolicy.objects.get().online_schools == [school.pk]
    box = f'name="online_schools" value="{school.pk}"'
    shown = text(client.get(address))
    assert "checked" in shown[shown.index(box) :].partition(">")[0]

    assert "Choose from the list" in text(client.post(address, {"online_schools": [school.pk + 999]}))
    client.post(address, {"online_enrollment": "on"})
    assert CollectionPolicy.objects.get().online_schools == []


def test_a_reported_number_shows_on_the_page(staff: Client, school: Any) -> None:
    student = StudentFactory(school=school)
    report_ssid(student=student, ssid=NUMBER, user=None)
    assert NUMBER in text(staff.get(reverse("record", args=[student.pk])))
    post(staff, "record", student.pk, dismiss="")
    assert not ReportedSSID.objects.exists()
