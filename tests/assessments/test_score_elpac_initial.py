"""Initial ELPAC: levels in words, and the status as an English learner."""

import datetime as dt

import pytest

from sisimport.imports.models import ImportRun
from students.models import Student
from tests.assessments.score_files import SSID_1, SSID_2, counts, report, text, undo
from tests.assessments.score_home import scores
from tests.ssid.journey import District

pytestmark = pytest.mark.django_db


INITIAL = {
    "record_type": "22",
    "ssid": SSID_1,
    "last_name": "Lee",
    "first_name": "Sam",
    "birth_date": "2011-03-04",
    "grade_assessed": "05",
    "final_test_completed_date": "2023-09-05",
    "scale_score": "420",
    "achievement_level": "INTERMEDIATE ENGLISH LEARNER",
    "oral_level": "Well developed",
    "written_level": "beginning to develop",
    "raw_score_1": "14",
    "calculated_elas": "EL",
}


def initial(work: str = "import", ela_status: str = "1", **facts: str) -> dict[str, object]:
    data = text("elpac-initial-2023-24", {**INITIAL, **facts})
    return report("elpac-initial-2023-2024", data, work=work, ela_status=ela_status)


def test_initial_elpac_levels_are_kept_in_words(home: District) -> None:
    initial()

    found = scores()
    assert found["ELPACI"]["result"] == "Intermediate English Learner"
    assert found["ELPACI-O"]["result"] == "Well developed"
    assert found["ELPACI-N"]["result"] == "Beginning to develop"
    assert found["ELPACI-L"]["raw_score"] == "14"
    assert "ELPACI-S" not in found


def test_el_status_is_imported_when_chosen_and_there_is_none(home: District) -> None:
    initial()

    el = Student.objects.get().el
    assert (el.program_status, el.identified_date, el.state_elas) == ("EL", dt.date(2023, 9, 5), "EL")


def test_the_status_for_testing_is_never_taken(home: District) -> None:
    data = text("elpac-initial-2023-24", {**INITIAL, "calculated_elas": ""}).decode()
    header, row = (line.split("^") for line in data.splitlines())
    row[header.index("ELASforTesting")] = "EL"

    done = report(
        "elpac-initial-2023-2024",
        "\r\n".join(["^".join(header), "^".join(row)]).encode(),
        work="import",
        ela_status="1",
    )

    assert counts(done) == {"import": 1}
    assert not hasattr(Student.objects.get(), "el")


def test_el_status_is_left_alone_when_not_chosen(home: District) -> None:
    initial(ela_status="")

    assert not hasattr(Student.objects.get(), "el")


def test_an_el_status_that_is_there_stays(home: District) -> None:
    home.add("101", ssid=SSID_2, el={"program_status": "EO"})

    done = initial(ssid=SSID_2)

    assert counts(done) == {"import": 1}
    assert {change["what"] for change in done["changes"]} == {"assessment", "scores"}
    assert Student.objects.get(local_number="101").el.program_status == "EO"


def test_revert_takes_the_el_status_back(home: District) -> None:
    done = initial()

    undo(ImportRun.objects.get(pk=done["run"]))

    assert not hasattr(Student.objects.get(), "el")
