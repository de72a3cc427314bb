"""Names, parts, levels and ranges of a test belong to school years; set-ups carry the years in their names."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assessments import services
from assessments.models import Assessment, Score
from assessments.pages.charts import level_range, range_of
from assessments.pages.queries import scores_json, student_tests
from assessments.structure import edition_of, level_names
from sisimport.imports.definition.registry import built_in_types, get_type
from students.models import Student
from tests.assessments.score_files import SSID_1, counts, ela, report, start, text, undo
from tests.factories import UserFactory
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db

# The lists of the screen that we mirror, as its page gives them (CAASPP Import, vendor help page, 2025).
SCREEN = {
    "caaspp-2024-2025": [
        "01 - Smarter Balanced for ELA 2024-2025",
        "02 - Smarter Balanced for Mathematics 2024-",
        "03 - CAA for ELA 2024-",
        "04 - CAA for Mathematics 2024-",
        "05 - CAA for Science 2024-",
        "06 - California Science Test 2018-2024",
        "07 - California Spanish Assessment 2021-2024",
    ],
    "caaspp-2023-2024": [
        "01 - Smarter Balanced for ELA 2021-2024",
        "02 - Smarter Balanced for Mathematics 2021-2024",
        "03 - CAA for ELA",
        "04 - CAA for Mathematics",
        "05 - CAA for Science 2023-2024",
        "06 - California Science Test 2018-2024",
        "07 - California Spanish Assessment 2021-2024",
    ],
    "caaspp-2021-2023": [
        "01 - Smarter Balanced for ELA 2021-2024",
        "02 - Smarter Balanced for Mathematics 2021-2024",
        "03 - CAA for ELA",
        "04 - CAA for Mathematics",
        "05 - CAA for Science 2018-2023",
        "06 - California Science Test 2018-2024",
        "07 - California Spanish Assessment 2021-2024",
    ],
    # Beside these, our type reads the file of preliminary science and Spanish results, which that screen does not list.
    "caaspp-2019-2021": [
        "01 - Smarter Balanced for ELA 2017-2020",
        "02 - Smarter Balanced for Mathematics 2017-2020",
        "03 - CAA for ELA",
        "04 - CAA for Mathematics",
        "05 - California Science Test 2018-2019/2019-2020",
    ],
    "caaspp-2018-2019": [
        "01 - Smarter Balanced for ELA 2017-2020",
        "02 - Smarter Balanced for Mathematics 2017-2020",
        "03 - CAA for ELA",
        "04 - CAA for Mathematics",
        "05 - CAA for Science",
        "06 - California Science Test 2018-2019/2019-2020",
        "09 - California Spanish Assessment 2018-2019/2019-2020",
    ],
    "caaspp-2017-2018": [
        "01 - Smarter Balanced for ELA 2017-2020",
        "02 - Smarter Balanced for Mathematics 2017-2020",
        "03 - CAA for ELA",
        "04 - CAA for Mathematics",
        "05 - CAA for Science",
        "06 - California Science Test 2017-2018",
        "08 - Standards-based Tests in Spanish (STS) for Reading/Language Arts (RLA)",
    ],
    **{f"elpac-summative-{year}": ["ELPAC Overall"] for year in range(2019, 2025)},
    "elpac-initial-2018-2019": ["Initial ELPAC - Overall 2018-2019"],
    "elpac-initial-2019-2020": ["Initial ELPAC - Overall 2019-2020"],
    "elpac-initial-2020-2021": ["Initial ELPAC - Overall 2020-2021"],
    "elpac-initial-2021-2022": ["Initial ELPAC - Overall 21-22/22-23"],
    "elpac-initial-2022-2023": ["Initial ELPAC - Overall 21-22/22-23"],
    "elpac-initial-2023-2024": ["Initial ELPAC - Overall 2023-2024"],
}
# Records of the Assessment Center that the same page names.
SETUPS = {("ELPACS", 2019): "ELPAC 2019 Summative", ("ELPACS", 2024): "ELPAC 2024 Summative",
          ("SBELA", 2023): "Smarter Balanced for ELA 2021-2024", ("CAST", 2025): "California Science Test 2018-2024",
          ("ELPACI", 2024): "Initial ELPAC - Overall 2023-2024"}  # fmt: skip
# Tests that the other screen does not list and the state's files hold; years that it does not have, by their own names.
OURS = {
    "caaspp-2019-2021": ["05 - CAA for Science", "09 - California Spanish Assessment 2018-2019/2019-2020"],
    **{f"elpac-summative-{year}": ["Summative Alternate ELPAC"] for year in range(2022, 2025)},
    **{f"elpac-initial-{year - 1}-{year}": ["Initial Alternate ELPAC"] for year in range(2023, 2025)},
}
NOT_OF_THE_SCREEN = {
    "caaspp-2015-2016", "caaspp-2016-2017", "elpac-summative-2018", "elpac-summative-2025", "elpac-initial-2024-2025",
}  # fmt: skip
PARTS = {"composite_claim_1_level": "2", "composite_claim_2_level": "3"}


@pytest.fixture
def home() -> District:
    found = district()
    found.add("100", ssid=SSID_1)
    return found


def lists(key: str) -> dict[str, Any]:
    return {option.name: option for option in get_type(key).options if option.group == "Assessments"}


@pytest.mark.parametrize("key", SCREEN)
def test_the_lists_of_the_screen_have_the_names_that_registrars_know(key: str) -> None:
    shown = [option.label for option in lists(key).values()]

    assert [label for label in shown if label not in OURS.get(key, ())] == SCREEN[key]
    assert set(OURS.get(key, ())) <= set(shown)


def test_every_year_has_a_list_that_is_compared() -> None:
    """The newest year of the screen too; a year that it does not have is known here."""
    ours = {kind.key for kind in built_in_types() if kind.key.startswith(("caaspp-", "elpac-"))}
    assert ours == set(SCREEN) | NOT_OF_THE_SCREEN
    assert [option.label for option in lists("elpac-initial-2024-2025").values()][:1] == [
        "Initial ELPAC - Overall 2024-2025"
    ]


@pytest.mark.parametrize("key", ["caaspp-2024-2025", "caaspp-2021-2023", "elpac-initial-2021-2022"])
def test_the_page_shows_the_names_with_its_three_choices(key: str, client: Client) -> None:
    client.force_login(UserFactory(import_admin=True, all_schools=True))

    page = client.get(reverse("upload", args=["caaspp"]), {"type": key}).content.decode()

    at = [page.index(f">{label}</label>") for label in SCREEN[key]]
    assert at == sorted(at)
    for choice in ("Import to newly created test setup", "Do not import these assessments"):
        assert page.count(choice) == len(lists(key))


def test_set_ups_carry_their_years_in_the_name() -> None:
    assert {key: edition_of(*key).name for key in SETUPS} == SETUPS


@pytest.mark.parametrize("code", ["ELPACS", "ELPACI"])
def test_the_elpac_has_its_six_parts_and_the_page_of_set_ups_names_them(code: str, client: Client) -> None:
    parts = {"Listening": "L", "Oral": "O", "Reading": "R", "Speaking": "S", "Writing": "W", "Written": "N"}
    client.force_login(UserFactory(registrar=True))

    page = client.get(reverse("setup_article")).content.decode()

    assert [name for name, letter in parts.items() if f"ELPAC {name} ({code}-{letter})" not in page] == []


def test_levels_have_new_names_from_2025_26_on_and_earlier_ones_keep_theirs() -> None:
    new = {"4": "Advanced", "3": "Proficient", "2": "Developing", "1": "Minimal", "9": "No score"}
    for code in ("SBELA", "SBMATH", "CAST"):
        assert (level_names(code, 2026), level_names(code, 2027)) == (new, new)
        assert level_names(code, 2025)["4"] == "Standard Exceeded"
        assert range_of(code, 2026, "08") == range_of(code, 2025, "08")  # no change of ranges was announced
    assert level_names("CAAELA", 2026) == level_names("CAAELA", 2025)


def test_no_range_is_reported_for_the_spanish_assessment_since_2024_25() -> None:
    assert level_range("CSA", 2024, "11", "3") == (960, 999)
    assert level_range("CSA", 2025, "11", "3") is None
    assert level_range("CSA", 2026, "11", "3") is None


# -- which set-up scores go to -----------------------------------------------------------------------------------------


def spanish(layout: str, **cells: str) -> dict[str, str]:
    return ela(layout, **{"record_type": "09", "scale_score": "960", **cells})


def test_a_set_up_takes_the_scores_of_its_years_and_no_others(home: District) -> None:
    for layout in ("caaspp-2021-22", "caaspp-2022-23", "caaspp-2023-24", "caaspp-2024-25"):
        key = "caaspp-2021-2023" if layout < "caaspp-2023" else f"caaspp-20{layout[9:11]}-20{layout[12:14]}"
        assert counts(report(key, text(layout, ela(layout)), work="import")) == {"import": 1}, layout

    names = {score.school_year: score.assessment.name for score in Score.objects.filter(assessment__parent=None)}
    assert names == {
        2022: "Smarter Balanced for ELA 2021-2024",
        2023: "Smarter Balanced for ELA 2021-2024",
        2024: "Smarter Balanced for ELA 2021-2024",
        2025: "Smarter Balanced for ELA 2024-2025",
    }


def test_after_new_the_newest_is_the_default_and_the_screen_says_so(home: District) -> None:
    kind, file = "caaspp-2023-2024", text("caaspp-2023-24", ela("caaspp-2023-24"))
    start(kind, file, work="import")
    start(kind, file, work="import", SBELA="new")
    newest = Assessment.objects.get(name="Smarter Balanced for ELA 2021-2024 (2)")

    again = report(kind, text("caaspp-2023-24", ela("caaspp-2023-24", scale_score="2510")), work="import")

    assert counts(again) == {"import": 1}
    assert Score.objects.get(assessment=newest).scale_score == "2510"
    assert lists(kind)["SBELA"].choices[0].label == f"Automatic (the newest: {newest.name})"
    assert lists(kind)["SBELA"].hint == (
        f"2 test set-ups are on record. Automatic uses the newest, {newest.name}."
        " An import admin can mark one “Use this from now on”."
    )


def test_one_set_up_may_be_marked_to_be_used_from_now_on(home: District) -> None:
    kind, file = "caaspp-2023-2024", text("caaspp-2023-24", ela("caaspp-2023-24"))
    start(kind, file, work="import")
    start(kind, file, work="import", SBELA="new")
    first, second = Assessment.objects.filter(state_code="SBELA").order_by("pk")
    for setup in (second, first):  # marking one takes the mark from the other
        setup.preferred = True
        setup.save()
        services.prefer(setup)

    start(kind, text("caaspp-2023-24", ela("caaspp-2023-24", scale_score="2510")), work="import")

    assert list(Assessment.objects.filter(state_code="SBELA", preferred=True)) == [first]
    assert Score.objects.get(assessment=first).scale_score == "2510"
    assert lists(kind)["SBELA"].choices[0].label == f"Automatic ({first.name})"
    assert lists(kind)["SBELA"].hint.endswith(f"Automatic uses {first.name}, marked “Use this from now on”.")


def test_the_mark_is_set_in_the_admin(home: District, client: Client) -> None:
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    setup = Assessment.objects.create(state_code="SBELA", name="ELA", first_year=2022, last_year=2024)
    other = Assessment.objects.create(state_code="SBELA", name="ELA 2", first_year=2024, preferred=True)
    data = {"name": "ELA", "score_type": "scale", "position": "1", "first_year": "2022", "last_year": "2024",
            "preferred": "on", "children-TOTAL_FORMS": "0", "children-INITIAL_FORMS": "0"}  # fmt: skip

    answer = client.post(reverse("admin:assessments_assessment_change", args=[setup.pk]), data)

    assert answer.status_code == 302
    other.refresh_from_db()
    setup.refresh_from_db()
    assert (setup.preferred, other.preferred) == (True, False)


def test_a_test_that_was_shown_to_families_is_shown_in_its_next_years(home: District) -> None:
    start("caaspp-2023-2024", text("caaspp-2023-24", ela("caaspp-2023-24", **PARTS)), work="import")
    Assessment.objects.exclude(state_code="SBELA-WR").update(shown_to_families=True)

    start("caaspp-2024-2025", text("caaspp-2024-25", ela("caaspp-2024-25", **PARTS)), work="import")

    new = Assessment.objects.get(name="Smarter Balanced for ELA 2024-2025")
    assert new.shown_to_families
    assert {c.state_code: c.shown_to_families for c in new.children.all()} == {"SBELA-RL": True, "SBELA-WR": False}


# -- set-ups of 1.0, which have no years -------------------------------------------------------------------------------


def of_1_0(code: str, name: str, results: str, **scores: int) -> Assessment:
    """A set-up as 1.0 made it, with a score of 100 in some years."""
    from assessments.structure import structure

    names = [{"code": k, "name": v, "passing": False} for k, v in structure()["results"][results].items()]
    setup = Assessment.objects.create(state_code=code, name=name, results=names)
    for year in scores.values():
        Score.objects.create(student=Student.objects.get(), assessment=setup, school_year=year, scale_score="960",
                             result="3", grade="11", date=dt.date(year, 4, 12))  # fmt: skip
    return setup


def test_scores_of_1_0_keep_their_set_up(home: District) -> None:
    old = of_1_0("SBELA", "Smarter Balanced for ELA", "standard", a=2024)

    for layout, key in (("caaspp-2023-24", "caaspp-2023-2024"), ("caaspp-2024-25", "caaspp-2024-2025")):
        assert counts(report(key, text(layout, ela(layout)), work="import")) == {"import": 1}

    assert list(Assessment.objects.filter(parent=None)) == [old]
    assert set(Score.objects.filter(assessment=old).values_list("school_year", flat=True)) == {2024, 2025}


@pytest.mark.parametrize("held", [True, False])
def test_a_changed_test_leaves_the_set_up_of_1_0_unless_that_holds_its_scores(home: District, held: bool) -> None:
    years = {"a": 2024} | ({"b": 2025} if held else {})
    old = of_1_0("CSA", "California Spanish Assessment", "range", **years)
    layout = "caaspp-2024-25"

    start("caaspp-2024-2025", text(layout, spanish(layout, grade_assessed="11")), work="import")

    own = Score.objects.filter(school_year=2025, assessment__parent=None)
    assert [score.assessment == old for score in own] == [held]
    # Whatever the set-up, the names are those of the year.
    assert own.get().result_name == "Level 3"
    assert Score.objects.get(school_year=2024).result_name == "Score range 3"


def test_edited_names_of_a_set_up_of_1_0_stay_as_they_are(home: District) -> None:
    old = of_1_0("CSA", "California Spanish Assessment", "range", a=2025)
    old.results = [{"code": "3", "name": "Ours"}]
    old.save()

    assert Score.objects.get().result_name == "Ours"


def test_several_set_ups_of_1_0_are_chosen_by_the_scores_they_hold(home: District) -> None:
    first = of_1_0("SBELA", "Smarter Balanced for ELA", "standard", a=2024)
    second = of_1_0("SBELA", "Smarter Balanced for ELA (2)", "standard")
    kind, layout = "caaspp-2023-2024", "caaspp-2023-24"

    start(kind, text(layout, ela(layout)), work="import")
    start("caaspp-2024-2025", text("caaspp-2024-25", ela("caaspp-2024-25")), work="import")

    assert {(s.school_year, s.assessment_id) for s in Score.objects.all()} >= {(2024, first.pk), (2025, second.pk)}


def test_a_revert_removes_the_set_up_with_its_years(home: District) -> None:
    run = start("caaspp-2024-2025", text("caaspp-2024-25", ela("caaspp-2024-25")), work="import")
    assert Assessment.objects.filter(first_year=2025, last_year=2025).exists()

    undo(run)

    assert not Assessment.objects.exists()


# -- the Spanish assessment of 2024-25 ---------------------------------------------------------------------------------


def test_the_new_spanish_assessment_has_its_own_parts_and_names(home: District) -> None:
    layout = "caaspp-2024-25"
    values = {"domain_1_level": "2", "domain_2_level": "3", "domain_3_level": "1", "csa_composite_1_level": "3",
              "csa_composite_2_level": "2", "raw_score_1": "12"}  # fmt: skip
    start("caaspp-2024-2025", text(layout, spanish(layout, grade_assessed="11", **values)), work="import")

    found = {score["code"]: (score["assessment"], score["result_name"]) for score in scores_json(Student.objects.get())}

    assert found == {
        "CSA": ("California Spanish Assessment 2024-", "Level 3"),
        "CSA-C1": ("Composite 1", "Level 3"),
        "CSA-C2": ("Composite 2", "Level 2"),
        "CSA-D1": ("Domain 1", "Progressing"),
        "CSA-D2": ("Domain 2", "Well Developed"),
        "CSA-D3": ("Domain 3", "Beginning"),
    }


@pytest.mark.parametrize("grade", ["05", "5", "11", "12", ""])
def test_composites_of_the_spanish_assessment_are_of_high_school(home: District, grade: str) -> None:
    layout = "caaspp-2024-25"

    done = report(
        "caaspp-2024-2025",
        text(layout, spanish(layout, grade_assessed=grade, csa_composite_1_level="3")),
        work="import",
    )

    assert counts(done) == {"import": 1}
    told = [(i["field"], i["found"], i["expected"]) for i in done["issues"] if i["code"] == "EXC-PART-GRADE"]
    assert told == ([] if grade in ("11", "12", "") else [("csa_composite_1_level", grade, "09, 10, 11, 12")])
    assert Score.objects.filter(assessment__state_code="CSA-C1").exists()


def test_no_chart_joins_scores_that_are_not_to_be_compared(home: District) -> None:
    for layout, key in (("caaspp-2023-24", "caaspp-2023-2024"), ("caaspp-2024-25", "caaspp-2024-2025")):
        start(key, text(layout, spanish(layout, grade_assessed="11"), ela(layout, uin="2")), work="import")

    tests = {test.name: test for test in student_tests(Student.objects.get())}

    assert {name: [score.year for score in test.scores] for name, test in tests.items()} == {
        "Smarter Balanced for ELA": ["2024-25", "2023-24"],  # one line over the years, whatever the set-ups are called
        "California Spanish Assessment since 2024-25": ["2024-25"],
        "California Spanish Assessment": ["2023-24"],
    }
    ela_chart, spanish_chart = (
        tests["Smarter Balanced for ELA"].chart,
        tests["California Spanish Assessment since 2024-25"].chart,
    )
    assert ela_chart is not None
    assert spanish_chart is not None
    assert len(ela_chart.marks) == 2
    assert spanish_chart.bands == ()
