"""The adapters of the state's research files: what a line says of a place is there under its codes."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assessments.demo.research_files import places_of, sample_lines
from assessments.models import PublicPlace, PublicResult
from assessments.research.change_kinds import NUMBERS
from assessments.research.files import FOLDER, TESTS
from sisimport.files.layouts import load_layouts
from sisimport.imports.definition.rules import RECORD
from tests.imports.journey import LEA_CODE, SCHOOL_CODE, make_district
from tests.truth.adapter import Adapter, equals
from tests.truth.lines import Claim, Line
from tests.truth.sheets import Sheet

PLACES = places_of(LEA_CODE, "Lincoln Unified", [(SCHOOL_CODE, "Cedar High"), ("0123457", "Maple High")])


class PublicAdapter(Adapter):
    """What both kinds of file share."""

    layouts: Sequence[str] = ()
    most = 12  # lines
    values = {
        "county": ["12", "00", "19", "1", ""],
        "district": ["34567", "00000", "99999", ""],
        "school": [SCHOOL_CODE, "123456", "0000000", ""],
        "test_year": ["2025", "2024", "25", ""],
        "test_id": ["1", "01", "2", "99", ""],
        "student_group": ["1", "001", "160", "x"],
        "grade": ["3", "03", "13", "KN", "15"],
        **{name: ["*", "12.5", "N/A", "101", "twelve", ""] for name in NUMBERS},
    }

    def arrange(self, turn: int) -> Sheet:
        make_district()
        layout = load_layouts(FOLDER)[self.layouts[turn % len(self.layouts)]]
        header, *lines = csv.reader(sample_lines(layout, PLACES), delimiter=layout.delimiter)
        step = max(1, len(lines) // self.most)
        records = lines[::step]
        at = {name: column.position - 1 for name, column in layout.fields.items()}
        return Sheet(layout.delimiter, at, records, header)

    def concerned(self, line: Line) -> set[int]:
        return set()

    def may_add(self, kind: str, row: Mapping[str, Any], imported: Sequence[Line]) -> bool:
        return kind in ("public_result", "public_place") and row["place"] in {place_of(line) for line in imported}


def place_of(line: Line) -> str:
    widths = {"county": 2, "district": 5, "school": 7}
    return "".join(line.text(name).rjust(width, "0") for name, width in widths.items())


class ResearchAdapter(PublicAdapter):
    layouts = ("research-caaspp", "research-caaspp-2023", "research-elpac", "research-caaspp-2019")

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        codes = {name: line.text(name).lstrip("0") for name in ("test_id", "student_group", "grade")}
        row = PublicResult.objects.filter(
            place=place_of(line),
            test=TESTS.get(codes["test_id"], "?"),
            school_year=line.text("test_year"),
            student_group=codes["student_group"],
            grade=codes["grade"],
        ).first()
        yield Claim(RECORD, "nothing of its place, test, grade and group is on record", row is not None)
        if row is not None and not line.said("DUP-SAME"):
            for name in NUMBERS:
                # Means are written with a decimal: 2574.0
                yield equals(RECORD, name, getattr(row, name).removesuffix(".0"), line.text(name).removesuffix(".0"))


class EntitiesAdapter(PublicAdapter):
    layouts = ("research-entities",)

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        name = line.text("school_name") or line.text("district_name") or line.text("county_name")
        row = PublicPlace.objects.filter(place=place_of(line)).first()
        yield equals(RECORD, "the name", row.name if row else None, name)
