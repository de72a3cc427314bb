"""Counted results equal a fresh count after any sequence of runs, and say what the scores say."""

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from assessments.models import Assessment, HiddenResults, ResultCount, ResultVersion, Score
from assessments.scores import result_counts
from assessments.scores.result_counts import recount_all
from sisimport.erasing.districts import destroy_district
from sisimport.erasing.students import erase_student
from sisimport.imports.engine.sql import fetch_all
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.services import start_run
from sisimport.imports.storage import retention
from students.models import LEA, Student
from tests.assessments.score_files import ela, finish, start, text, undo
from tests.longer import first_of
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db

TYPES = {"caaspp-2022-23": "caaspp-2021-2023", "caaspp-2023-24": "caaspp-2023-2024"}
SSIDS = [f"90123456{n:02d}" for n in range(6)]
Counts = dict[tuple[Any, ...], tuple[Any, ...]]


def counted() -> Counts:
    fields = [f.name for f in ResultCount._meta.concrete_fields]
    return {row[:6]: row[6:] for row in ResultCount.objects.values_list(*fields)}


def fresh() -> Counts:
    """What a count from nothing gives; undone at once."""
    with transaction.atomic():
        recount_all()
        found = counted()
        transaction.set_rollback(True)
    return found


def people() -> None:
    home = district()
    for number, ssid in enumerate(SSIDS):
        home.add(f"{100 + number}", ssid=ssid)


def line(dice: random.Random, layout: str, ssid: str) -> dict[str, str]:
    level = dice.choice("1234")
    return ela(
        layout,
        ssid=ssid,
        uin="",
        record_type=dice.choice(["01", "02"]),
        grade_assessed=dice.choice(["05", "06"]),
        scale_score=dice.choice(["2300", "2502", ""]),
        achievement_level=level,
        district_code="12345670000000",
        school_code=dice.choice(["12345670000001", "12345670000002", ""]),
        include_indicator=dice.choice(["Y", "Y", "N", "T", ""]),
        gender=dice.choice(["F", "M", "X", "?"]),
        ethnicity=dice.choice(["500", "700", "999"]),
        elas=dice.choice(["EL", "RFEP", "EO"]),
        disadvantaged=dice.choice(["Yes", "No"]),
        homeless=dice.choice(["Yes", "No"]),
    )


def update(test: ImportRun) -> ImportRun:
    return finish(start_run(file=test.file, import_type=test.import_type, work=Work.UPDATE, options=test.options,
                            user=None, schools=None, enqueue=False, test_run=test))  # fmt: skip


@pytest.mark.parametrize("seed", first_of(range(3)))
def test_counts_equal_a_fresh_count_after_any_sequence_of_runs(seed: int) -> None:
    dice = random.Random(seed)
    people()
    applied: list[ImportRun] = []
    for _step in range(9):
        if applied and dice.random() < 0.35:
            run = undo(applied.pop(dice.randrange(len(applied))))
        else:
            layout = dice.choice(list(TYPES))
            lines = [line(dice, layout, ssid) for ssid in dice.sample(SSIDS, dice.randint(1, 5))]
            run = start(TYPES[layout], text(layout, *lines), work="import")
            applied.append(run)
        assert run.status == RunStatus.COMPLETED, run.message
        assert counted() == fresh()
    for run in dice.sample(applied, len(applied)):
        undo(run)
        assert counted() == fresh()
    assert not Score.objects.exists()
    assert not counted()


def test_counts_that_somebody_else_wrote_meanwhile_are_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where two runs both see that nothing is counted yet: the second finds the first one's rows when it writes its own."""
    dice = random.Random(1)
    people()
    start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", line(dice, "caaspp-2023-24", SSIDS[0])), work="import")
    before = counted()
    monkeypatch.setattr(result_counts, "fetch_all", lambda *_sql: [])

    lines = [line(dice, "caaspp-2023-24", ssid) for ssid in SSIDS[1:]]
    run = start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", *lines), work="import")

    assert run.status == RunStatus.COMPLETED, run.message
    assert before.keys() & counted().keys()
    assert counted() == fresh() != before


def versions() -> dict[tuple[int, int, str], int]:
    rows = ResultVersion.objects.values_list("assessment_id", "school_year", "lea", "version")
    return {row[:3]: row[3] for row in rows}


@contextmanager
def kept_in_step() -> Iterator[None]:
    """The counts are a fresh count afterwards; where they changed, what was worked out of them (hidden cells) holds no longer."""
    before, was = counted(), versions()
    yield
    after, now = counted(), versions()
    assert after == fresh()
    for assessment, year, _group, lea, *_place in {key for key, _sums in before.items() ^ after.items()}:
        assert now[assessment, year, lea] > was.get((assessment, year, lea), 0)


@pytest.mark.parametrize("seed", first_of(range(3)))
def test_counts_equal_a_fresh_count_whatever_takes_scores_away(seed: int, settings: Any) -> None:
    """Erasing a student, purging plans, dropping a school year, destroying the district, and reverts between them."""
    dice = random.Random(seed)
    people()
    fetch_all("SELECT sis_make_score_years('{2023,2024}')")
    runs = {}
    for layout, import_type in TYPES.items():
        lines = [line(dice, layout, ssid) for ssid in SSIDS]
        runs[layout] = start(import_type, text(layout, *lines), work="import")
    again = start(
        TYPES["caaspp-2023-24"], text("caaspp-2023-24", line(dice, "caaspp-2023-24", SSIDS[0])), work="import"
    )
    gone = dice.sample(range(len(SSIDS)), 3)

    def erase() -> None:
        student = Student.objects.get(local_number=f"{100 + gone.pop()}")
        erase_student(student, reason="moved away", dry_run=True)
        erase_student(student, reason="moved away")

    def purge_plans() -> None:
        settings.KEEP_SCORES_DAYS = 0
        assert retention.purge(now=timezone.now() + dt.timedelta(days=20_000))["plans"]

    def drop_a_year() -> None:
        settings.KEEP_SCORES_DAYS = 365
        assert retention.purge(now=dt.datetime(2024, 8, 1, 20, tzinfo=dt.UTC))["scores"] == 1

    steps = [erase, erase, drop_a_year, lambda: undo(again)]
    dice.shuffle(steps)
    for step in [*steps, lambda: undo(runs["caaspp-2022-23"]), purge_plans, erase]:
        with kept_in_step():
            step()
    assert counted(), "of those who are left"
    test = Assessment.objects.filter(parent__isnull=True)[0]
    HiddenResults.objects.create(
        assessment_id=test.pk, school_year=2024, scope="1234567", stamp="", cells="", crossed=""
    )
    destroy_district(LEA.objects.get().code, reason="agreement ended", by="J. Admin")
    assert not counted()
    assert not HiddenResults.objects.exists(), "its versions are gone as well, and would begin again at 1"


def test_a_student_counts_once_as_the_include_indicator_says() -> None:
    people()
    facts = {"district_code": "12345670000000", "school_code": "12345670000001", "uin": ""}
    lines = [
        ela(ssid=SSIDS[0], include_indicator="Y", scale_score="2502", achievement_level="3", gender="F", **facts),
        ela(ssid=SSIDS[1], include_indicator="T", scale_score="2300", achievement_level="1", gender="M", **facts),
        ela(ssid=SSIDS[2], include_indicator="N", scale_score="2300", achievement_level="1", gender="F", **facts),
        ela(ssid=SSIDS[3], include_indicator="", scale_score="2600", achievement_level="4", gender="F", **facts),
    ]
    start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", *lines), work="import")

    whole = ResultCount.objects.get(student_group="all")
    assert (whole.lea, whole.school, whole.grade) == ("1234567", "0000001", "05")
    assert (whole.tested, whole.scored) == (3, 2)
    assert (whole.level_1, whole.level_3, whole.level_4) == (0, 1, 1)
    assert (whole.scale_count, whole.scale_sum) == (2, 2502 + 2600)
    assert ResultCount.objects.get(student_group="g:F").tested == 2

    # The record that comes later, of the same student and test, takes the place of the first.
    start(TYPES["caaspp-2023-24"], text("caaspp-2023-24", lines[0] | {"scale_score": "2300", "achievement_level": "1"}),
          work="import")  # fmt: skip
    again = ResultCount.objects.get(student_group="all")
    assert (again.tested, again.scored, again.level_1, again.level_3) == (3, 2, 1, 0)
