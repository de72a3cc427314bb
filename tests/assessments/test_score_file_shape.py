"""Score files as a whole: layouts, columns and end markers that are missing, moved or of another edition."""

import pytest

from assessments.models import Score
from tests.assessments.score_files import ALL, counts, ela, report, start, text
from tests.assessments.score_home import LAYOUT, TYPE, TYPES, WITH_PARTS, scores
from tests.ssid.journey import District, codes

pytestmark = pytest.mark.django_db


def test_two_layouts_in_one_file_are_refused() -> None:
    first, second = text("elpac-summative-2021-22"), text("elpac-summative-2023-24")

    done = report(
        "elpac-summative-2022", first + text("elpac-summative-2021-22", {}).splitlines(keepends=True)[1] + second
    )

    assert done["status"] == "rejected"
    assert done["issues"][0]["code"] == "FILE-MIXED"


def test_two_layouts_of_different_width_in_one_file_are_refused(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()) + text("caaspp-2024-25", ela()), work="import")

    assert (done["status"], [i["code"] for i in done["issues"]]) == ("rejected", ["FILE-MIXED"])
    assert "Line 3 begins records with other columns" in done["message"]
    assert not Score.objects.exists()


def test_a_file_that_is_cut_off_is_reported_beside_its_last_line(home: District) -> None:
    whole = text(LAYOUT, ela(), ela(record_type="02", uin="2"))

    done = report(TYPE, whole[:-400])

    assert [(i["line"], i["code"], i["severity"]) for i in done["issues"]] == [
        (0, "FILE-CUT", "warning"),
        (3, "FILE-COLUMNS", "error"),
    ]
    assert "The last line (line 3) ends too early" in done["issues"][0]["message"]
    assert counts(done) == {"refused": 1}


def test_a_last_line_with_too_many_columns_is_not_cut_off(home: District) -> None:
    longer = text(LAYOUT, ela(), ela(uin="2"))[:-2] + b"^1^2\r\n"

    assert codes(report(TYPE, longer)) == ["FILE-COLUMNS"]


def test_a_record_without_end_marker_is_reported(home: District) -> None:
    done = report(TYPE, text(LAYOUT, ela()).replace(b"^ZZ\r\n", b"^Z\r\n"))

    assert [(i["line"], i["code"], i["severity"]) for i in done["issues"]] == [(2, "FILE-END-MARKER", "warning")]


def without(data: bytes, *names: str) -> bytes:
    """The file as it is after somebody deleted columns."""
    lines = [line.split("^") for line in data.decode().splitlines()]
    left_out = {at for at, name in enumerate(lines[0]) if name in names}
    kept = ["^".join(cell for at, cell in enumerate(cells) if at not in left_out) for cells in lines]
    return "".join(f"{line}\r\n" for line in kept).encode()


@pytest.mark.parametrize("name", ["ScaleScore", "AchievementLevels", "GradeAssessed", "FinalTestCompletedDate"])
def test_a_missing_column_of_scores_is_refused_and_overwrites_nothing(home: District, name: str) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    done = report(TYPE, without(text(LAYOUT, ela()), name), work="import")

    assert (done["status"], done["issues"][0]["code"]) == ("rejected", "FILE-COLUMN-MISSING")
    assert name in done["message"]
    assert scores()["SBELA"]["scale_score"] == "2502"


def test_a_file_without_uins_is_imported_and_leaves_those_on_record(home: District) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")

    done = report(TYPE, without(text(LAYOUT, ela(scale_score="2510")), "UIN"), work="import")

    assert counts(done) == {"import": 1}
    assert "FILE-COLUMN-ABSENT" in codes(done)
    assert (scores()["SBELA"]["scale_score"], Score.objects.get(scale_score="2510").uin) == ("2510", ela()["uin"])


def test_a_part_whose_columns_were_all_deleted_keeps_its_scores(home: District) -> None:
    start(TYPE, text(LAYOUT, ela(**WITH_PARTS)), work="import")
    before = scores()

    data = without(text(LAYOUT, ela(**WITH_PARTS)), "SmarterCompClaim1PL", "SmarterCompClaim1Score")
    done = report(TYPE, data, work="import")

    assert counts(done) == {"unchanged": 1}
    assert scores() == before


def test_the_same_header_twice_is_not_a_record(home: District) -> None:
    data = text(LAYOUT, ela())

    done = report(TYPE, data + data.splitlines(keepends=True)[0])

    assert counts(done) == {}
    assert codes(done) == ["FILE-HEADER-AGAIN"]
    assert done["planned_count"] == 1


def of_2019(**facts: str) -> dict[str, str]:
    """The record in the layout of 2018-19, which has dates of its parts only."""
    record = ela("caaspp-2018-19", **facts)
    date = record.pop("final_test_completed_date")
    return {**record, "test_completed_date_1": date}


def test_a_column_that_only_tests_without_records_are_made_of_may_be_missing(home: District) -> None:
    data = text("caaspp-2018-19", of_2019())

    done = report("caaspp-2018-2019", without(data, "CAA Science Percent Correct"), work="import")

    assert (done["status"], done["import_count"], done["error_count"]) == ("completed", 1, 0)
    (told,) = [i for i in done["issues"] if i["code"] == "FILE-COLUMN-ABSENT"]
    assert "CAA Science Percent Correct" in told["message"]


def test_a_column_of_a_districts_own_in_its_place_is_reported_and_left_out(home: District) -> None:
    data = text("caaspp-2018-19", of_2019())

    done = report(
        "caaspp-2018-2019", data.replace(b"CAA Science Percent Correct", b"Our Science Points"), work="import"
    )

    assert (done["status"], done["import_count"]) == ("completed", 1)
    assert {"FILE-COLUMN-ABSENT", "FILE-COLUMN-UNKNOWN"} <= set(codes(done))


def test_a_column_that_a_record_needs_is_named_with_its_test(home: District) -> None:
    record = of_2019(
        record_type="05", scale_score="", achievement_level="", percent_correct="88", preliminary_indicator="2"
    )

    done = report("caaspp-2018-2019", without(text("caaspp-2018-19", record), "CAA Science Percent Correct"))

    assert (done["status"], done["issues"][0]["code"]) == ("rejected", "FILE-COLUMN-MISSING")
    assert "CAA Science Percent Correct" in done["message"]


@pytest.mark.parametrize("layout", ["caaspp-2018-19", "caaspp-2021-22", "caaspp-2024-25"])
def test_a_score_file_without_its_line_of_column_names_is_read_by_position(home: District, layout: str) -> None:
    row = ela(layout) if layout != "caaspp-2018-19" else of_2019()
    data = text(layout, row)

    whole = report(TYPES[layout], data)
    done = report(TYPES[layout], data.split(b"\r\n", 1)[1])

    assert done["planned_count"] == whole["planned_count"]
    assert "FILE-HEADERLESS" in codes(done)


def test_what_is_as_wide_but_holds_something_else_is_not_taken_for_scores(home: District) -> None:
    width = len(ALL[LAYOUT].columns)

    done = report(TYPE, b"\r\n".join([b"^".join([b"x1"] * width)] * 3))

    assert (done["status"], done["issues"][0]["code"]) == ("rejected", "FILE-NO-HEADER")
