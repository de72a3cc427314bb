"""The Results page: numbers of a choice, what is hidden from whom, and the same in files."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from assessments.models import Assessment, Score
from assessments.results import cuts
from assessments.results.asking import reader_of, what_is_held
from assessments.results.counts import Moves
from assessments.results.missing import missing_groups
from assessments.results.shapes import Choice
from assessments.results.tables import build
from assessments.scores.result_counts import recount_all
from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, VIEWER
from students.models import DistrictSettings, School, StaffAccess, Student
from tests.assessments.score_files import ela, start, text
from tests.ssid.journey import SCHOOL_CODE, district

pytestmark = pytest.mark.django_db

TYPES = {"caaspp-2022-23": "caaspp-2021-2023", "caaspp-2023-24": "caaspp-2023-2024"}
OTHER = "0000002"


def make(*, oak: int = 14, elm: int = 20, year: str = "caaspp-2023-24", **facts: str) -> None:
    """Scores of ELA in grade 5: of Oak a third at each of levels 1, 3 and 4, of Elm all at level 2."""
    home = district() if not School.objects.exists() else None
    if home is not None:
        School.objects.create(lea=home.lea, code=OTHER, name="Elm School")
        for number in range(oak + elm):
            school = home.school if number < oak else School.objects.get(code=OTHER)
            home.add(f"{100 + number}", ssid=f"90123{number:05}", school=school)
    lines = []
    for number in range(oak + elm):
        at, level = (SCHOOL_CODE, "134"[number % 3]) if number < oak else (OTHER, "2")
        scale = {"1": "2430", "2": "2450", "3": "2510", "4": "2600"}[level]
        lines.append(
            ela(year, ssid=f"90123{number:05}", uin="", achievement_level=level, scale_score=scale, gender="FM"[number % 2],
                district_code="12345670000000", school_code=f"1234567{at}", ethnicity="500" if number % 5 else "200",
                **facts)
        )  # fmt: skip
    run = start(TYPES[year], text(year, *lines), work="import")
    assert run.import_count == oak + elm, run.message


def user(django_user_model: Any, role: str = IMPORT_ADMIN, *schools: School) -> Any:
    made = django_user_model.objects.create_user(f"u{django_user_model.objects.count()}", password="x")
    made.groups.add(Group.objects.get(name=role))
    access = StaffAccess.objects.create(user=made, all_schools=not schools)
    access.schools.set(schools)
    return made


def table(who: Any, *, shared: bool = False, **choice: Any) -> dict[str, Any]:
    """Label of each row -> (tested, met, distance), None where it is hidden."""
    found = build(Choice("SBELA", choice.pop("year", 2024), **choice), what_is_held(), reader_of(who, shared=shared))
    return {row.label: None if row.sums is None else (row.sums.tested, row.met, row.distance) for row in found.all_rows}


def test_results_by_school_are_those_of_the_scores(django_user_model: Any) -> None:
    make(oak=15)
    found = table(user(django_user_model), by="school")
    assert found["Oak School"] == (15, pytest.approx(200 / 3), pytest.approx((2430 + 2510 + 2600) / 3 - 2502))
    assert found["Elm School"] == (20, 0, 2450 - 2502)
    assert found["District"][:2] == (35, pytest.approx(1000 / 35))


def test_small_groups_are_shown_to_who_sees_every_student_and_hidden_in_what_is_shared(django_user_model: Any) -> None:
    make(oak=14, elm=20)
    admin = user(django_user_model)
    assert table(admin, by="group")["Asian"][0] == 7
    shared = table(admin, by="group", shared=True)
    assert shared["Asian"] is None
    assert shared["Hispanic or Latino"] is None, "34 less 27 would tell the seven"
    assert shared["District"][0] == 34
    assert shared["Female"][0] == 17


def test_a_school_user_sees_their_own_school_and_the_district_only_where_it_allows(django_user_model: Any) -> None:
    make(oak=14, elm=20)
    oak = School.objects.get(code=SCHOOL_CODE)
    principal = user(django_user_model, VIEWER, oak)
    assert set(table(principal, by="school")) == {"Oak School", "Your schools"}
    DistrictSettings.objects.create(lea=oak.lea, shows_district_results=True)
    seen = table(principal, by="school")
    assert set(seen) == {"Oak School", "District"}
    assert seen["District"][0] == 34
    with pytest.raises(KeyError):
        table(principal, by="grade", schools=(("1234567", OTHER),))


def test_a_district_total_that_would_tell_a_small_school_is_hidden(django_user_model: Any) -> None:
    make(oak=14, elm=4)
    oak = School.objects.get(code=SCHOOL_CODE)
    DistrictSettings.objects.create(lea=oak.lea, shows_district_results=True)
    assert None in table(user(django_user_model, VIEWER, oak), by="school").values()


def test_change_against_last_year_and_the_same_students(django_user_model: Any) -> None:
    make(oak=15, year="caaspp-2022-23")
    make(oak=15)
    Student.objects.filter(local_number="100").update(grade="06")
    admin = user(django_user_model)
    found = build(Choice("SBELA", 2024, by="school"), what_is_held(), reader_of(admin))
    assert {row.label: row.met_change for row in found.rows} == {"Oak School": 0, "Elm School": 0}
    same = build(Choice("SBELA", 2024, by="school", same=True), what_is_held(), reader_of(admin))
    moved = {row.label: row.moves for row in same.all_rows}
    assert moved == {
        "District": Moves(kept=5, same=30),
        "Oak School": Moves(kept=5, same=10),
        "Elm School": Moves(same=20),
    }
    assert moved["Oak School"] is not None
    assert moved["Oak School"].progress == pytest.approx(100 / 3)
    years = build(Choice("SBELA", 2024, by="year"), what_is_held(), reader_of(admin))
    assert [row.label for row in years.rows] == ["2022-23", "2023-24"]


def test_students_enrolled_elsewhere_are_reported_and_not_counted(django_user_model: Any) -> None:
    make(oak=14, elm=20)
    start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", ela(ssid="9012300000", uin="", district_code="76543210000000",
          school_code="76543210000009")), work="import")  # fmt: skip
    found = build(Choice("SBELA", 2024, by="school"), what_is_held(), reader_of(user(django_user_model)))
    assert found.elsewhere == 1
    assert found.total is not None
    assert found.total.sums is not None
    assert found.total.sums.tested == 33


def test_files_by_tested_and_by_enrolled_district_are_distinguished_and_never_added_up(django_user_model: Any) -> None:
    """Each line says both districts: of two files that hold the same student, one score counts, at the district of enrollment."""
    make(oak=14, elm=20)
    ours = {"district_code": "12345670000000", "school_code": f"1234567{SCHOOL_CODE}"}
    theirs = {"district_code": "76543210000000", "school_code": "76543210000009"}
    here, there = {"tested_school_code": ours["school_code"]}, {"tested_school_code": theirs["school_code"]}
    by_enrolled = text(
        "caaspp-2023-24", *(ela(ssid=f"901230000{n}", uin="", **ours, **where) for n, where in enumerate((here, there)))
    )
    by_tested = text(
        "caaspp-2023-24", *(ela(ssid=f"901230000{n}", uin="", **of, **here) for n, of in ((0, ours), (2, theirs)))
    )
    admin = user(django_user_model)
    for file, tested, elsewhere in ((by_enrolled, 34, 0), (by_tested, 33, 1), (by_enrolled, 33, 1)):
        start(TYPES["caaspp-2023-24"], file, work="import")
        found = build(Choice("SBELA", 2024, by="school"), what_is_held(), reader_of(admin))
        assert found.total is not None
        assert found.total.sums is not None
        assert (found.total.sums.tested, found.elsewhere) == (tested, elsewhere)


def test_the_page_its_files_and_paper_show_the_choice_of_the_address(client: Client, django_user_model: Any) -> None:
    make(oak=14, elm=20)
    client.force_login(user(django_user_model, REGISTRAR))
    address = f"{reverse('results')}?test=SBELA&year=2024&by=group"
    page = client.get(address)
    assert page.status_code == 200
    assert "Asian" in page.content.decode()
    paper = client.get(f"{address}&print=1").content.decode()
    assert "Hidden: few students" in paper
    sent = b"".join(client.get(f"{reverse('results_csv')}?test=SBELA&year=2024&by=group")).decode("utf-8-sig")  # type: ignore[arg-type]
    assert sent.splitlines()[0].startswith("Student group,Tested,With a score,Standard Not Met: students")
    assert "Asian,hidden: fewer than 11 students" in sent
    assert "District,34,34" in sent
    book = client.get(f"{reverse('results_xlsx')}?test=SBELA&year=2024&by=school")
    rows = list(load_workbook(io.BytesIO(b"".join(book))).active.values)  # type: ignore[arg-type, union-attr]
    assert rows[1][:3] == ("District", 34, 34)


def test_nothing_there_says_what_is_missing_and_which_file_brings_it(client: Client, django_user_model: Any) -> None:
    client.force_login(user(django_user_model))
    assert "Import a CAASPP or ELPAC file" in client.get(reverse("results")).content.decode()
    make(oak=12, elm=0)
    told = client.get(f"{reverse('results')}?test=ELPACS").content.decode()
    assert (
        "No scores of ELPAC Overall are on record. Import the Summative ELPAC student data file of that year." in told
    )
    assert (
        client.get(f"{reverse('results')}?test=SBELA&year=x&by=nobody&school=1-2&group=z&grade=99").status_code == 200
    )


def test_an_empty_choice_says_what_is_missing_and_which_file_brings_it(client: Client, django_user_model: Any) -> None:
    make(oak=12, elm=0)
    client.force_login(user(django_user_model))

    def told(**asked: Any) -> str:
        return str(client.get(reverse("results"), {"test": "SBELA", "year": "2024", **asked}).context["found"].nothing)

    brings = "Import the CAASPP student data file of that year."
    assert told() == ""
    no_results = "No results of Smarter Balanced for ELA, 2023-24, are on record for"
    assert told(grade=["06", "07"]) == f"{no_results} grade 6 and grade 7. {brings}"
    assert told(group="m:Y", by="school") == f"{no_results} Migrant. {brings}"
    assert told(school=f"1234567-{OTHER}") == f"{no_results} Elm School. {brings}"
    given = "grade 3, grade 4, grade 5, grade 6, grade 7, grade 8 and grade 11"
    assert told(grade="09") == f"{no_results} grade 9. The test is given in {given}."
    assert told(same="1") == f"No scores of Smarter Balanced for ELA of 2022-23 are on record. {brings}"
    assert (
        f'<p class="empty">{no_results} grade 6. {brings}</p>'
        in client.get(f"{reverse('results')}?test=SBELA&year=2024&grade=06").content.decode()
    )


def test_nobody_in_both_years_is_reported(client: Client, django_user_model: Any) -> None:
    make(oak=12, elm=0)
    start(TYPES["caaspp-2022-23"], text("caaspp-2022-23", ela("caaspp-2022-23", ssid="9012300000", uin="",
          achievement_level="", scale_score="2502")), work="import")  # fmt: skip
    client.force_login(user(django_user_model))
    found = client.get(f"{reverse('results')}?test=SBELA&year=2024&same=1").context["found"]
    assert found.nothing == "No student on record has a level in both 2022-23 and 2023-24 here."


def test_student_groups_that_no_file_of_a_year_names_are_reported(client: Client, django_user_model: Any) -> None:
    assert missing_groups("SBELA", 2018) == ["h", "f", "a"]
    assert missing_groups("SBELA", 2019) == missing_groups("SBELA", 2031) == []
    make(oak=12, elm=0)
    Score.objects.update(school_year=2018)
    recount_all()
    client.force_login(user(django_user_model))
    found = client.get(f"{reverse('results')}?test=SBELA&year=2018&by=group").context["found"]
    note = "The CAASPP files of 2017-18 have no column for homeless, foster and military family: no students are counted there."
    assert note in found.notes
    assert note not in client.get(f"{reverse('results')}?test=SBELA&year=2018").context["found"].notes
    asked = client.get(f"{reverse('results')}?test=SBELA&year=2018&group=h:Y&by=school").context["found"]
    assert "The CAASPP files of 2017-18 have no column for homeless: no students are counted there." in asked.notes
    assert asked.nothing.endswith("are on record for Homeless.")


def test_what_an_address_asks_for_and_is_not_there_is_left_out_and_reported(
    client: Client, django_user_model: Any
) -> None:
    make(oak=12, elm=0)
    oak = School.objects.get(code=SCHOOL_CODE)
    client.force_login(user(django_user_model, REGISTRAR, oak))
    asked = {
        "test": "SBELA",
        "year": "2023-2024",
        "school": f"1234567-{OTHER}",
        "grade": ["5", "99"],
        "group": "é",
        "by": "x",
    }
    note = (
        f"Left out because there is nothing here that you may see: school year 2023-2024, arrangement x,"
        f" school 1234567-{OTHER}, grade 99, student group."
    )
    page = client.get(reverse("results"), asked)
    assert page.context["found"].notes[0] == note
    assert page.context["found"].choice.grades == ("05",)
    assert note in b"".join(client.get(reverse("results_csv"), asked)).decode("utf-8-sig").replace('"', "")  # type: ignore[arg-type]


def test_the_file_holds_every_change_and_who_is_not_counted(client: Client, django_user_model: Any) -> None:
    make(oak=15, year="caaspp-2022-23")
    make(oak=15)
    start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", ela(ssid="9012300000", uin="", district_code="76543210000000",
          school_code="76543210000009")), work="import")  # fmt: skip
    client.force_login(user(django_user_model))
    sent = b"".join(client.get(f"{reverse('results_csv')}?test=SBELA&year=2024&by=school")).decode("utf-8-sig")  # type: ignore[arg-type]
    head, total, *rest = list(csv.reader(io.StringIO(sent)))
    found = client.get(f"{reverse('results')}?test=SBELA&year=2024&by=school").context["found"]
    assert float(total[head.index("Distance from standard, change")]) == round(found.total.distance_change, 1) != 0
    elsewhere = "1 student in these files was tested here and enrolled in another district, and is not counted."
    assert [elsewhere] in rest
    assert elsewhere in client.get(f"{reverse('results')}?test=SBELA&year=2024&by=school").content.decode()


def test_other_levels_and_another_set_up_of_one_year_are_reported(django_user_model: Any) -> None:
    make(oak=12, elm=0)
    start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", ela(ssid="9012300000", uin="")), work="import", SBELA="new")
    found = build(Choice("SBELA", 2024), what_is_held(), reader_of(user(django_user_model)))
    assert any("Scores of 2023-24 are in several set-ups" in note for note in found.notes)
    assert found.total is not None
    assert found.total.sums is not None
    assert found.total.sums.tested == 12


def test_levels_named_otherwise_in_another_year_are_reported(django_user_model: Any) -> None:
    make(oak=12, elm=0, year="caaspp-2022-23")
    lines = [ela(ssid=f"90123{n:05}", uin="") for n in range(12)]
    start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", *lines), work="import", SBELA="new")
    newest = Assessment.objects.filter(state_code="SBELA").order_by("-pk")[0]
    newest.results = [{"code": "3", "name": "High", "passing": True}, {"code": "1", "name": "Low", "passing": False}]
    newest.save()
    found = build(Choice("SBELA", 2024), what_is_held(), reader_of(user(django_user_model)))
    assert [level.name for level in found.levels] == ["Low", "High"]
    assert any(
        note.startswith("Levels have had other names since 2023-24: Low, High (before: ") for note in found.notes
    )


def test_a_standard_that_moved_is_reported(django_user_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make(oak=12, elm=0, year="caaspp-2022-23")
    make(oak=12, elm=0)
    monkeypatch.setattr(cuts, "standards", lambda _code, year: {"05": 2502 if year < 2024 else 2510})
    found = build(Choice("SBELA", 2024), what_is_held(), reader_of(user(django_user_model)))
    assert "The score that meets the standard changed in 2023-24: grade 5 2502 to 2510." in found.notes


def test_each_row_has_a_line_over_three_years_and_the_numbers_of_it(client: Client, django_user_model: Any) -> None:
    make(oak=15, year="caaspp-2022-23")
    make(oak=15)
    client.force_login(user(django_user_model, REGISTRAR))
    html = client.get(f"{reverse('results')}?test=SBELA&year=2024&by=school").content.decode()
    assert '<svg class="trend" role="img" aria-label="Met or above: 67% in 2022-23, 67% in 2023-24"' in html
    assert "Met or above 2022-23" in html
    assert 'class="trend"' not in client.get(f"{reverse('results')}?test=SBELA&year=2023&by=school").content.decode()
    lines = b"".join(client.get(f"{reverse('results_csv')}?test=SBELA&year=2024&by=school")).decode("utf-8-sig")
    head, *rest = lines.splitlines()
    at = head.split(",").index('"Met or above')  # the head has a comma
    assert '"Met or above, percent, 2022-23"' in head
    assert head.split(",")[at + 3] == '"Met or above'
    assert [line.split(",")[0] for line in rest[:3]] == ["District", "Elm School", "Oak School"]


def test_the_rows_sort_by_each_figure_on_the_page_and_in_its_file(client: Client, django_user_model: Any) -> None:
    make(oak=15)
    client.force_login(user(django_user_model))

    def labels(**asked: str) -> list[str]:
        page = client.get(reverse("results"), {"by": "school", **asked})
        return [one.row.label for one in page.context["shown"]]

    assert labels() == labels(sort="nothing") == ["Elm School", "Oak School"]
    assert labels(sort="-met") == labels(sort="-distance") == labels(sort="count") == ["Oak School", "Elm School"]
    page = client.get(reverse("results"), {"by": "school", "sort": "-met"})
    heads = {head.column.name: head for head in page.context["result_heads"]}
    assert (heads["met"].sorts, heads["met"].url.rpartition("=")[2]) == ("descending", "met")
    assert "sort" not in heads[""].url
    assert heads["levels"].url == ""
    text = page.content.decode()
    assert 'aria-sort="descending"' in text
    file = b"".join(client.get(f"{reverse('results_csv')}?{page.context['query']}")).decode()  # type: ignore[arg-type]
    assert file.index("Oak School") < file.index("Elm School")


def test_a_hidden_row_comes_last_whichever_way_it_is_sorted(client: Client, django_user_model: Any) -> None:
    """Its place says nothing about its figure."""
    make(oak=5)
    client.force_login(user(django_user_model))
    for sort in ("met", "-met", "count", "-count"):
        page = client.get(reverse("results"), {"by": "school", "print": "1", "sort": sort})
        hidden = [one.row.hidden for one in page.context["shown"]]
        assert True in hidden
        assert hidden == sorted(hidden)
