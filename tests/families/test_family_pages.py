"""Pages of students and parents: joining, what they see, entering the SSID, online enrollment, and nobody else's student."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import resolve, reverse
from django.utils import timezone

from assessments.models import Assessment, Score
from assessments.structure import structure
from sisimport.accounts.access import FAMILY, FOREIGN_RULES, SIGNED_IN
from sisimport.audit.models import AuditEntry
from sisimport.families.catalog import all_catalogs, catalogs, compiled, read_catalog
from students import families
from students.models import (
    SSID,
    AnnualEnrollment,
    CollectionPolicy,
    FamilyInvitation,
    FamilyMember,
    ReportedSSID,
)
from tests.factories import ELRecordFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.web.test_access import all_patterns, own_addresses

pytestmark = pytest.mark.django_db

NUMBER, WRONG = "9012345678", "9012345679"
PASSPHRASE = "an-invented-passphrase"


@pytest.fixture
def parent() -> Any:
    return UserFactory(username="parent")


@pytest.fixture
def child(parent: Any) -> Any:
    student = StudentFactory(first_name="Eva", last_name="Diaz")
    FamilyMember.objects.create(user=parent, student=student)
    return student


@pytest.fixture
def home(client: Client, parent: Any, child: Any) -> Client:
    """The parent of one child, signed in."""
    client.force_login(parent)
    return client


def policy(**values: Any) -> None:
    CollectionPolicy.objects.create(pk=1, **values)


def page(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def show(client: Client, name: str, student: Any, **values: str) -> str:
    address = reverse(name, args=[student.pk])
    return page(client.post(address, values, follow=True) if values else client.get(address))


# ---- joining ----


def enter(client: Client, code: str) -> Any:
    return client.post(reverse("family_join"), {"code": code}, follow=True)


def invited(*students: Any) -> str:
    """The code of a new invitation."""
    return families.invite_family(students=students or [StudentFactory()], user=None)[1]


def test_an_invitation_leads_to_an_account_and_its_student(client: Client) -> None:
    code = invited(StudentFactory(first_name="Eva"))

    enter(client, code)
    joined = client.post(reverse("family_join"), {"username": "marisol", "password": PASSPHRASE}, follow=True)

    assert "Eva" in page(joined)
    assert get_user_model().objects.get(username="marisol").check_password(PASSPHRASE)


def test_the_code_of_an_invitation_is_in_no_address_no_page_and_no_session(client: Client) -> None:
    code = invited()

    answer = enter(client, code)

    assert answer.redirect_chain == [(reverse("family_join"), 302)]
    for kept in (page(answer), str(dict(client.session))):
        assert code not in kept
        assert code.replace("-", "") not in kept


def test_no_address_takes_the_secret_of_an_invitation() -> None:
    """A secret in a path would be in access logs and in the browser's history."""
    named = {path for path, _pattern, _namespaces in all_patterns() if path.startswith("/family/")}
    assert [path for path in named if "<str" in path or "<slug" in path or "token" in path] == []


@pytest.mark.parametrize("state", ["unknown", "used", "withdrawn", "expired"])
def test_codes_that_are_not_open_are_answered_alike(client: Client, state: str) -> None:
    invitation, code = families.invite_family(students=[StudentFactory()], user=None)
    if state == "used":
        families.accept_invitation(invitation=invitation, username="first", password=PASSPHRASE)
    elif state == "withdrawn":
        families.withdraw_invitation(invitation=invitation)
    elif state == "expired":
        FamilyInvitation.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    refused = _plain(page(enter(client, "guessed")))

    answer = enter(client, "guessed" if state == "unknown" else code)

    assert answer.status_code == 410
    assert "This code does not work" in page(answer)
    assert _plain(page(answer)) == refused


def test_an_invitation_used_meanwhile_opens_no_second_account(client: Client) -> None:
    invitation, code = families.invite_family(students=[StudentFactory()], user=None)
    enter(client, code)
    families.accept_invitation(invitation=invitation, username="first", password=PASSPHRASE)

    answer = client.post(reverse("family_join"), {"username": "second", "password": PASSPHRASE})

    assert answer.status_code == 410
    assert not get_user_model().objects.filter(username="second").exists()


@pytest.mark.parametrize(("username", "password"), [("marisol", "12345678"), ("9012345678", PASSPHRASE)])
def test_weak_passwords_and_bare_numbers_as_names_are_refused(client: Client, username: str, password: str) -> None:
    enter(client, invited())

    client.post(reverse("family_join"), {"username": username, "password": password})

    assert not get_user_model().objects.exists()


def test_a_second_invitation_adds_a_student_to_the_account_signed_in(home: Client, child: Any) -> None:
    enter(home, invited(StudentFactory(first_name="Ana")))

    joined = page(home.post(reverse("family_join"), follow=True))

    assert "Ana" in joined
    assert "Eva" in joined


def test_the_link_of_a_letter_brings_its_language(client: Client) -> None:
    answer = client.get(reverse("family_join") + "?language=es", follow=True)

    assert answer.redirect_chain == [(reverse("family_join"), 302)]
    assert "Abra su cuenta" in page(answer)


# ---- what they see ----


def test_the_first_page_leads_a_family_to_its_student(home: Client, child: Any) -> None:
    answer = home.get(reverse("home"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("family_student", args=[child.pk])


def test_the_ssid_is_masked_until_asked_for_and_both_are_logged(home: Client, child: Any) -> None:
    SSIDFactory(student=child, ssid=NUMBER)

    masked, shown = show(home, "family_student", child), show(home, "family_student", child, show="1")

    assert NUMBER not in masked
    assert NUMBER in shown
    assert sorted(AuditEntry.looks.values_list("kind", flat=True)) == ["page", "ssid"]


def test_el_status_is_shown_in_plain_words_in_both_languages(home: Client, child: Any) -> None:
    ELRecordFactory(student=child, program_status="Exited EL")

    english = show(home, "family_student", child)
    home.post(reverse("set_language"), {"language": "es", "next": "/"})
    spanish = show(home, "family_student", child)

    assert "Reclassified" in english
    assert "Reclasificado" in spanish
    assert '<html lang="es">' in spanish


def scores(student: Any, *, code: str = "SBELA", name: str = "Smarter Balanced for ELA", shown: bool = True) -> None:
    """Two years of a test: 2433 (level 2 of grade 5) and 2540 (level 3 of grade 6)."""
    names = {"4": "Standard Exceeded", "3": "Standard Met", "2": "Standard Nearly Met", "1": "Standard Not Met"}
    results = [{"code": code, "name": name, "passing": code > "2"} for code, name in names.items()]
    test = Assessment.objects.create(state_code=code, name=name, shown_to_families=shown, results=results)
    for year, grade, scale, level in ((2023, "05", "2433", "1"), (2024, "06", "2540", "3")):
        Score.objects.create(
            student=student, assessment=test, school_year=year, scale_score=scale, result=level, grade=grade
        )


def test_only_scores_that_display_options_allow_are_shown(home: Client, child: Any) -> None:
    scores(child, code="A", name="Shown test")
    scores(child, code="B", name="Hidden test", shown=False)

    seen = show(home, "family_student", child)

    assert "Shown test" in seen
    assert "Hidden test" not in seen


@pytest.mark.parametrize("shown", [True, False])
def test_parents_are_told_when_scores_are_not_shown_yet(home: Client, child: Any, shown: bool) -> None:
    said = "your school is not showing here yet"
    assert said not in show(home, "family_student", child)  # nothing there at all

    scores(child, code="B", name="Some test", shown=shown)

    assert (said in show(home, "family_student", child)) is not shown


def test_parts_are_folded_under_their_test(home: Client, child: Any) -> None:
    scores(child)
    whole = Assessment.objects.get(state_code="SBELA")
    part = Assessment.objects.create(state_code="SBELA-R", name="Reading", parent=whole, shown_to_families=True)
    Score.objects.create(student=child, assessment=part, school_year=2024, raw_score="7", grade="06")

    seen = show(home, "family_student", child)

    parts = seen.index("Parts of the test")
    assert seen.index("2540") < parts < seen.index("Reading") < seen.index("</details>", parts)


def test_a_part_of_a_hidden_test_is_hidden(home: Client, child: Any) -> None:
    whole = Assessment.objects.create(state_code="A", name="Hidden test", shown_to_families=False)
    part = Assessment.objects.create(state_code="A-1", name="Shown part", parent=whole, shown_to_families=True)
    Score.objects.create(student=child, assessment=part, school_year=2024, raw_score="7", grade="05")

    assert "Shown part" not in show(home, "family_student", child)


def test_the_chart_shows_the_ranges_of_the_levels_and_names_them(home: Client, child: Any) -> None:
    scores(child)

    seen = show(home, "family_student", child)

    assert seen.count('class="band3"') == 2
    for words in ("3 Met", "2 Nearly Met", "1 Not Met"):
        assert f">{words}</text>" in seen


def test_the_chart_is_described_in_words_and_as_a_table(home: Client, child: Any) -> None:
    """Nothing is meant by color or place alone: the label says the scores, the table the level and its range."""
    scores(child)

    seen = show(home, "family_student", child)

    assert 'aria-label="Smarter Balanced for ELA, scale scores: 2433 in 2022-23, 2540 in 2023-24; the table' in seen
    assert '<td data-label="Result">Standard Met</td>' in seen
    assert '<td class="num" data-label="Scores of this level">2531 to 2617</td>' in seen


def test_levels_are_shown_in_spanish(home: Client, child: Any) -> None:
    scores(child)
    home.post(reverse("set_language"), {"language": "es", "next": "/"})

    seen = show(home, "family_student", child)

    assert "Smarter Balanced de lengua inglesa (ELA), puntuaciones de escala: 2433 en 2022-23" in seen
    assert '<td data-label="Resultado">Estándar alcanzado</td>' in seen
    assert ">3 Alcanzado</text>" in seen


def test_every_name_of_tests_and_levels_of_the_state_is_translated() -> None:
    known = structure()
    names = {name for results in known["results"].values() for name in results.values()}
    for test in known["tests"].values():
        for facts in (test, *test.get("editions", [])):
            names |= {child["name"] for child in facts.get("children", [])}
        names.add(test["name"])
    for path in catalogs():
        assert names - set(read_catalog(path)) == set(), path


# ---- entering the SSID ----


def test_m7_a_family_enters_the_ssid_only_where_the_policy_allows(home: Client, child: Any) -> None:
    assert "Enter the SSID" not in show(home, "family_student", child)
    show(home, "family_ssid", child, ssid=NUMBER)
    assert not ReportedSSID.objects.exists()


def test_m7_where_the_policy_allows_the_page_offers_it_until_a_number_is_verified(home: Client, child: Any) -> None:
    policy(families_may_enter=True)
    assert "Enter the SSID" in show(home, "family_student", child)
    given = SSIDFactory(student=child, ssid=NUMBER, verified=False)
    assert "Enter the SSID" in show(home, "family_student", child)

    given.verified = True
    given.save()

    assert "Enter the SSID" not in show(home, "family_student", child)


def test_m8_a_number_given_never_replaces_a_verified_one(home: Client, child: Any) -> None:
    policy(families_may_enter=True)
    SSIDFactory(student=child, ssid=NUMBER)

    show(home, "family_ssid", child, ssid=WRONG)

    assert list(SSID.objects.filter(student=child).values_list("ssid", "verified")) == [(NUMBER, True)]


def test_m8_what_a_family_enters_is_kept_unverified(home: Client, child: Any, parent: Any) -> None:
    policy(families_may_enter=True)

    answer = show(home, "family_ssid", child, ssid=NUMBER)

    assert "checks the number" in answer
    assert (ReportedSSID.objects.get().ssid, ReportedSSID.objects.get().reported_by) == (NUMBER, parent)
    assert not SSID.objects.exists()


def test_m8_the_answer_is_the_same_whether_the_number_is_somebodys_or_not(home: Client, child: Any) -> None:
    policy(families_may_enter=True)
    SSIDFactory(ssid=NUMBER)
    assert _plain(show(home, "family_ssid", child, ssid=NUMBER)) == _plain(show(home, "family_ssid", child, ssid=WRONG))


def _plain(text: str) -> str:
    return re.sub(r'value="[^"]{20,}"', "", text)


# ---- online enrollment ----


def test_m4_the_second_check_is_the_verified_ssid(home: Client, child: Any) -> None:
    policy(online_enrollment=True, required_from=dt.date(2015, 7, 1))
    SSIDFactory(student=child, ssid=NUMBER)

    show(home, "family_enroll", child, ssid=NUMBER)

    form = AnnualEnrollment.objects.get()
    assert (form.status, form.online) == ("submitted", True)


@pytest.mark.parametrize("case", ["wrong", "nothing on record", "another student's", "unverified"])
def test_m4_every_other_number_is_answered_alike(home: Client, child: Any, case: str) -> None:
    policy(online_enrollment=True, required_from=dt.date(2015, 7, 1))
    if case == "another student's":
        SSIDFactory(ssid=WRONG)
    if case != "nothing on record":
        SSIDFactory(student=child, ssid=WRONG if case == "unverified" else NUMBER, verified=case != "unverified")

    answer = show(home, "family_enroll", child, ssid=WRONG)

    assert "We could not confirm this number. Check it, or ask your school." in answer
    assert not AnnualEnrollment.objects.filter(status="submitted").exists()


def test_m4_after_five_wrong_numbers_even_the_right_one_waits(home: Client, child: Any) -> None:
    policy(online_enrollment=True, required_from=dt.date(2015, 7, 1))
    SSIDFactory(student=child, ssid=NUMBER)
    for _ in range(5):
        show(home, "family_enroll", child, ssid=WRONG)

    answer = show(home, "family_enroll", child, ssid=NUMBER)

    assert "Too many tries" in answer
    assert not AnnualEnrollment.objects.exists()


def test_m4_before_the_day_no_ssid_is_asked_for(home: Client, child: Any) -> None:
    policy(online_enrollment=True)
    assert 'name="ssid"' not in show(home, "family_enroll", child)
    show(home, "family_enroll", child, submit="1")
    assert AnnualEnrollment.objects.get().status == "submitted"


def test_without_online_enrollment_nothing_can_be_submitted(home: Client, child: Any) -> None:
    show(home, "family_enroll", child, submit="1")
    assert not AnnualEnrollment.objects.exists()


@pytest.mark.parametrize("here", [True, False])
def test_online_enrollment_is_of_the_schools_that_the_policy_names(home: Client, child: Any, here: bool) -> None:
    other = SchoolFactory(lea=child.lea)
    policy(online_enrollment=True, online_schools=[child.school_id if here else other.pk])

    assert (reverse("family_enroll", args=[child.pk]) in show(home, "family_student", child)) is here
    show(home, "family_enroll", child, submit="1")
    assert AnnualEnrollment.objects.exists() is here


# ---- nobody else's ----


@pytest.mark.long
def test_families_open_no_page_of_the_staff_with_any_number(home: Client, child: Any) -> None:
    """Every address of the product, with the ids of the family's own student: staff pages stay closed to it."""
    for name, address in own_addresses():
        rule = getattr(resolve(address).func, "access_rule", "")
        if rule in (FAMILY, SIGNED_IN) or name in FOREIGN_RULES:
            continue
        own = address.replace("/1/", f"/{child.pk}/")
        for answer in (home.get(own), home.post(own)):
            assert answer.status_code in (403, 404, 405), (name, answer.status_code)


@pytest.mark.parametrize("name", ["family_student", "family_ssid", "family_enroll"])
def test_another_familys_student_answers_as_one_who_is_not_there(home: Client, child: Any, name: str) -> None:
    policy(families_may_enter=True, online_enrollment=True)
    stranger = StudentFactory(first_name="Stranger")
    FamilyMember.objects.create(user=UserFactory(), student=stranger)

    for method in (home.get, home.post):
        answers = [method(reverse(name, args=[pk])) for pk in (stranger.pk, 999_999_999)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert len({_plain(page(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("name", ["family_student", "family_ssid", "family_enroll"])
def test_another_familys_student_costs_what_nobody_costs(
    home: Client, child: Any, name: str, django_assert_num_queries: Any
) -> None:
    """Same statements, so the same time: nothing tells whether the id exists."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    stranger = StudentFactory(pk=888_888_888)  # a number that occurs nowhere else in a statement
    asked = []
    for pk in (stranger.pk, 999_999_999):
        with CaptureQueriesContext(connection) as captured:
            home.get(reverse(name, args=[pk]))
        asked.append([q["sql"].replace(str(pk), "?") for q in captured if "session" not in q["sql"]])
    assert asked[0] == asked[1]


def test_staff_have_no_family_page(client: Client, child: Any) -> None:
    client.force_login(UserFactory(import_admin=True))
    assert client.get(reverse("family_student", args=[child.pk])).status_code == 403


# ---- texts ----


def test_the_compiled_texts_are_those_of_the_source() -> None:
    for path in all_catalogs():
        assert path.with_suffix(".mo").read_bytes() == compiled(read_catalog(path)), (
            "run manage.py compile_translations"
        )


def test_every_text_of_the_family_pages_is_translated() -> None:
    root = Path(settings.BASE_DIR)
    used: set[str] = set()
    for template in [
        *(root / "templates/families").glob("*.html"),
        *(root / "templates/account").glob("*.html"),
        *(root / "templates").glob("*.html"),
        root / "templates/parts/_language.html",
        root / "templates/ssid/_letter.html",
        root / "templates/assessments/_family_scores.html",
    ]:
        used |= {a or b for a, b in re.findall(r"""{% trans (?:"([^"]+)"|'([^']+)')""", template.read_text())}
    for source in (
        "sisimport/families/views",
        "sisimport/families/forms",
        "sisimport/families/words",
        "assessments/pages/family_card",
        "students/grades",
    ):
        used |= set(re.findall(r'\b_\(\s*"([^"]+)"\s*\)', (root / f"{source}.py").read_text()))
    for path in catalogs():
        assert used - set(read_catalog(path)) == set(), path
