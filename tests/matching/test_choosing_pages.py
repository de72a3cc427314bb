"""Pages of choosing candidates for requests: what they show, what they save, and for whom."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import REGISTRAR, VIEWER
from sisimport.imports.models import MatchDecision
from students.models import School
from tests.matching.conftest import own, sign_in
from tests.ssid.request_files import (
    HEADER,
    RESULT,
    codes,
    current_ssid,
    line,
    make_student,
    run_test,
    update,
)

pytestmark = pytest.mark.django_db


ROWS = [
    f"{HEADER},{RESULT}",
    line(more="Lee,Sam,M,20110304,EL,20150901,spa,Lee,Ana"),
    line(ssid="8012345690", score="100%", more="Li,Sam,F,20110305,EO,,eng,Li,Bo"),
]


def test_a_request_is_next_to_its_candidates(school: School, admin: Client) -> None:
    make_student(school)
    run = run_test(ROWS)

    page = admin.get(reverse("run_candidates", args=[run.pk]))

    for text in (
        "80•• ••• 678",
        "91%",
        "100%",
        '<mark class="bad">Li</mark>',
        "3/5/2011",
        "Ana Lee",
        "EL 9/1/2015",
    ):
        assert text in page.text, text
    assert "8012345678" not in page.text


def test_a_registrar_chooses_on_the_page_and_update_applies_it(school: School) -> None:
    student = make_student(school)
    client, user = sign_in(REGISTRAR, school)
    run = own(run_test(ROWS, schools=[school.pk]), user)

    client.post(reverse("run_candidates", args=[run.pk]), {"request-2": "3", "reason-2": "Seen the papers"})
    update(run)

    assert current_ssid(student) == "8012345690"
    assert MatchDecision.objects.get().reason == "Seen the papers"


def test_none_of_them_and_taking_it_back(school: School, admin: Client) -> None:
    make_student(school)
    run = run_test(ROWS)
    url = reverse("run_candidates", args=[run.pk])

    admin.post(url, {"request-2": "refuse"})
    assert codes(run) == ["SEL-REFUSED", "SEL-REFUSED"]
    admin.post(url, {"request-2": "open"})

    assert codes(run) == ["SEL-NONE", "SEL-NONE"]


def test_a_candidate_chosen_meanwhile_stays(school: School, admin: Client) -> None:
    student = make_student(school)
    client, user = sign_in(REGISTRAR, school)
    run = own(run_test(ROWS, schools=[school.pk]), user)
    url = reverse("run_candidates", args=[run.pk])
    assert 'name="seen-2" value="0"' in admin.get(url).text
    client.post(url, {"request-2": "3", "seen-2": "0"})

    told = admin.post(url, {"request-2": "2", "seen-2": "0"}, follow=True).text
    update(run)

    assert "decided on line" in told
    assert current_ssid(student) == "8012345690"


def test_a_choice_taken_back_meanwhile_is_not_taken_back_again(school: School, admin: Client) -> None:
    make_student(school)
    run = run_test(ROWS)
    url = reverse("run_candidates", args=[run.pk])
    admin.post(url, {"request-2": "3", "seen-2": "0"})
    first = MatchDecision.objects.get().pk
    admin.post(url, {"request-2": "2", "seen-2": str(first)})

    told = admin.post(url, {"request-2": "open", "seen-2": str(first)}, follow=True).text

    assert "decided on line" in told
    assert [d.line for d in MatchDecision.objects.all()] == [2]


def test_saving_a_page_again_decides_nothing_again(school: School, admin: Client) -> None:
    make_student(school)
    run = run_test([line(pick="X"), line(ssid="8012345690")])

    admin.post(reverse("run_candidates", args=[run.pk]), {"request-1": "1", "state": "chosen"})

    assert not MatchDecision.objects.exists()


@pytest.mark.parametrize("marks", [{"request-2": "99"}, {"request-3": "3"}])
def test_a_candidate_that_is_none_of_the_request_is_not_found(
    school: School, admin: Client, marks: dict[str, str]
) -> None:
    make_student(school)
    run = run_test(ROWS)

    assert admin.post(reverse("run_candidates", args=[run.pk]), marks).status_code == 404


def test_all_at_or_above_a_score_are_chosen_after_a_preview(school: School, admin: Client) -> None:
    student = make_student(school)
    make_student(school, "100241", first_name="Kim")
    run = run_test([*ROWS, line("100241", first="Kim", ssid="8012345700", score="95%", more=",,,,,,,,")])
    url = reverse("run_candidates_choose", args=[run.pk])

    preview = admin.post(url, {"score": "98"})
    assert not MatchDecision.objects.exists()
    admin.post(url, {"score": "98", "digest": preview.context["picks"].digest})
    update(run)

    assert current_ssid(student) == "8012345690"
    assert [d.line for d in MatchDecision.objects.all()] == [3]


def test_two_candidates_with_the_same_best_score_are_left_to_a_person(school: School, admin: Client) -> None:
    make_student(school)
    run = run_test([line(score="100%"), line(ssid="8012345690", score="100%")])

    preview = admin.post(reverse("run_candidates_choose", args=[run.pk]), {"score": "50"})

    assert preview.context["picks"].found == ()


def test_r15_an_ssid_best_for_two_requests_is_left_to_a_person(school: School, admin: Client) -> None:
    make_student(school)
    make_student(school, "100241", first_name="Kim")
    run = run_test([line(score="99%"), line("100241", first="Kim", score="99%")])

    preview = admin.post(reverse("run_candidates_choose", args=[run.pk]), {"score": "50"})

    assert preview.context["picks"].found == ()


def test_a_viewer_neither_chooses_nor_accepts(school: School) -> None:
    make_student(school)
    run = run_test(ROWS)
    client, _user = sign_in(VIEWER)

    assert client.get(reverse("run_candidates", args=[run.pk])).status_code == 200
    assert client.post(reverse("run_candidates", args=[run.pk]), {"request-2": "3"}).status_code == 404
    assert client.post(reverse("run_candidates_choose", args=[run.pk]), {"score": "1"}).status_code == 403
    assert client.post(reverse("run_matches_accept", args=[run.pk]), {"threshold": "92"}).status_code == 403


def test_a_page_of_requests_takes_few_queries(
    school: School, admin: Client, django_assert_max_num_queries: Any
) -> None:
    rows = []
    for n in range(10):
        make_student(school, str(100300 + n))
        rows += [line(str(100300 + n), ssid=f"80123456{n}{k}") for k in range(3)]
    run = run_test(rows)

    with django_assert_max_num_queries(28):
        page = admin.get(reverse("run_candidates", args=[run.pk]))

    assert page.text.count('<fieldset class="compare"') == 10
