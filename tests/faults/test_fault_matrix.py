"""The matrix of faults: each kind strikes each work at random moments, and every run ends as if nothing had happened.

Issue 16, 8: 0 half, 0 lost, 0 repairs by hand. The records afterwards have the checksum of a run without a fault, and the run
says it is completed, with counts that add up. `script/test faults --runs 80` strikes 80 runs of each kind (and five purges,
backups and pick-ups each: test_other_works.py), `script/test faults` five, the suite one of one kind.
"""

import datetime as dt
import io
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from django.db import connection

from assessments.demo.score_files import people, write_scores
from assessments.scores.import_type import LAYOUTS
from sisimport.files.layouts import load_layouts
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.models.runs import ACTIVE
from sisimport.imports.runs.services import start_revert, start_run, start_update
from sisimport.imports.runs.uploads import keep_file
from students.models import LEA
from tests import results
from tests.faults.conftest import Broker, wait_for_end
from tests.faults.district import District, make_district
from tests.faults.kinds import KINDS, Kind, Scene
from tests.longer import LONG

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

RUNS = int(os.environ.get("FAULT_RUNS") or (5 if LONG else 1))
STUDENTS = 400
SCORES, LAYOUT = "elpac-summative-2025", "elpac-summative-2024-25"
IN_EVERY_SUITE = {"messages are garbled"}  # killed processes: test_runs_survive.py
TABLES = (
    "students_student", "students_ssid", "students_elrecord", "students_enrollment",
    "assessments_assessment", "assessments_score",
)  # fmt: skip
# What is another one each time: keys, moments, and the number of the run that wrote a row.
NOT_COMPARED = "{id,created_at,updated_at,since,learned_at,origin_run,origin_run_id,run,run_id,assessment_id,parent_id}"


def checksum() -> dict[str, str]:
    """One text for the records of each table, whatever the order of the rows."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            row = f"md5((to_jsonb(t) - '{NOT_COMPARED}'::text[])::text)"
            cursor.execute(f"SELECT count(*), md5(coalesce(string_agg({row}, '' ORDER BY {row}), '')) FROM {table} t")
            found[table] = "{} {}".format(*cursor.fetchone())
    return found


@dataclass
class Works:
    """One district, and what is done with it in turn: Test, Update, Import, Revert of both, so that it is as it was."""

    district: District
    scores: ImportFile | None = None
    newest: dict[str, ImportRun] | None = None
    usual: dict[str, dict[str, str]] = field(default_factory=dict)

    def start(self, name: str) -> ImportRun:
        assert self.newest is not None
        if name == "Test":
            return self.district.start_test()
        if name == "Update":
            return start_update(test_run=self.newest["Test"], user=None)
        if name == "Import":
            return start_run(
                file=self.score_file(), import_type=SCORES, work=Work.IMPORT, options={}, user=None, schools=None
            )
        return start_revert(run=self.newest["Import" if name == "Revert of the Import" else "Update"], user=None)

    def score_file(self) -> ImportFile:
        """Scores of the students, who have their SSIDs by now."""
        if self.scores is None:
            stream = io.StringIO(newline="")
            layout = load_layouts(LAYOUTS)[LAYOUT]
            write_scores(stream, layout, people(LEA.objects.get(code=self.district.lea_code)))
            self.scores = keep_file(stream=io.BytesIO(stream.getvalue().encode()), name="scores.csv", user=None)
        return self.scores


IN_TURN = ("Test", "Update", "Import", "Revert of the Import", "Revert")


@dataclass
class Found:
    """What became of the runs of a kind. `struck`: the fault came while the run was worked on or waited;
    `again`: it failed, had written nothing, and was started once more."""

    runs: int = 0
    struck: int = 0
    again: int = 0
    wrong: list[str] | None = None
    since: str = ""  # the commit of the first of them, where it was another run of tests


@pytest.fixture
def impatient(broker: Broker, monkeypatch: pytest.MonkeyPatch, uploads: None) -> Iterator[Broker]:
    """A broker with one worker of its own; silence of eight seconds is taken for a stop."""
    broker.kill_workers()
    monkeypatch.setenv("RUN_SILENT_SECONDS", "8")
    broker.start_worker()
    yield broker
    broker.kill_workers()
    broker.workers.clear()


def kinds() -> list[Any]:
    return [
        pytest.param(
            "valkey" if kind.valkey else "filesystem",
            kind,
            id=kind.name,
            marks=[
                *([] if kind.name in IN_EVERY_SUITE else [pytest.mark.faults]),
                *([pytest.mark.alone] if kind.alone else []),
            ],
        )
        for kind in KINDS
    ]


@pytest.mark.parametrize(("broker", "kind"), kinds(), indirect=["broker"])
def test_a_fault_of_this_kind_leaves_nothing_half_and_loses_nothing(
    kind: Kind, impatient: Broker, database_url: str
) -> None:
    works = Works(make_district(students=STUDENTS), newest={})
    usual: dict[str, tuple[float, dict[str, str], int]] = {}
    for name in IN_TURN:  # without a fault: how long it takes, and what the records are then
        began = time.monotonic()
        run = _done(works, name)
        assert run.status == RunStatus.COMPLETED, run.message
        usual[name] = (time.monotonic() - began, checksum(), run.import_count)
        works.usual[name] = usual[name][1]
    assert usual["Update"][1] != usual["Revert"][1] != usual["Import"][1] != usual["Update"][1]

    found = begun(kind)
    try:
        with psycopg.connect(database_url, autocommit=True) as watch:
            while found.runs < RUNS:
                for name in IN_TURN:
                    chance = random.Random(f"{kind.name}·{name}·{found.runs}")
                    scene = Scene(impatient, database_url, watch, chance, [])
                    _strike(kind, works, name, scene, usual[name], found)
                _keep(kind, found)  # eighty runs take long: what is broken off has told what it found
    finally:
        _keep(kind, found)

    assert found.wrong == []


def _done(works: Works, name: str) -> ImportRun:
    run = wait_for_end(works.start(name))
    assert works.newest is not None
    works.newest[name] = run
    return run


def _strike(
    kind: Kind, works: Works, name: str, scene: Scene, usual: tuple[float, dict[str, str], int], found: Found
) -> None:
    seconds, records, count = usual
    moment = scene.chance.uniform(0, 1.1 * seconds)
    run = works.start(name)
    scene.run_id = run.pk
    time.sleep(moment)
    found.struck += ImportRun.objects.filter(pk=run.pk, status__in=ACTIVE).exists()
    kind.strike(scene)
    kind.heal(scene)
    before = usual_before(works, name)
    assert found.wrong is not None
    told = f"{kind.name}, {name}, after {moment:.2f} of {seconds:.2f} s"
    try:
        # A run whose message was lost is enqueued again every few seconds; a process that is struck may need a minute to be
        # replaced.
        run = wait_for_end(run, patience=150.0)
    except AssertionError as error:  # counted, not only raised: the scoreboard must not hide it
        found.runs += 1
        found.wrong.append(f"{told}: {error}")
        raise
    _put_right(scene)
    if kind.fails_whole and run.status == RunStatus.FAILED and checksum() == before:
        found.again += 1
        run = wait_for_end(works.start(name))
    assert works.newest is not None
    works.newest[name] = run
    found.runs += 1
    if run.status != RunStatus.COMPLETED:
        found.wrong.append(f"{told}: {run.status}: {run.message}")
    elif (sums := checksum()) != records:
        differing = [table for table in records if sums[table] != records[table]]
        found.wrong.append(f"{told}: other records than without a fault: {differing}")
    elif run.import_count != count or sum(run.outcome_counts.values()) != run.record_count:
        found.wrong.append(f"{told}: counts {run.outcome_counts}")
    assert not found.wrong, found.wrong  # the next work begins where this one should have ended


def usual_before(works: Works, name: str) -> dict[str, str]:
    """The records as they are before this work."""
    at = IN_TURN.index(name)
    return works.usual[IN_TURN[at - 1] if at else "Revert"]


def _put_right(scene: Scene) -> None:
    """What the machine does automatically: a worker that ended or hangs for good is started again by its supervisor."""
    stopped = [one for one in scene.kept if hasattr(one, "signal_children")]
    for worker in stopped:
        worker.kill()
    scene.kept[:] = [one for one in scene.kept if one not in stopped]
    scene.let_go()
    while len(scene.workers) > 1:
        scene.workers[-1].kill()
    scene.ensure_worker()


def result_name(kind: Kind) -> str:
    return f"fault-{KINDS.index(kind):02d}"


def begun(kind: Kind) -> Found:
    """What was found today by `--runs N` until it was broken off: eighty runs of each kind take an hour, and continue."""
    kept = results.read(result_name(kind)) if "FAULT_RUNS" in os.environ else None
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    if kept is None or kept["runs"] >= RUNS or kept["right"] + kept["again"] < kept["runs"] or kept["date"] != today:
        return Found(wrong=[])
    return Found(kept["runs"], kept["struck"], kept["again"], [], since=str(kept["commit"]).partition(" ")[0])


def _keep(kind: Kind, found: Found) -> None:
    wrong = list(found.wrong or [])
    if found.again:
        wrong.append(f"{kind.name}: {found.again} of {found.runs} runs failed whole and had to be started again")
    told = {"kind": kind.name, "runs": found.runs, "struck": found.struck, "again": found.again}
    right = found.runs - found.again - len(found.wrong or [])
    now = results.commit()
    commit = now if found.since in ("", now) else f"{found.since} to {now}"
    results.write(result_name(kind), {**told, "commit": commit, "right": right, "works": list(IN_TURN), "open": wrong})
