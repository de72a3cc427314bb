"""The adapter of all score types: what is in the columns of a test is the student's score of that test and year."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assessments import structure
from assessments.models import Score
from assessments.structure import LayoutTest, Part, school_year, tests_of
from sisimport.files.layouts import Layout
from sisimport.imports.definition.rules import RECORD
from students.models import SSID, ELRecord, SSIDReplacement, Student
from tests.assessments.test_usual_lines import home, lines_of
from tests.truth.adapter import Adapter, equals, holders
from tests.truth.lines import Claim, Line
from tests.truth.sheets import Sheet

FORMER, REPLACED = "9055555555", "9066666666"
SSIDS = ["9012345678", "9087654321", "9011111111", FORMER, REPLACED, "9099999999", "123", ""]
PARTS = ("test_completed_date_1", "test_completed_date_2", "test_completed_date_3", "test_completed_date_4")
SINGLE = ("test_completed_date", "lst_lock_score_date", "paper_test_completion_date")


class ScoreAdapter(Adapter):
    parts = {"el": ("el",)}
    options = ({}, {"ela_status": "1"})

    def __init__(self, layouts: Sequence[Layout]) -> None:
        self.layouts = layouts
        self.layout = layouts[0]
        years = [school_year(layout.key) for layout in layouts]
        dates = [f"{years[0]}-04-12", f"{years[0] + 1}-04-12", f"{years[0] - 1}-04-12", "2062-04-12", "2001-01-01", ""]
        self.values = {
            "ssid": SSIDS,
            "uin": ["1000000000000001", "1000000000000002", ""],
            "last_name": ["Lee", "LEE", "Lee Jr", "Poe", ""],
            "first_name": ["Sam", "Kim101", "Sam Luis", ""],
            "condition_code": ["NT", "LOSS", "INC0", "C", "ZZ", ""],
            "current_year_flag": ["N", "Y", ""],
            "calculated_elas": ["EL", "IFEP", "TBD", ""],
            "birth_date": ["2011-03-04", "2012-03-04", "2062-03-04"],
            **dict.fromkeys(["final_test_completed_date", *PARTS, *SINGLE], dates),
        }
        self.of_scores: list[str] = []

    def arrange(self, turn: int) -> Sheet:
        made = home()
        student = Student.objects.get(local_number="100")
        SSID.objects.create(
            student=student, ssid=FORMER, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
        )
        SSIDReplacement.objects.create(retired_ssid=REPLACED, replacement_ssid=SSIDS[0])
        self.layout = self.layouts[turn % len(self.layouts)]
        header, *records = lines_of(made, self.layout.key, []).decode().splitlines()
        cells = [record.split(self.layout.delimiter) for record in records]
        read = {name: column.position - 1 for name, column in self.layout.fields.items()}
        used = {name: at for name, at in read.items() if name in self.values or any(record[at] for record in cells)}
        return Sheet(self.layout.delimiter, used, cells, header.split(self.layout.delimiter))

    def concerned(self, line: Line) -> set[int]:
        numbers = [line.text("ssid"), *_replaced_by(line.text("ssid"))]
        return holders(*numbers)

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        test = next((t for t in tests_of(self.layout) if line.text("record_type") in t.record_types), None)
        if test is None:
            yield Claim(RECORD, "its record type is unknown", holds=False)
            return
        student = next(iter(self.concerned(line)), None)
        scores = {
            score.assessment.state_code: score
            for score in Score.objects.filter(student_id=student, school_year=self._year(line)).select_related(
                "assessment"
            )
        }
        for part in test.parts:
            # A line that carries no score may bring a status, and says so.
            unscored = line.said("SKIP-UNSCORED", "SKIP-CODED")
            if not unscored and _holds_something(line, part, is_parent=part is test.parent):
                score = scores.get(part.code)
                if score is None:
                    yield Claim(RECORD, f"there is no score of {part.code}", holds=False)
                else:
                    yield from self._score(line, test, part, score)
        status = {"EL": "EL", "IFEP": "Not EL"}.get(line.text("calculated_elas"))
        if options.get("ela_status") and status:
            record = ELRecord.objects.filter(student_id=student).first()
            yield Claim("el", "there is no English learner record", record is not None)

    def _score(self, line: Line, test: LayoutTest, part: Part, score: Score) -> Iterator[Claim]:
        for column, held in (
            (part.scale, score.scale_score),
            (part.raw, score.raw_score),
            (part.error, score.error_band),
        ):
            if column:
                yield equals(RECORD, f"{part.code} {column}", held, _number(line.text(column)))
        if part.result:
            said = line.text(part.result).upper()
            yield equals(RECORD, f"{part.code} level", score.result.upper(), part.spellings().get(said, said).upper())
        if not line.doubted("final_test_completed_date", *PARTS, *SINGLE):
            yield equals(RECORD, f"{part.code} date", score.date, self._date(line))
        if line.text("grade_assessed") in structure.grades():
            yield equals(RECORD, f"{part.code} grade", score.grade, line.text("grade_assessed").zfill(2))
        if part is test.parent:
            yield equals(RECORD, f"{part.code} status", score.status, line.text("condition_code")[:8].upper())

    def _date(self, line: Line) -> dt.date | None:
        if final := line.day("final_test_completed_date"):
            return final
        days = [day for name in PARTS if (day := line.day(name))]
        return max(days) if days else next((day for name in SINGLE if (day := line.day(name))), None)

    def _year(self, line: Line) -> int:
        own, day = school_year(self.layout.key), self._date(line)
        of_day = day.year + (day.month >= 7) if day else own
        is_science = line.text("record_type") in ("05", "06")
        return of_day if line.text("current_year_flag") == "N" and is_science and own - 3 <= of_day < own else own

    def may_add(self, kind: str, row: Mapping[str, Any], imported: Sequence[Line]) -> bool:
        return kind == "assessment" and bool(imported)


def _replaced_by(ssid: str) -> list[str]:
    return list(SSIDReplacement.objects.filter(retired_ssid=ssid).values_list("replacement_ssid", flat=True))


def _holds_something(line: Line, part: Part, *, is_parent: bool) -> bool:
    """A number, or a level; of the test itself one that says that there is none is none."""
    if any(line.text(name) not in ("", "NS") for name in (part.scale, part.raw) if name):
        return True
    nothing = ["", *structure.no_score(), "E"] if is_parent else [""]
    return bool(part.result) and line.text(part.result) not in nothing


def _number(text: str) -> str:
    if text == "NS":
        return ""
    return text.lstrip("0") or "0" if len(text) > 1 else text
