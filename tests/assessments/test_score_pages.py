"""Pages of scores: the lists of the upload screen, the student page, a run's distributions, conversion, admin."""

import io
import re
from typing import Any

import openpyxl
import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment
from assessments.pages.charts import Point, chart_of, fits
from assessments.pages.family_card import family_card
from assessments.pages.queries import distributions, student_tests
from sisimport.imports.definition.registry import get_type
from sisimport.imports.models import ImportRun
from students.models import Student
from tests.assessments.score_files import ALL, SSID_1, cells, ela, finish, start, text
from tests.factories import SchoolFactory, UserFactory
from tests.ssid.journey import District

pytestmark = pytest.mark.django_db
TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"
PARTS = {"composite_claim_1_level": "2", "composite_claim_2_level": "3"}


def page(browser: Client, name: str, *args: Any, **query: str) -> str:
    response = browser.get(reverse(name, args=args), query, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_upload_screen_lists_set_ups_new_and_not(home: District, browser: Client) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    shown = page(browser, "upload", "caaspp", type=TYPE)

    assert "Smarter Balanced for ELA" in shown
    assert "Import to newly created test setup" in shown
    assert "Do not import these assessments" in shown
    assert "CAASPP 2017-2018" in shown


def test_after_an_import_the_list_holds_the_new_set_up(home: District) -> None:
    before = next(option for option in get_type(TYPE).options if option.name == "SBELA")
    start(TYPE, text(LAYOUT, ela()), work="import")

    after = next(option for option in get_type(TYPE).options if option.name == "SBELA")

    assert [choice.value for choice in before.choices] == ["", "new", "skip"]
    assert [choice.value for choice in after.choices] == [
        "",
        str(Assessment.objects.get(state_code="SBELA").pk),
        "new",
        "skip",
    ]


def test_initial_elpac_offers_the_status_box_and_others_do_not() -> None:
    names = {key: {option.name for option in get_type(key).options} for key in (TYPE, "elpac-initial-2023-2024")}

    assert "ela_status" in names["elpac-initial-2023-2024"]
    assert "ela_status" not in names[TYPE]


# -- schools -----------------------------------------------------------------------------------------------------------


def send(browser: Client, *schools: str, data: bytes | None = None) -> Any:
    file = SimpleUploadedFile("scores.csv", text(LAYOUT, ela()) if data is None else data)
    posted = {"import_type": TYPE, "work": "test", "file": file, "option-schools": schools}
    return browser.post(reverse("upload", args=["caaspp"]), posted)


def boxes(shown: str) -> list[str]:
    return re.findall(r'type="checkbox" name="option-schools" value="(\d+)"', shown)


def test_schools_are_picked_from_those_the_user_may_see(home: District, client: Client) -> None:
    SchoolFactory(lea=home.lea, code="0000001", name="Oak High")
    client.force_login(UserFactory(registrar=True, schools=[home.school]))

    assert boxes(page(client, "upload", "caaspp", type=TYPE)) == [home.school.code]
    assert send(client, "0000001").status_code == 422
    assert not ImportRun.objects.exists()


def test_picked_schools_reach_the_run_as_codes_and_its_page_by_name(home: District, browser: Client) -> None:
    SchoolFactory(lea=home.lea, code="0000001", name="Oak High")

    send(browser, home.school.code, "0000001")
    run = finish(ImportRun.objects.get())

    assert run.options["schools"] == ",".join(sorted(["0000001", home.school.code]))
    assert re.search(r"<dt>Schools</dt><dd>[^<]*Oak High", page(browser, "run", run.pk))


def test_no_school_picked_is_all_schools(home: District, browser: Client) -> None:
    send(browser)

    assert ImportRun.objects.get().options["schools"] == ""
    assert "All schools" in page(browser, "upload", "caaspp", type=TYPE)


def test_picked_schools_stay_marked_when_the_file_is_refused(home: District, browser: Client) -> None:
    answer = send(browser, home.school.code, data=b"")

    assert answer.status_code == 422
    assert re.search(rf'value="{home.school.code}"[^>]*checked', answer.content.decode())


@pytest.mark.parametrize(("more", "filtered"), [(0, False), (8, True)])
def test_a_long_list_of_schools_can_be_filtered(home: District, browser: Client, more: int, filtered: bool) -> None:
    for number in range(more):
        SchoolFactory(lea=home.lea, code=f"00000{number:02}", name=f"School {number}")

    assert ("data-picker-filter" in page(browser, "upload", "caaspp", type=TYPE)) is filtered


def test_schools_in_another_order_are_the_same_choice(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), options={"schools": f"0000001, {home.school.code}"})

    done = start(TYPE, text(LAYOUT, ela()), work="import", options={"schools": f"{home.school.code},0000001"})

    assert done.test_run_id is not None


# -- student page, run page --------------------------------------------------------------------------------------------


def test_the_student_page_shows_scores_with_chart_and_parts(home: District, browser: Client) -> None:
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")

    shown = page(browser, "student", Student.objects.get().pk)

    assert 'role="img"' in shown
    assert "2502 in 2023-24" in shown
    assert "Reading and Listening" in shown
    assert "2 Near Standard" in shown


def test_scores_are_grouped_by_test_newest_year_first(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")
    start("caaspp-2024-2025", text("caaspp-2024-25", ela("caaspp-2024-25", scale_score="2550")), work="import")

    tests = student_tests(Student.objects.get())

    assert [test.name for test in tests] == ["Smarter Balanced for ELA"]
    assert [score.year for score in tests[0].scores] == ["2024-25", "2023-24"]
    assert [child.name for child in tests[0].scores[1].children] == ["Reading and Listening", "Writing and Research"]


def test_a_further_set_up_of_a_year_keeps_the_name_of_the_test(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import", SBELA="new")

    assert [test.name for test in student_tests(Student.objects.get())] == ["Smarter Balanced for ELA"]


@pytest.mark.parametrize(("limit", "tone"), [("", "ok"), ("2502", "ok"), ("2503", "warn")])
def test_a_passing_score_of_the_set_up_goes_before_its_passing_results(home: District, limit: str, tone: str) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")
    Assessment.objects.update(passing_score=limit)

    assert student_tests(Student.objects.get())[0].scores[0].tone == tone


def test_the_chart_puts_a_score_into_the_band_of_its_level() -> None:
    chart = chart_of("ELA", "SBELA", [Point("2023-24", 2024, "05", 2502)], {"3": "Standard Met"})

    assert chart is not None
    band = next(b for b in chart.bands if b.level == 3)
    assert band.y <= chart.marks[0].y <= band.y + band.height
    assert "3 Met" in {name.text for name in chart.names}


def test_a_test_without_scale_scores_has_no_chart() -> None:
    assert chart_of("ELA", "SBELA", [], {}) is None


def test_a_run_tells_how_levels_spread_over_grades(home: District, browser: Client) -> None:
    home.add("101", ssid="9087654321", first_name="Kim")
    rows = [ela(), ela(ssid="9087654321", first_name="Kim", scale_score="2450", achievement_level="2", uin="2")]
    run = start(TYPE, text(LAYOUT, *rows), work="import")

    spread = distributions(run.facts)[0]
    shown = page(browser, "run", run.pk)

    assert (spread.name, spread.rows[0].grade) == ("Smarter Balanced for ELA 2021-2024", "05")
    assert spread.rows[0].total == 2
    assert [(level.sign, level.name) for level in spread.levels] == [
        ("2", "Standard Nearly Met"),
        ("3", "Standard Met"),
    ]
    assert [(share.level, share.count) for share in spread.rows[0].shares] == [(2, 1), (3, 1)]
    assert "levels by grade" in shown


def test_changes_of_a_run_name_tests_and_fields(home: District, browser: Client) -> None:
    run = start(TYPE, text(LAYOUT, ela()), work="test")

    shown = page(browser, "run_changes", run.pk)

    assert "SBELA: scale score" in shown
    assert "scale_score" not in shown
    assert "2502" in shown


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([column.name for column in ALL[LAYOUT].columns])
    sheet.append(cells(ALL[LAYOUT], **ela()))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_refused_workbook_can_be_converted_and_tested(home: District, browser: Client) -> None:
    posted = {"import_type": TYPE, "work": "test", "file": SimpleUploadedFile("scores.xlsx", workbook())}
    browser.post(reverse("upload", args=["caaspp"]), posted)
    run = ImportRun.objects.get()
    finish(run)

    offered = page(browser, "run", run.pk)
    browser.post(reverse("convert_workbook", args=[run.pk]))
    conversion = finish(run.conversions.get())
    shown = page(browser, "run", conversion.pk)
    browser.post(reverse("start_converted", args=[conversion.pk]))
    tested = finish(ImportRun.objects.exclude(pk__in=[run.pk, conversion.pk]).get())

    assert "Convert and view" in offered
    assert "Cells at risk" in shown
    assert (tested.status, tested.planned_count) == ("completed", 1)


def test_a_chosen_workbook_is_told_how_it_continues(home: District, browser: Client) -> None:
    data = workbook()
    sent = {"part": SimpleUploadedFile("part", data), "name": "a.xlsx", "size": len(data), "import_type": TYPE}

    shown = browser.post(reverse("recognise", args=["caaspp"]), sent).content.decode()

    assert "Excel files cannot be imported" in shown
    assert "the next page offers to convert the workbook" in shown


def test_only_a_conversion_is_tested_as_one(home: District, browser: Client) -> None:
    run = start(TYPE, workbook(), name="scores.xlsx")

    response = browser.post(reverse("start_converted", args=[run.pk]))

    assert response.status_code == 404


def test_the_admin_edits_a_set_up_but_not_its_code(home: District, client: Client) -> None:
    client.force_login(get_user_model().objects.create_superuser("ada", "ada@example.org", "invented-1-password"))
    start(TYPE, text(LAYOUT, ela(**PARTS)), work="import")
    parent = Assessment.objects.get(state_code="SBELA")

    shown = page(client, "admin:assessments_assessment_change", parent.pk)

    assert "Display Options" in shown
    assert 'name="state_code"' not in shown
    assert 'name="name"' in shown


# -- scores that cannot be ---------------------------------------------------------------------------------------------


def test_a_score_outside_its_range_is_drawn_outside_and_stretches_no_band() -> None:
    sound = chart_of("ELA", "SBELA", [Point("2023-24", 2024, "05", 2502)], {})
    odd = chart_of("ELA", "SBELA", [Point("2023-24", 2024, "05", 321)], {})
    assert sound is not None
    assert odd is not None
    assert odd.bands == sound.bands
    assert (sound.marks[0].outside, odd.marks[0].outside) == (False, True)
    lowest = max(band.y + band.height for band in odd.bands)
    assert odd.marks[0].y > lowest
    assert "321 in 2023-24, which is outside" in odd.title


def test_a_grade_that_does_not_take_the_test_has_no_fitting_score() -> None:
    assert fits("CAST", 2022, "05", 190)
    assert not fits("CAST", 2022, "04", 190)
    assert fits("CAST", 2022, "UE", 190)
    assert fits("not known", 2022, "04", 190)


@pytest.mark.parametrize(
    ("facts", "level", "marked"),
    [({}, "Standard Met", False), ({"scale_score": "321"}, "", True), ({"grade_assessed": "09"}, "", True)],
    ids=["sound", "out of range", "grade without the test"],
)
def test_families_see_no_level_for_a_score_that_cannot_be_and_staff_see_why(
    home: District, browser: Client, facts: dict[str, str], level: str, marked: bool
) -> None:
    start(TYPE, text(LAYOUT, ela(**facts)), work="import")
    Assessment.objects.update(shown_to_families=True)
    student = Student.objects.get(ssids__ssid=SSID_1)

    card = family_card(None, student)  # type: ignore[arg-type]

    assert card is not None
    row = card["assessments"][0].rows[0]
    assert (row.result, row.doubtful, row.span is None) == (level, marked, marked)
    assert (card["assessments"][0].chart is None) == marked
    assert ("Outside this test and grade" in page(browser, "student", student.pk)) == marked


def test_a_score_says_the_file_run_and_line_it_came_from(home: District, browser: Client, client: Client) -> None:
    run = start(TYPE, text(LAYOUT, ela()), work="import")
    student = Student.objects.get(local_number="100")

    shown = page(browser, "student", student.pk)
    line = f'<a href="{reverse("run_changes", args=[run.pk])}?line=2">line 2</a>'
    assert f'{run.file.name}, <a href="{reverse("run", args=[run.pk])}">run {run.pk}</a>, {line}' in shown

    ImportRun.objects.update(created_by=None, schools=[])
    client.force_login(UserFactory(viewer=True, schools=[student.school]))
    shown = page(client, "student", student.pk)
    assert run.file.name not in shown
    assert f"run {run.pk}, line 2" in shown


@pytest.mark.parametrize(("role", "linked"), [({"import_admin": True}, True), ({"registrar": True}, False)])
def test_a_file_of_another_year_leads_import_admins_to_add_it(
    home: District, client: Client, role: dict[str, bool], linked: bool
) -> None:
    run = start(TYPE, text(LAYOUT, ela(final_test_completed_date="2026-04-20")))
    client.force_login(UserFactory(all_schools=True, **role))

    shown = page(client, "run", run.pk)

    assert (run.status, run.summary["issues"][0]["code"]) == ("rejected", "EXC-FILE-YEAR")
    next_steps = shown.partition("<h2>Next</h2>")[2].partition("</ol>")[0]
    assert (f'href="{reverse("added_layouts")}"' in next_steps) is linked
