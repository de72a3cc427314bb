"""The benchmark's score jobs: wide files of which every line brings a parent and four part scores."""

import csv
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from django.db import transaction

from assessments.demo import people, write_scores
from assessments.models import Assessment, Score
from assessments.scores import LAYOUTS
from sisimport.imports.benchmark import Job, register_job
from sisimport.imports.demo import make_district
from sisimport.imports.models import Work
from sisimport.imports.registry import folder_layouts
from students.models import SSID

SEED = 1
LATE = "caaspp-2023-24"
TEST = "CAASCI"
_PARTS = ("ScaleScore", "RawScore1", "RawScore2", "RawScore3", "RawScore4")


def _prepare(layout: str) -> Callable[[int, Path], Path]:
    def prepare(lines: int, folder: Path) -> Path:
        """A district whose students all have an SSID, and a file with one record for each."""
        district = make_district(students=lines, seed=SEED, ssid_percent=100)
        path = folder / f"{layout}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            write_scores(stream, folder_layouts(LAYOUTS)[layout], people(district.lea), only=TEST)
        return path

    return prepare


def _rows(path: Path, lines: int) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, delimiter="^", quoting=csv.QUOTE_NONE)
        return [row for row in islice(reader, lines) if row["ScaleScore"]]


def _assessments() -> list[Assessment]:
    """Set-ups of the peers' own, so that they write new rows."""
    parent = Assessment.objects.create(state_code="PEER", name=f"Peer {Assessment.objects.count()}")
    children = [Assessment(state_code=f"PEER-{n}", name=f"Part {n}", parent=parent) for n in range(1, len(_PARTS))]
    return [parent, *Assessment.objects.bulk_create(children)]


def by_get_and_save(path: Path, lines: int) -> None:
    """What a first version of such an import looks like: look the student up, compare, save score by score."""
    assessments = _assessments()
    for row in _rows(path, lines):
        with transaction.atomic():
            student = SSID.objects.select_related("student").get(ssid=row["SSID"], state="CA").student
            if student.match_last_name != row["StudentLastName"] or student.match_first_name != row["StudentFirstName"]:
                raise ValueError("the student record differs")
            for assessment, column in zip(assessments, _PARTS, strict=True):
                Score.objects.update_or_create(
                    student=student,
                    assessment=assessment,
                    school_year=2024,
                    defaults={"scale_score": row[column], "date": row["FinalTestCompletedDate"] or None},
                )


def by_bulk_create(path: Path, lines: int) -> None:
    """Django's own bulk insert, students read in one go."""
    assessments = _assessments()
    rows = _rows(path, lines)
    owners = dict(SSID.objects.filter(ssid__in=[row["SSID"] for row in rows]).values_list("ssid", "student_id"))
    Score.objects.bulk_create(
        [
            Score(
                student_id=owners[row["SSID"]],
                assessment=assessment,
                school_year=2024,
                scale_score=row[column],
                date=row["FinalTestCompletedDate"] or None,
            )
            for row in rows
            for assessment, column in zip(assessments, _PARTS, strict=True)
        ],
        batch_size=5000,
    )


def _job(key: str, title: str, layout: str, import_type: str, gate: float) -> Job:
    return Job(
        key=key,
        title=title,
        import_type=import_type,
        work=Work.IMPORT,
        prepare=_prepare(layout),
        tables=(
            ("assessments_score", "ORDER BY student_id, assessment_id"),
            ("imports_importchange", "WHERE run_id = %(plan)s ORDER BY student_id"),
            ("imports_importissue", "WHERE run_id = %(plan)s ORDER BY line, seq"),
        ),
        limit_gate=gate,
        peers={"get and save, per row": by_get_and_save, "Django bulk_create": by_bulk_create},
        peer_gates={"get and save, per row": 100},
        peer_lines={"get and save, per row": 400, "Django bulk_create": 2000},
    )


register_job(_job("scores", "CAASPP file of 375 columns, five scores per line", LATE, "caaspp-2023-2024", 0.3))
