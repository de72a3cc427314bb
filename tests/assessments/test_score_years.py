"""The days on which a score can have been made: testing windows that ran beyond 30 June, birth, today, and which date counts."""

import datetime as dt

import pytest
from django.utils import timezone

from assessments.models import Score
from assessments.structure import family_of, import_types, last_test_day, school_year
from tests.assessments.score_files import ALL, SSID_1, counts, dated, ela, report, text
from tests.longer import first_and_last_years, one_in
from tests.ssid.journey import District, codes, district

pytestmark = pytest.mark.django_db

TYPES = {layout: facts.key for facts in import_types(ALL) for layout in facts.layouts}
LATE = {
    "caaspp-2017-18": "2018-07-16",
    "caaspp-2020-21": "2021-07-30",
    "caaspp-2022-23": "2023-07-17",
    "elpac-summative-2019-20": "2020-10-30",
    "elpac-summative-2020-21": "2021-07-30",
}


@pytest.fixture
def home() -> District:
    made = district()
    made.add("100", ssid=SSID_1)
    return made


def _about_dates(done: dict[str, object], line: int) -> list[tuple[str, str]]:
    issues = done["issues"]
    assert isinstance(issues, list)
    known = {"EXC-LATE", "EXC-YEAR", "EXC-FUTURE", "EXC-BEFORE-BIRTH", "EXC-DATE"}
    return [(i["code"], i["severity"]) for i in issues if i["line"] == line and i["code"] in known]


@pytest.mark.parametrize(("layout", "last"), one_in(2, list(LATE.items())))
def test_ca_e_15_a_test_in_a_window_that_ran_beyond_june_is_of_that_year(
    home: District, layout: str, last: str
) -> None:
    year, after = school_year(layout), dt.date.fromisoformat(last) + dt.timedelta(days=1)

    done = report(TYPES[layout], dated(layout, f"{year}-06-30", f"{year}-07-01", last, f"{after}"))

    told = [_about_dates(done, line) for line in (2, 3, 4, 5)]
    late, outside = [("EXC-LATE", "warning")], [("EXC-YEAR", "error")]
    assert (done["status"], told) == ("completed", [[], late, late, outside])


@pytest.mark.parametrize("layout", first_and_last_years(key for key in TYPES if family_of(key) == "elpac-initial"))
def test_an_initial_elpac_is_of_july_to_june_and_nothing_else(home: District, layout: str) -> None:
    year = school_year(layout)
    first, last = f"{year - 1}-07-01", f"{year}-06-30"

    done = report(TYPES[layout], dated(layout, first, last, f"{year}-07-01", f"{year - 1}-06-30"))

    outside = [("EXC-YEAR", "error")]
    assert [_about_dates(done, line) for line in (2, 3, 4, 5)] == [[], [], outside, outside]


def test_the_summative_elpac_of_the_fall_of_2020_is_not_refused_as_a_file(home: District) -> None:
    done = report("elpac-summative-2020", dated("elpac-summative-2019-20", "2020-09-15", "2020-10-01"))

    assert (done["status"], _about_dates(done, 2)) == ("completed", [("EXC-LATE", "warning")])


def test_scores_of_an_initial_elpac_may_be_closed_thirty_days_after_june(home: District) -> None:
    def row(day: str, **tested: str) -> dict[str, str]:
        held = {name: v for name, v in ela("elpac-initial-2018-19").items() if "date" not in name or "birth" in name}
        level = {"achievement_level": "Novice English Learner", "scale_score": "300"}
        return {**held, **level, "record_type": "IA", "lst_lock_score_date": day, **tested}

    tested = {"test_completed_date": "06/12/2019"}
    rows = [row("2019-07-30"), row("2019-07-31"), row("2019-09-01", **tested)]
    others = [row("2019-05-01")] * 4

    done = report("elpac-initial-2018-2019", text("elpac-initial-2018-19", *rows, *others))

    told = [_about_dates(done, line) for line in (2, 3, 4)]
    assert told == [[("EXC-LATE", "warning")], [("EXC-YEAR", "error")], []]


@pytest.mark.parametrize("layout", first_and_last_years(TYPES))
def test_a_day_to_come_and_one_before_birth_are_errors_in_every_type(home: District, layout: str) -> None:
    home.add("101", ssid="9000000113")  # of the last line; files of these records name no birth date
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    year = school_year(layout)

    done = report(TYPES[layout], dated(layout, f"{year}-04-15", f"{year}-04-16", f"{tomorrow}", "2011-03-03"))

    wrong = [[("EXC-FUTURE", "error")], [("EXC-BEFORE-BIRTH", "error")]]
    assert [_about_dates(done, line) for line in (2, 4, 5)] == [[], *wrong]


def test_the_column_whose_date_is_wrong_is_the_one_that_is_named(home: District) -> None:
    record = ela("caaspp-2018-19", test_completed_date_1="2019-04-10", test_completed_date_2="2062-04-12")
    del record["final_test_completed_date"]

    done = report("caaspp-2018-2019", text("caaspp-2018-19", record))

    assert [(i["code"], i["field"]) for i in done["issues"]] == [("EXC-FUTURE", "test_completed_date_2")]


def test_equal_dates_of_two_parts_are_one_error(home: District) -> None:
    record = ela("caaspp-2018-19", test_completed_date_1="2062-04-12", test_completed_date_2="2062-04-12")
    del record["final_test_completed_date"]

    done = report("caaspp-2018-2019", text("caaspp-2018-19", record))

    assert [(i["code"], i["field"]) for i in done["issues"]] == [("EXC-FUTURE", "test_completed_date_1")]


def test_an_earlier_science_score_of_a_late_window_is_of_the_year_of_the_window(home: District) -> None:
    """Flagged as not of this year, and taken in July 2021 in the window of 2020-21."""
    science = ela(
        "caaspp-2021-22",
        record_type="06",
        grade_assessed="12",
        current_year_flag="N",
        final_test_completed_date="2021-07-20",
        scale_score="400",
    )
    ordinary = ela("caaspp-2021-22", uin="2")

    done = report("caaspp-2021-2023", text("caaspp-2021-22", science, ordinary), work="import")

    assert counts(done) == {"import": 2}
    years = dict(Score.objects.filter(assessment__parent=None).values_list("assessment__state_code", "school_year"))
    assert (years["CAST"], years["SBELA"]) == (2021, 2022)


def test_windows_end_with_june_unless_the_state_published_another_day() -> None:
    late = {key for key in ALL if family_of(key) and last_test_day(key, school_year(key)).month != 6}

    assert {key for key in late if "preliminary" not in key} == {
        "elpac-summative-2019-20", "elpac-summative-2020-21", *(f"caaspp-{y}-{y - 1999}" for y in range(2015, 2023)),
    }  # fmt: skip


# -- lines without a test date -----------------------------------------------------------------------------------------


def _without_test_date(layout: str, *records: dict[str, str]) -> bytes:
    """Scored lines of which only other dates are filled in, by the names of their columns."""
    known = ALL[layout]
    at = {column.name: column.position - 1 for column in known.columns}
    day = f"{school_year(layout)}-04-15"
    header, *lines = dated(layout, *[day] * len(records)).decode().splitlines()
    told = []
    for line, record in zip(lines, records, strict=True):
        cells = [cell if cell != day else "" for cell in line.split(known.delimiter)]
        for name, value in record.items():
            cells[at[name]] = value
        told.append(known.delimiter.join(cells))
    return "\r\n".join([header, *told, ""]).encode()


@pytest.mark.parametrize(
    ("layout", "column", "inside", "outside"),
    one_in(
        2,
        [
            ("caaspp-2023-24", "TestStartDate1", "2024-04-15", "2025-04-15"),
            ("caaspp-2018-19", "Test Start Date 2", "2019-04-15", "2018-04-15"),
            ("caaspp-2023-24", "SchoolEndDateTestWindow1", "2024-05-30", "2025-05-30"),
            ("caaspp-2024-25", "ScoreAvailableDate", "2025-12-10", "2026-06-10"),
            ("elpac-summative-2017-18", "Score Available Date", "2018-08-01", "2017-06-01"),
            ("elpac-initial-2023-24", "ReportCreatedDate", "2024-07-05", "2022-08-01"),
            ("elpac-initial-2021-22", "EnrollmentEffectiveDate", "2015-08-01", "2023-08-01"),
        ],
    ),
)
def test_ca_e_12_a_line_without_test_date_is_placed_by_its_other_dates(
    home: District, layout: str, column: str, inside: str, outside: str
) -> None:
    lines = [{column: inside}, {column: outside}, {column: inside}, {}]

    done = report(TYPES[layout], _without_test_date(layout, *lines))

    told = [(i["line"], i["found"]) for i in done["issues"] if i["code"] == "EXC-YEAR-TOLD"]
    assert (done["status"], told) == ("completed", [(3, outside)])
    assert column in next(i["message"] for i in done["issues"] if i["code"] == "EXC-YEAR-TOLD")


def test_a_file_without_test_dates_is_refused_where_its_other_dates_are_of_another_year(home: District) -> None:
    lines = [{"TestStartDate1": "2025-04-15"}] * 2 + [{"TestStartDate1": "2024-04-15"}]

    done = report("caaspp-2023-2024", _without_test_date("caaspp-2023-24", *lines), work="import")

    assert (done["status"], codes(done)) == ("rejected", ["EXC-FILE-YEAR"])
    assert "2024-25" in done["message"]


@pytest.mark.parametrize("value", ["never", "2062-04-15", "31-31-2024", ""])
def test_an_other_date_that_says_nothing_keeps_no_line_out(home: District, value: str) -> None:
    home.add("101", ssid="9000000110")

    done = report("caaspp-2023-2024", _without_test_date("caaspp-2023-24", {"TestStartDate1": value}), work="import")

    assert counts(done) == {"import": 1}


@pytest.mark.parametrize(
    "layout", one_in(2, ["caaspp-2023-24", "caaspp-2018-19", "elpac-summative-2021-22", "elpac-initial-2023-24"])
)
def test_ca_e_17_a_line_that_no_date_places_never_replaces_a_dated_score(home: District, layout: str) -> None:
    home.add("101", ssid="9000000110")
    home.add("102", ssid="9000000111")
    report(TYPES[layout], dated(layout, f"{school_year(layout)}-04-15"), work="import")
    before = list(Score.objects.order_by("pk").values())

    done = report(TYPES[layout], _without_test_date(layout, {}, {}), work="import")

    assert (before, codes(done).count("EXC-UNDATED")) != ([], 0), done["issues"]
    assert list(Score.objects.filter(student_id=before[0]["student_id"]).order_by("pk").values()) == before
    assert counts(done) == {"refused": 1, "import": 1}  # the second student had no score to lose


def test_an_undated_score_is_replaced_by_an_undated_one_and_by_one_of_the_same_year(home: District) -> None:
    undated = ela(final_test_completed_date="")
    report("caaspp-2023-2024", text("caaspp-2023-24", undated), work="import")

    again = report("caaspp-2023-2024", text("caaspp-2023-24", undated | {"scale_score": "2503"}), work="import")
    placed = report("caaspp-2023-2024", text("caaspp-2023-24", ela()), work="import")

    assert (counts(again), counts(placed)) == ({"import": 1}, {"import": 1})
