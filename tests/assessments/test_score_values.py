"""Values of score files: what is not a score, and how programs leave numbers, dates and text."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from assessments.pages.charts import fits
from tests.assessments.score_files import SSID_1, SSID_2, counts, ela, report, start, text
from tests.assessments.score_home import LAYOUT, TYPE, WITH_PARTS, scores
from tests.longer import one_in
from tests.ssid.journey import District, codes, district

pytestmark = pytest.mark.django_db


def test_a_uin_that_comes_again_under_another_student_is_reported_once(home: District) -> None:
    home.add("101", ssid=SSID_2, first_name="Kim")
    report(TYPE, text(LAYOUT, ela(uin="7001")), work="import")
    moved = text(LAYOUT, ela(ssid=SSID_2, first_name="Kim", uin="7001"))

    done = report(TYPE, moved, work="import")
    again = report(TYPE, moved, work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, ["AMB-UIN-ELSEWHERE"])
    assert [i["severity"] for i in done["issues"]] == ["warning"]
    assert (counts(again), codes(again)) == ({"unchanged": 1}, [])


def test_who_else_has_a_uin_is_looked_for_once_and_not_for_each_line_that_changed(home: District) -> None:
    """Row by row, a file of 100,000 lines of which 1,000 changed took a minute: each read all scores of the year."""
    home.add("101", ssid=SSID_2, first_name="Kim")
    report(TYPE, text(LAYOUT, ela(uin="7001")), work="import")
    plans: list[str] = []

    def explained(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "AMB-UIN-ELSEWHERE" in sql and sql.lstrip().startswith("INSERT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return run(sql, params, many, context)

    with connection.execute_wrapper(explained):
        report(TYPE, text(LAYOUT, ela(ssid=SSID_2, first_name="Kim", uin="7001")), work="import")

    assert len(plans) == 1
    assert "Nested Loop" not in plans[0], plans[0]


def test_a_uin_that_comes_again_under_its_own_student_is_accepted(home: District) -> None:
    report(TYPE, text(LAYOUT, ela(uin="7001")), work="import")

    done = report(TYPE, text(LAYOUT, ela(uin="7001", scale_score="2510")), work="import")

    assert (counts(done), codes(done)) == ({"import": 1}, [])


def test_an_ssid_that_a_spreadsheet_rounded_is_an_exception(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela(ssid="9.01E+09")))

    assert (counts(done), codes(done)) == ({"refused": 1}, ["EXC-SSID"])


@pytest.mark.parametrize(
    ("facts", "code", "severity"),
    [
        ({"record_type": "08"}, "EXC-RECORD-TYPE", "error"),
        ({"condition_code": "QQ"}, "EXC-CONDITION", "warning"),
        ({"grade_assessed": "31"}, "EXC-GRADE", "warning"),
        ({"grade_assessed": "09"}, "EXC-TEST-GRADE", "warning"),
        ({"scale_score": "24O2"}, "EXC-SCORE", "error"),
        ({"achievement_level": "X"}, "EXC-LEVEL", "error"),
        ({"achievement_level": "7"}, "EXC-LEVEL", "error"),
        ({"achievement_level": "9"}, "EXC-NO-SCORE", "warning"),
        ({"scale_score": "3900", "grade_assessed": ""}, "EXC-RANGE", "warning"),
        ({"scale_score_sem": "2502"}, "EXC-ERROR", "warning"),
        ({"scale_score_sem": "0"}, "EXC-ERROR", "warning"),
        ({"scale_score_sem": "00"}, "EXC-ERROR", "warning"),
        ({"composite_claim_1_score": "2510", "composite_claim_1_level": "9"}, "EXC-NO-SCORE", "warning"),
        ({"lexile_quantile": "1045"}, "EXC-MEASURE", "warning"),
        ({"scale_score": "3900"}, "EXC-RANGE", "warning"),
        ({"scale_score": "3900", "grade_assessed": "5"}, "EXC-RANGE", "warning"),
        ({"scale_score_sem": "2;1|2400"}, "EXC-SCORE", "error"),
        ({"achievement_level": "1"}, "EXC-LEVEL-RANGE", "warning"),
        ({"birth_date": "2011-13-41"}, "FILE-DATE", "error"),
    ],
)
def test_invalid_values_are_exceptions(home: District, facts: dict[str, str], code: str, severity: str) -> None:
    done = report(TYPE, text(LAYOUT, ela(**facts)))

    assert [(i["code"], i["severity"]) for i in done["issues"] if i["line"]] == [(code, severity)]
    assert counts(done) == ({"refused": 1} if severity == "error" else {})


def test_a_level_that_the_test_has_no_more_is_an_error(home: District) -> None:
    """The Spanish assessment has three levels since 2024-25."""
    row = ela("caaspp-2024-25", record_type="09", scale_score="940", achievement_level="4")

    done = report("caaspp-2024-2025", text("caaspp-2024-25", row))

    assert [(i["code"], i["severity"], i["expected"]) for i in done["issues"]] == [("EXC-LEVEL", "error", "3, 2, 1, 9")]


@pytest.mark.parametrize(("score", "told"), [("0", True), ("9999", True), ("940", False)])
def test_a_score_of_a_test_without_published_ranges_is_one_that_some_test_has(
    home: District, score: str, told: bool
) -> None:
    row = ela("caaspp-2024-25", record_type="09", scale_score=score)

    done = report("caaspp-2024-2025", text("caaspp-2024-25", row))

    assert [(i["code"], i["expected"]) for i in done["issues"]] == [("EXC-RANGE", "100 to 2,999")] * told


ELPAC = {
    "record_type": "21", "scale_score": "1500", "achievement_level": "2", "oral_scale_score": "1500", "oral_level": "2",
    "written_scale_score": "1500", "written_level": "2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "code", "field"),
    [
        ({"oral_level": ""}, "EXC-HALF", "oral_level"),
        ({"written_scale_score": ""}, "EXC-HALF", "written_scale_score"),
        ({"raw_score_1": "101"}, "EXC-RAW", "raw_score_1"),
    ],
)
def test_parts_of_elpac_are_looked_at_like_the_whole(
    home: District, facts: dict[str, str], code: str, field: str
) -> None:
    done = report("elpac-summative-2024", text("elpac-summative-2023-24", ela(**{**ELPAC, **facts})))

    assert [(i["code"], i["severity"], i["field"]) for i in done["issues"]] == [(code, "warning", field)]


@pytest.mark.parametrize("column", ["raw_score_1", "oral_csem"])
def test_whole_numbers_that_a_spreadsheet_gave_a_point_are_the_same(home: District, column: str) -> None:
    start("elpac-summative-2024", text("elpac-summative-2023-24", ela(**{**ELPAC, column: "12"})), work="import")

    done = report("elpac-summative-2024", text("elpac-summative-2023-24", ela(**{**ELPAC, column: "12.0"})))

    assert (counts(done), [i["severity"] for i in done["issues"]]) == ({"unchanged": 1}, ["notice"])


@pytest.mark.parametrize("column", ["scale_score", "oral_scale_score", "written_scale_score"])
def test_scores_of_elpac_composites_have_the_range_of_the_whole(home: District, column: str) -> None:
    row = ela(**{**ELPAC, column: "1149"})

    done = report("elpac-summative-2024", text("elpac-summative-2023-24", row))

    assert [(i["code"], i["field"], i["expected"]) for i in done["issues"]] == [("EXC-RANGE", column, "1150 to 1800")]


@pytest.mark.parametrize(
    "written",
    one_in(2, ["2011-03-14", "03/14/2011", "3/14/11", "03-14-2011", "14-03-2011", "2011-03-14 00:00:00"]),
)
def test_dates_as_spreadsheets_write_them_are_read_where_there_is_one_way_to(written: str) -> None:
    district().add("100", ssid=SSID_1, birth_date=dt.date(2011, 3, 14))

    done = report(TYPE, text(LAYOUT, ela(birth_date=written)), work="import")

    assert (counts(done), {issue["severity"] for issue in done["issues"]} <= {"notice"}) == ({"import": 1}, True)


def padded(data: bytes) -> bytes:
    return data.replace(b"^", b"  ^")


def quoted(data: bytes, delimiter: str) -> bytes:
    lines = [line.split("^") for line in data.decode().splitlines()]
    return "".join(delimiter.join(f'"{cell}"' for cell in cells) + "\n" for cells in lines).encode()


DATA = text(LAYOUT, ela(**WITH_PARTS))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(padded(DATA), id="padded"),
        pytest.param(quoted(DATA, "^"), id="quoted, caret", marks=pytest.mark.faults),
        pytest.param(quoted(DATA, ","), id="quoted, comma"),
        pytest.param(DATA.replace(b"\r\n", b"^\r\n"), id="trailing delimiter"),
        pytest.param(DATA.replace(b"\r\n", b"\n"), id="other line ends", marks=pytest.mark.faults),
        pytest.param(b"\xef\xbb\xbf" + DATA, id="byte order mark"),
        pytest.param(DATA + b"\r\n\r\n", id="blank lines", marks=pytest.mark.faults),
    ],
)
def test_a_file_as_programs_leave_it_gives_the_same_scores(home: District, data: bytes) -> None:
    start(TYPE, DATA, work="import")
    before = scores()

    done = report(TYPE, data)

    assert (counts(done), done["planned_count"]) == ({"unchanged": 1}, 0)
    assert {issue["severity"] for issue in done["issues"]} <= {"notice"}
    assert scores() == before


def test_day_first_dates_make_unclear_ones_an_error(home: District) -> None:
    rows = [ela(birth_date="03/04/2011"), ela(ssid=SSID_2, birth_date="25/12/2011", uin="2")]

    done = report(TYPE, text(LAYOUT, *rows))

    assert "FILE-DATE" in [i["code"] for i in done["issues"] if i["line"] == 2]


def test_a_range_holds_until_others_are_published_in_the_report_as_on_the_pages(home: District) -> None:
    """CAST has ranges until 2021-22: what pages draw as outside in later years, the report warns of."""
    row = ela(record_type="06", scale_score="301", achievement_level="2", grade_assessed="05")

    done = report(TYPE, text(LAYOUT, row))

    assert [(i["code"], i["expected"]) for i in done["issues"]] == [("EXC-RANGE", "150 to 250")]
    assert not fits("CAST", 2024, "05", 301)
