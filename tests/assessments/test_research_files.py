"""The state's research files: results and names of places, without students, by Test, Update and Revert like every other file."""

import io
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assessments.models import PublicPlace, PublicResult
from assessments.results.asking import reader_of, what_is_held
from assessments.results.beside import GROUPS, Beside, _figure, beside
from assessments.results.groups import NAMES
from assessments.results.shapes import Choice, LevelOf
from assessments.results.tables import build
from sisimport.files.archives import glimpse
from sisimport.imports.definition.recognition import recognise_type
from sisimport.imports.runs.uploads import unpacked
from students.models import LEA, School
from tests.assessments.test_results_page import make
from tests.factories import UserFactory
from tests.imports.base_suite import ImportTypeSuite
from tests.imports.journey import Report, make_district, revert, run_file
from tests.ssid.journey import SCHOOL_CODE

pytestmark = pytest.mark.django_db
STATE, COUNTY, DISTRICT, SCHOOL = ("00", "00000", "0000000"), ("12", "00000", "0000000"), ("12", "34567", "0000000"), (
    "12", "34567", "0123456",
)  # fmt: skip
OTHER_COUNTY, OTHER_DISTRICT = ("19", "00000", "0000000"), ("12", "99999", "0000000")
NEW = (
    "County Code^District Code^District Name^School Code^School Name^Type ID^Filler^Test Year^Test Type^Test ID^Student Group ID"
    "^Grade^Total Students Enrolled^Total Students Tested^Total Students Tested with Scores^Mean Scale Score"
    "^Percentage Standard Exceeded^Count Standard Exceeded^Percentage Standard Met^Count Standard Met"
    "^Percentage Standard Met and Above^Count Standard Met and Above^Percentage Standard Nearly Met^Count Standard Nearly Met"
    "^Percentage Standard Not Met^Count Standard Not Met^Overall Total"
)


def result(
    place: tuple[str, str, str], *, year: str = "2025", test: str = "1", group: str = "1", grade: str = "05",
    scored: str = "400", mean: str = "2510.4", levels: tuple[str, ...] = ("20.00", "25.00", "30.00", "25.00"), met: str = "55.00",
) -> str:  # fmt: skip
    county, district, school = place
    one, two, three, four = levels
    counted = f"{four}^100^{three}^120^{met}^220^{two}^100^{one}^80"
    return (
        f"{county}^{district}^^{school}^^06^^{year}^B^{test}^{group}^{grade}^450^420^{scored}^{mean}^{counted}^{scored}"
    )


def new(*lines: str) -> str:
    return "\n".join([NEW, *lines]) + "\n"


def imported(content: str, import_type: str = "research-results") -> Report:
    done = run_file(import_type, content, work="update")
    assert done.run.status == "completed", done.run.message
    return done


class TestResultsJourney(ImportTypeSuite):
    import_type = "research-results"

    def arrange(self) -> None:
        make_district()
        imported(new(result(COUNTY), result(STATE, mean="2500")))

    def content(self) -> str:
        return new(
            result(STATE), result(COUNTY), result(DISTRICT), result(SCHOOL), result(SCHOOL, group="160", mean="*"),
            result(DISTRICT, grade="XX"), result(OTHER_COUNTY),
        )  # fmt: skip


class TestEntitiesJourney(ImportTypeSuite):
    import_type = "research-entities"

    def arrange(self) -> None:
        make_district()
        imported(entities(("12", "00000", "0000000", "Old County", "", "")), "research-entities")
        imported(entities(("12", "34567", "0000000", "Lake", "Lincoln", "")), "research-entities")

    def content(self) -> str:
        return entities(
            ("12", "00000", "0000000", "Lake County", "", ""), ("12", "34567", "0000000", "Lake", "Lincoln", ""),
            ("12", "34567", "0123456", "Lake", "Lincoln", "Cedar High"), ("1x", "34567", "0123457", "Lake", "Lincoln", "Maple"),
        )  # fmt: skip


def entities(*places: tuple[str, ...], year: str = "2025") -> str:
    head = (
        "County Code^District Code^School Code^Filler^Test Year^Type ID^County Name^District Name^School Name^Zip Code"
    )
    lines = [
        f"{c}^{d}^{s}^^{year}^06^{county}^{district}^{school}^95000" for c, d, s, county, district, school in places
    ]
    return "\n".join([head, *lines]) + "\n"


def test_state_county_and_own_district_are_kept_and_others_told() -> None:
    make_district()
    done = imported(new(*(result(place) for place in (STATE, COUNTY, DISTRICT, SCHOOL, OTHER_COUNTY, OTHER_DISTRICT))))
    assert set(PublicResult.objects.values_list("place", flat=True)) == {
        "".join(place) for place in (STATE, COUNTY, DISTRICT, SCHOOL)
    }
    assert done.run.skipped_count == 2
    assert done.codes() == ["RES-ELSEWHERE", "RES-ELSEWHERE"]


def test_numbers_are_kept_as_they_stand_and_what_is_hidden_stays_hidden() -> None:
    make_district()
    imported(
        new(result(SCHOOL, scored="*", mean="*", levels=("*",) * 4, met="*"), result(STATE, grade="5", group="001"))
    )
    hidden = PublicResult.objects.get(place="".join(SCHOOL))
    assert {hidden.scored, hidden.mean, hidden.met, hidden.level_1} == {"*"}
    state = PublicResult.objects.get(place="0" * 14)
    assert (state.test, state.school_year, state.grade, state.student_group) == ("SBELA", 2025, "5", "1")
    assert (state.level_1, state.level_4, state.met, state.mean) == ("20.00", "25.00", "55.00", "2510.4")


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"grade": "15"}, "RES-CODE", "Grade"),
        ({"mean": "twelve"}, "RES-NUMBER", "Mean scale score"),
        ({"met": "101"}, "RES-NUMBER", "Met or above, percent"),
        ({"year": "25"}, "RES-CODE", "Test year"),
    ],
)
def test_pr1_pr5_what_cannot_be_is_refused_and_named(wrong: dict[str, Any], code: str, field: str) -> None:
    make_district()
    test = run_file("research-results", new(result(STATE, **wrong), result(COUNTY)))
    issue = test.issue(code)
    assert (issue["line"], issue["severity"]) == (2, "error")
    assert issue["message"].startswith(field)
    assert test.run.planned_count == 1


def test_pr2_one_place_twice_in_a_file() -> None:
    make_district()
    same = run_file("research-results", new(result(STATE), result(STATE), result(COUNTY)))
    assert (same.codes(), same.run.planned_count) == (["DUP-SAME"], 2)
    other = run_file("research-results", new(result(STATE), result(STATE, scored="401"), result(COUNTY)))
    assert (other.codes(), other.run.planned_count) == (["DUP-DIFFERS"] * 2, 1)


def test_pr4_a_test_that_nobody_compares_is_reported() -> None:
    make_district()
    assert run_file("research-results", new(result(STATE, test="99"), result(STATE))).codes() == ["RES-TEST"]


def test_pr6_names_of_an_earlier_year_stay_out() -> None:
    make_district()
    imported(entities(("12", "00000", "0000000", "Lake County", "", "")), "research-entities")
    older = imported(entities(("12", "00000", "0000000", "Old", "", ""), year="2023"), "research-entities")
    assert older.codes() == ["RES-OLDER"]
    assert PublicPlace.objects.get().name == "Lake County"


def test_a_file_of_schools_is_for_those_who_see_all_of_them() -> None:
    made = make_district()
    refused = run_file("research-results", new(result(STATE)), schools=[made.school.pk])
    assert refused.run.status == "rejected"
    assert "see only some of them" in refused.run.message


OLD = (
    "County Code^District Code^School Code^Filler^Test Year^Student Group ID^Test Type^Total Tested at Reporting Level"
    "^Total Tested with Scores at Reporting Level^Grade^Test ID^Students Enrolled^Students Tested^Mean Scale Score"
    "^Percentage Standard Exceeded^Percentage Standard Met^Percentage Standard Met and Above^Percentage Standard Nearly Met"
    "^Percentage Standard Not Met^Students with Scores^Type ID"
)
ELPAC = (
    "CountyCode^DistrictCode^DistrictName^SchoolCode^SchoolName^TypeID^TestYear^TestID^StudentGroupID^Grade^TotalStudentsEnrolled"
    "^TotalStudentsTested^TotalStudentsTestedWithScores^OverallMeanSclScr^OverallPerfLvl1Pcnt^OverallPerfLvl1Count"
    "^OverallPerfLvl2Pcnt^OverallPerfLvl2Count^OverallPerfLvl3Pcnt^OverallPerfLvl3Count^OverallPerfLvl4Pcnt^OverallPerfLvl4Count"
    "^OverallTotal"
)
QUOTED_TESTED, QUOTED_SCORED = '"Total Tested At Entity Level"', ',"Total Tested with Scores"'
QUOTED_ENROLLED = f'"Total CAASPP Enrollment",{QUOTED_TESTED}'
QUOTED = (
    f'"County Code","District Code","School Code","Filler","Test Year","Subgroup ID","Test Type",{QUOTED_TESTED}{QUOTED_SCORED}'
    ',"Grade","Test Id","CAASPP Reported Enrollment","Students Tested","Mean Scale Score","Percentage Standard Exceeded"'
    ',"Percentage Standard Met","Percentage Standard Met and Above","Percentage Standard Nearly Met"'
    ',"Percentage Standard Not Met","Students with Scores"'
)
# One column more, one less, whole percents, and no mean of all grades.
QUOTED_2015 = QUOTED.replace(QUOTED_SCORED, "").replace(QUOTED_TESTED, QUOTED_ENROLLED)
LINE_2019 = (
    '"00","00000","0000000","","2019","1","B","900","880","04","1","90","88","2463.0"'
    ',"22.99","26.69","49.68","21.99","28.33","85"'
)
LINE_2015 = '"00","00000","0000000","","2015","1","B","950","900","13","2","90","88","*","14","19","33","29","38","85"'
ALTERNATE = NEW
for number, name in ((4, "Exceeded"), (3, "Met"), (2, "Nearly Met"), (1, "Not Met")):
    for sort in ("Percentage", "Count"):
        ALTERNATE = ALTERNATE.replace(f"^{sort} Standard {name}^", f"^{sort} Level {number}^" if number < 4 else "^")
ALTERNATE = ALTERNATE.replace("^Percentage Standard Met and Above^Count Standard Met and Above", "")
FILES = {
    "research-caaspp": (new(result(STATE)), "SBELA", "25.00"),
    "research-caaspp-2023": (
        f"{OLD}\n00^00000^0000000^^2023^1^B^90^88^13^2^100^90^2520.1^24.50^30.50^55.00^25.00^20.00^88^04\n", "SBMATH", "24.50",
    ),
    "research-caaspp-2019": (f"{QUOTED}\n{LINE_2019}\n", "SBELA", "22.99"),
    "research-caaspp-2019 of 2015": (f"{QUOTED_2015}\n{LINE_2015}\n", "SBMATH", "14"),
    "research-elpac": (
        f"{ELPAC}\n00^00000^^0000000^^04^2024^21^1^13^900^880^870^1540.2^20.1^10^30.2^20^33.3^30^16.4^40^100\n", "ELPACS", "16.4",
    ),
    "research-caaspp alternate": (
        f"{ALTERNATE}\n00^00000^^0000000^^04^^2024^A^3^1^13^90^88^80^845.1^30.0^10^40.0^20^30.0^30^100\n", "CAAELA", "",
    ),
}  # fmt: skip


def unasked(content: str) -> str:
    """The import type that a file is taken for when nobody says which."""
    return recognise_type(io.BytesIO(content.encode())).key


@pytest.mark.parametrize("layout", FILES)
def test_each_layout_is_recognized_unasked_and_read(layout: str) -> None:
    make_district()
    content, test, level_4 = FILES[layout]
    assert unasked(content) == "research-results"
    done = imported(content)
    assert done.json["layout"] == layout.partition(" ")[0]
    row = PublicResult.objects.get()
    assert (row.test, row.level_4) == (test, level_4)
    if test == "CAAELA":
        assert (row.level_3, row.level_1, row.met) == ("30.0", "30.0", "")
    assert not [issue for issue in done.issues if issue["line"] > 0]


def test_entities_are_recognized_and_named_by_their_level() -> None:
    make_district()
    places = (
        ("12", "00000", "0000000", "Lake", "", ""), ("12", "34567", "0000000", "Lake", "Lincoln", ""),
        ("12", "34567", "0123456", "Lake", "Lincoln", "Cedar"),
    )  # fmt: skip
    assert unasked(entities(*places)) == "research-entities"
    older = "\r\n".join(
        f'"{line.replace("^", chr(34) + "," + chr(34))}"'
        for line in entities(*places).replace("2025", "2019").splitlines()
    )
    assert unasked(older) == "research-entities"
    assert imported(older, "research-entities").json["layout"] == "research-entities"
    imported(entities(*places), "research-entities")
    assert sorted(PublicPlace.objects.values_list("name", flat=True)) == ["Cedar", "Lake", "Lincoln"]


def test_the_zip_of_the_state_is_read_as_it_is_downloaded() -> None:
    """Results are taken, the names beside them are told to be left."""
    for order in (1, -1):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            members = {"sb_ca2025entities_csv.txt": entities(("12", "00000", "0000000", "Lake", "", ""))}
            members["sb_ca2025_all_csv_v1.txt"] = new(result(STATE))
            for name, text in list(members.items())[::order]:
                archive.writestr(name, text)
        # The page looks at what of the file has come so far: at the results, or else at nothing yet.
        seen = glimpse(made, whole=False, most=100, max_bytes=1 << 30)
        assert (seen.member if seen else "") == ("sb_ca2025_all_csv_v1.txt" if order < 0 else "")
        with unpacked(made) as inner:
            assert inner.stream.read().decode() == new(result(STATE))
            assert [(notice.code, notice.found) for notice in inner.notices] == [
                ("FILE-MEMBERS-LEFT", "sb_ca2025entities_csv.txt")
            ]


def test_a_revert_takes_back_what_a_newer_file_changed() -> None:
    make_district()
    imported(new(result(STATE, mean="2500.0")))
    newer = imported(new(result(STATE), result(COUNTY)))
    revert(newer.run)
    assert list(PublicResult.objects.values_list("place", "mean")) == [("0" * 14, "2500.0")]


def test_a_district_of_another_state_has_no_county_here() -> None:
    lea = LEA.objects.create(code="1234567", name="Elsewhere", state="UT")
    School.objects.create(lea=lea, code="0123456")
    assert run_file("research-results", new(result(STATE), result(COUNTY))).run.planned_count == 1


# ---- the page Compare ----


def compared(who: Any = None, **choice: Any) -> Beside:
    held = what_is_held()
    reader = reader_of(who or UserFactory(import_admin=True))
    return beside(build(Choice("SBELA", 2024, **choice), held, reader), held, reader)


def test_compare_shows_county_and_state_beside_the_district(client: Client) -> None:
    make(oak=15)
    imported(
        new(
            result(STATE, year="2024", grade="13"), result(STATE, year="2024", mean="2507.1"),
            result(STATE, year="2024", group="160"),
            result(COUNTY, year="2024", met="61.00"), result(DISTRICT, year="2024", mean="*", met="*", levels=("*",) * 4),
            result(STATE, year="2023", met="1.00"),
        )
    )  # fmt: skip
    imported(entities(("12", "00000", "0000000", "Lake", "", "")), "research-entities")
    found = compared(by="grade")
    assert found.places == ("State", "County: Lake", "District, as the state counts")
    total, grade_5 = found.rows
    assert [figure and figure.met for figure in total.figures] == [55, None, None]
    assert [figure and (figure.met, figure.mean, figure.hidden) for figure in grade_5.figures] == [
        (55, 2507.1, False), (61, 2510.4, False), (None, None, True),
    ]  # fmt: skip
    learners = compared(by="group")
    assert {one.row.label for one in learners.rows} == {"District"}, "of grade 5 only, and here are all grades"
    client.force_login(UserFactory(registrar=True, all_schools=True))
    page = client.get(reverse("results"), {"test": "SBELA", "year": "2024", "by": "grade"}).content.decode()
    assert "County: Lake" in page
    assert "Hidden by the state" in page
    sent = b"".join(client.get(reverse("results_csv"), {"test": "SBELA", "year": "2024", "by": "grade"})).decode()  # type: ignore[arg-type]
    assert "Grade 5,28.6,55.0,61.0,hidden by the state" in sent


def test_a_district_of_another_state_adds_no_column() -> None:
    make(oak=15)
    LEA.objects.create(code="07", name="Elsewhere", state="UT")
    imported(new(result(STATE, year="2024"), result(COUNTY, year="2024")))
    assert compared(by="grade").places == ("State", "County 12")


def test_a_school_user_sees_the_county_of_their_own_school() -> None:
    make(oak=15)
    LEA.objects.create(code="1999999", name="Another county")
    imported(new(result(STATE, year="2024"), result(COUNTY, year="2024"), result(OTHER_COUNTY, year="2024")))
    oak = School.objects.get(code=SCHOOL_CODE)
    assert compared(by="grade").places == ("State", "County 12", "County 19")
    assert compared(UserFactory(viewer=True, schools=[oak]), by="grade").places == ("State", "County 12")


def test_groups_and_a_school_are_compared_with_the_same_of_the_state() -> None:
    make(oak=15)
    imported(
        new(
            result(STATE, year="2024", grade="13", group="76", met="74.50"),
            result(STATE, year="2024", grade="13", group="3"),
        )
    )
    found = compared(by="group")
    assert {one.row.label: one.figures[0] and one.figures[0].met for one in found.rows} == {"Male": 55, "Asian": 74.5}
    oak = compared(by="grade", schools=(("1234567", SCHOOL_CODE),), groups=("e:200",))
    assert [one.row.label for one in oak.rows] == ["Oak School"]


def test_levels_add_up_where_the_state_publishes_no_percent_met() -> None:
    held = PublicResult(test="CAAELA", level_1="20", level_2="30", level_3="50.5", met="")
    levels = (LevelOf(1, "1", met=False), LevelOf(2, "2", met=False), LevelOf(3, "3", met=True))
    found = _figure(held, levels)
    assert found is not None
    assert found.met == 50.5


def test_nothing_there_says_which_file_brings_it(client: Client) -> None:
    make(oak=12, elm=0)
    assert "research file of 2023-24" in compared(by="grade").missing
    client.force_login(UserFactory(viewer=True, all_schools=True))
    assert "research file of 2023-24" in client.get(reverse("results")).content.decode()
    imported(new(result(STATE, year="2024")))
    assert compared(grades=("09",)).missing == "", "the file is on record; it holds nothing of this grade"


def test_every_group_of_results_is_known_to_the_state_or_left_out() -> None:
    assert set(GROUPS) <= set(NAMES)
    assert set(NAMES) - set(GROUPS) == {"g:X", "l:ADEL"}, "nonbinary students and adult learners have no number there"
