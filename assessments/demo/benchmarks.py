"""The benchmark's score jobs: every line of a file brings a parent score and several of parts. Also other ways to do
the same."""

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.db import transaction

from assessments.demo import history  # noqa: F401 - offers its scores
from assessments.demo.loading_sql import delimited_file, insert_scores
from assessments.demo.score_files import people, write_scores
from assessments.models import Assessment, Score
from assessments.scores.import_type import LAYOUTS, ScoreImport
from assessments.scores.result_counts import Tally
from assessments.structure import LayoutTest, Part, school_year, tests_of
from sisimport.demo.benchmark import Job, Peer, register_job
from sisimport.demo.copy_limit import WRITTEN
from sisimport.demo.district import make_district
from sisimport.demo.loaders import BEST, LoadedFile
from sisimport.files.layouts import Layout
from sisimport.imports.definition.registry import folder_layouts
from sisimport.imports.models import Work
from students.models import SSID, Student

SEED = 1


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """What a peer extracts from one line: the student, and a text for each column of each part (scale, raw, result)."""

    ssid: str
    last_name: str
    first_name: str
    date: dt.date
    scores: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """The layout, and the one test in the lines of a job's file."""

    layout_key: str
    test_code: str

    @property
    def layout(self) -> Layout:
        return folder_layouts(LAYOUTS)[self.layout_key]

    @property
    def test(self) -> LayoutTest:
        return next(test for test in tests_of(self.layout) if test.code == self.test_code)

    def prepare(self, lines: int, folder: Path) -> Path:
        """A district whose students all have an SSID, and a file with one record for each, all its columns in use."""
        district = make_district(students=lines, seed=SEED, ssid_percent=100)
        path = folder / f"{self.layout_key}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            write_scores(stream, self.layout, people(district.lea), only=self.test_code, filled=True)
        return path

    def scored_lines(self, path: Path, lines: int) -> Iterator[ScoredLine]:
        """The first lines of the file, without those that have no score."""
        fields, parts = self.layout.fields, self.test.parts
        name = {field: column.name for field, column in fields.items()}
        on = next(field for field in ("final_test_completed_date", "test_completed_date") if field in fields)

        def cells(row: dict[str, str], part: Part) -> tuple[str, str, str]:
            return (
                row.get(name.get(part.scale, ""), ""),
                row.get(name.get(part.raw, ""), ""),
                row.get(name.get(part.result, ""), ""),
            )

        with path.open(encoding="utf-8", newline="") as stream:
            for row in islice(csv.DictReader(stream, delimiter=self.layout.delimiter, quoting=csv.QUOTE_NONE), lines):
                if row[name[parts[0].scale]]:
                    day = row[name[on]]
                    date = dt.datetime.strptime(day, "%m/%d/%Y" if "/" in day else "%Y-%m-%d").date()  # noqa: DTZ007
                    yield ScoredLine(
                        row[name["ssid"]], row[name["last_name"]], row[name["first_name"]], date,
                        [cells(row, part) for part in parts],
                    )  # fmt: skip

    def make_assessments(self) -> list[Assessment]:
        """Separate set-ups for the peers, so that they write new rows."""
        parent = Assessment.objects.create(state_code="PEER", name=f"Peer {Assessment.objects.count()}")
        children = [
            Assessment(state_code=f"PEER-{n}", name=f"Part {n}", parent=parent) for n in range(1, len(self.test.parts))
        ]
        return [parent, *Assessment.objects.bulk_create(children)]

    def insert(self) -> int:
        """Insert the scores that a loader has staged, under its own set-ups."""
        return insert_scores(self.layout, self.test, [setup.pk for setup in self.make_assessments()])

    # -- other ways to do the same ---------------------------------------------------------------------------------------

    def by_get_and_save(self, path: Path, lines: int) -> None:
        """What a first version of such an import looks like: look up the student, compare, save score by score."""
        assessments, year = self.make_assessments(), school_year(self.layout_key)
        for line in self.scored_lines(path, lines):
            with transaction.atomic():
                student = SSID.objects.select_related("student").get(ssid=line.ssid, state="CA").student
                _check(student, line.last_name, line.first_name)
                for assessment, (scale, raw, result) in zip(assessments, line.scores, strict=True):
                    Score.objects.update_or_create(
                        student=student,
                        assessment=assessment,
                        school_year=year,
                        defaults={"scale_score": scale, "raw_score": raw, "result": result, "date": line.date},
                    )

    def by_bulk_create(self, path: Path, lines: int) -> None:
        """Django's own bulk insert, with students read at once and nothing compared."""
        assessments, year = self.make_assessments(), school_year(self.layout_key)
        chosen = list(self.scored_lines(path, lines))
        owners = dict(SSID.objects.filter(ssid__in=[line.ssid for line in chosen]).values_list("ssid", "student_id"))
        Score.objects.bulk_create(
            [
                Score(
                    student_id=owners[line.ssid], assessment=assessment, school_year=year, date=line.date,
                    scale_score=scale, raw_score=raw, result=result,
                )
                for line in chosen
                for assessment, (scale, raw, result) in zip(assessments, line.scores, strict=True)
            ],
            batch_size=5000,
        )  # fmt: skip

    def by_import_export_bulk(self, path: Path, lines: int) -> None:
        self._import_export(path, lines, bulk=True)

    def by_import_export_rows(self, path: Path, lines: int) -> None:
        self._import_export(path, lines, bulk=False)

    def _import_export(self, path: Path, lines: int, *, bulk: bool) -> None:
        """django-import-export: its dry run, then its import. It needs a row per score, so the lines are split
        first."""
        import tablib
        from import_export import fields, resources, widgets

        class CheckedStudent(widgets.ForeignKeyWidget):
            def clean(self, value: object, row: dict[str, str] | None = None, **kwargs: object) -> Student | None:
                student: Student | None = super().clean(value, row, **kwargs)
                if student is not None and row is not None:
                    _check(student, row["last_name"], row["first_name"])
                return student

        class ScoreResource(resources.ModelResource):
            student = fields.Field("student", "ssid", CheckedStudent(Student, "ssids__ssid"))

            class Meta:
                model = Score
                fields = ("student", "assessment", "school_year", "date", "scale_score", "raw_score", "result")
                import_id_fields = ("student", "assessment", "school_year")
                use_bulk = bulk
                use_transactions = True

        assessments, year = self.make_assessments(), school_year(self.layout_key)
        chosen = [
            (line.ssid, line.last_name, line.first_name, assessment.pk, year, line.date, *cells)
            for line in self.scored_lines(path, lines)
            for assessment, cells in zip(assessments, line.scores, strict=True)
        ]
        headers = [
            "ssid",
            "last_name",
            "first_name",
            "assessment",
            "school_year",
            "date",
            "scale_score",
            "raw_score",
            "result",
        ]
        data = tablib.Dataset(*chosen, headers=headers)
        resource = ScoreResource()
        resource.import_data(data, dry_run=True, raise_errors=True)
        resource.import_data(data, dry_run=False, raise_errors=True)
        if Score.objects.filter(assessment__in=assessments).count() != len(chosen):
            raise RuntimeError("django-import-export did not write the scores")


def _check(student: Student, last_name: str, first_name: str) -> None:
    if student.match_last_name != last_name or student.match_first_name != first_name:
        raise ValueError("the student record differs")


AS_TESTED_SHARE = 0.1  # maximum share of an Import for storing and counting who was tested


def _without_as_tested() -> None:
    """Neither store nor count who was tested, in this process from now on."""

    def count_nothing(*_score: object) -> None:
        """Replaces Tally.add_tests."""

    ScoreImport.gathered_fields = ()
    Tally.add_tests = count_nothing  # type: ignore[method-assign,assignment]


def _job(key: str, title: str, file: ScoreFile, import_type: str, gate: float) -> Job:
    return Job(
        key=key,
        title=title,
        import_type=import_type,
        work=Work.IMPORT,
        prepare=file.prepare,
        tables=(("assessments_score", f"{WRITTEN} ORDER BY student_id, assessment_id"),),
        limit_gate=gate,
        peers={
            "django-import-export, bulk": Peer(file.by_import_export_bulk, 200, gate=40),
            "django-import-export, per row": Peer(file.by_import_export_rows, 200, gate=100),
            "get and save, per row": Peer(file.by_get_and_save, 400, gate=100),
            "Django bulk_create": Peer(file.by_bulk_create, 2000),
        },
        loaded=LoadedFile(
            file=lambda: delimited_file(file.layout, file.test),
            insert=file.insert,
            table="assessments_score",
            gate=BEST,
        ),
        parts={"who was tested": (_without_as_tested, AS_TESTED_SHARE)},
        cumulative=True,
        has_header=True,
    )


register_job(
    _job(
        "scores",
        "CAASPP file of 375 columns, scores in late columns, five scores per line",
        ScoreFile("caaspp-2023-24", "CAASCI"),
        "caaspp-2023-2024",
        0.3,
    )
)
register_job(
    _job(
        "scores-early",
        "ELPAC file of 99 columns, scores in early columns, seven scores per line",
        ScoreFile("elpac-summative-2018-19", "ELPACS"),
        "elpac-summative-2019",
        0.45,
    )
)
