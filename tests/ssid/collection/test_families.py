"""Letters to the families of a whole school."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.audit.models import AuditEntry
from ssid.collection.family_letters import BLOCK, Wanted, write_letters
from students import families
from students.models import FamilyInvitation, FamilyMember
from tests.factories import GuardianFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db
CODE = re.compile(r'<code class="code">([0-9A-Z-]+)</code>')


@pytest.fixture
def school() -> Any:
    return SchoolFactory(name="Oak School")


@pytest.fixture
def staff(client: Client, school: Any) -> Client:
    client.force_login(UserFactory(ssid_staff=True, schools=[school]))
    return client


def letters(staff: Client, school: Any, **chosen: str) -> str:
    answer: Any = staff.post(reverse("school_letters", args=[school.pk]), {"language": "own", **chosen})
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()


def test_each_family_without_an_account_gets_a_sheet_in_its_language_with_a_qr_code(staff: Client, school: Any) -> None:
    eva = StudentFactory(school=school, first_name="Eva", home_language="spa")
    StudentFactory(school=school, first_name="Tom", home_language="eng")
    has_account = StudentFactory(school=school, first_name="Ida")
    FamilyMember.objects.create(user=UserFactory(), student=has_account)
    StudentFactory(first_name="Elsewhere")

    page = letters(staff, school)

    assert page.count('<div class="sheet">') == page.count('class="qr"') == 2
    assert "Su escuela le invita" in page
    assert "Your school invites you" in page
    assert "Ida" not in page
    assert "Elsewhere" not in page
    invited = [families.find_invitation(code) for code in CODE.findall(page)]
    assert all(invited)
    assert eva.pk in FamilyInvitation.objects.values_list("students", flat=True)
    assert AuditEntry.looks.get(kind="export").subject == f"Letters to families of school {school.code}"
    assert "style=" not in page


def test_letters_are_written_again_only_when_asked_and_the_earlier_ones_become_worthless(
    staff: Client, school: Any
) -> None:
    StudentFactory(school=school)
    (first,) = CODE.findall(letters(staff, school))

    assert "No letter is needed" in letters(staff, school)
    (second,) = CODE.findall(letters(staff, school, again="on"))

    assert families.find_invitation(first) is None
    assert families.find_invitation(second) is not None


def test_an_invitation_for_brothers_and_sisters_elsewhere_stays(school: Any) -> None:
    here, elsewhere = StudentFactory(school=school), StudentFactory()
    _both, code = families.invite_family(students=[here, elsewhere], user=None)

    families.invite_each(students=[here], user=None)

    assert families.find_invitation(code) is not None


def test_only_grades_of_the_school_are_offered_in_words(staff: Client, school: Any) -> None:
    StudentFactory(school=school, grade="KN")
    offered = staff.get(reverse("school_letters", args=[school.pk])).context["form"].fields["grade"].choices
    assert ("KN", "Kindergarten") in offered
    assert {grade for grade, _words in offered} == {"", *school.students.values_list("grade", flat=True)}


def test_letters_of_a_large_school_are_written_block_by_block(school: Any, django_assert_max_num_queries: Any) -> None:
    """A school of any size is in memory one block at a time, with the same number of statements for each."""
    for _n in range(2 * BLOCK + 1):
        StudentFactory(school=school)
    written = write_letters(Wanted(school), user=UserFactory(), address="https://sis.example.org/family/join/")

    next(written)
    assert FamilyInvitation.objects.count() == BLOCK
    with django_assert_max_num_queries(2 * 7):
        rest = sum(1 for _letter in written)

    assert rest == 2 * BLOCK
    assert FamilyInvitation.objects.count() == 2 * BLOCK + 1


def test_both_languages_stand_on_one_sheet_with_one_code(staff: Client, school: Any) -> None:
    StudentFactory(school=school)
    page = letters(staff, school, language="both")
    assert page.count('<div class="sheet">') == 1
    assert len(CODE.findall(page)) == 2
    assert len(set(CODE.findall(page))) == 1


def test_another_schools_letters_are_not_there(staff: Client) -> None:
    assert staff.get(reverse("school_letters", args=[SchoolFactory().pk])).status_code == 404


def test_the_enrollment_form_on_paper_holds_what_is_on_record_and_a_line_for_the_ssid(
    staff: Client, school: Any
) -> None:
    eva = StudentFactory(school=school, first_name="Eva", birth_state="US-CA", birth_country="US", grade="KN")
    GuardianFactory(student=eva)

    page = staff.get(reverse("enrollment_paper", args=[eva.pk])).content.decode()
    spanish = staff.get(reverse("enrollment_paper", args=[eva.pk]), {"language": "es"}).content.decode()

    for text in ("Eva", "Marisol Diaz", "Oak School", "Kindergarten", "California, United States", "ten digits"):
        assert text in page
    assert page.count("<span>&nbsp;</span>") == 10
    assert 'lang="es"' in spanish
    assert "Escriba aquí el SSID" in spanish
    assert "12 de agosto de 2011" in spanish
    assert AuditEntry.looks.filter(kind="export", students__contains=[eva.pk]).count() == 2


def test_the_form_on_paper_masks_the_number_on_record_and_is_there_blank(staff: Client, school: Any) -> None:
    eva = StudentFactory(school=school)
    number = SSIDFactory(student=eva)

    page = staff.get(reverse("enrollment_paper", args=[eva.pk])).content.decode()
    blank = staff.get(reverse("enrollment_blank")).content.decode()

    assert number.masked in page
    assert number.ssid not in page
    assert "Last name" in blank
    assert "Diaz" not in blank
    assert staff.get(reverse("enrollment_paper", args=[StudentFactory().pk])).status_code == 404
