"""The hostile corpus: files of some kinds here, of every kind in `script/test faults`, all files in `script/test hostile`.

Each of those in a process with limits.
"""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from sisimport.imports.definition import registry
from sisimport.runtime.processes import ROOT
from tests import results
from tests.hostile import judging
from tests.hostile.corpus import Hostile, Undamaged, every_file, seeded
from tests.hostile.judging import Change
from tests.imports.journey import snapshot
from tests.longer import FAST

PARTS = 3
MANY = ("no table", "archive", "workbook")  # kinds of which every other one is taken
EACH = 12 if FAST else 3  # of these, the suite takes one in so many; `script/test faults` the others


def sample() -> list[Any]:
    """Parameters: one small file of most kinds, of a type and value that the seed picks."""
    kinds: dict[str, list[Hostile]] = {}
    for file in every_file():
        if not file.heavy:
            kinds.setdefault(file.kind, []).append(file)
    several = [kind for kind in kinds if kind.split(":")[0] in MANY]
    chosen = [seeded("sample", kind).choice(files) for kind, files in kinds.items() if kind not in several[1::2]]
    return [
        pytest.param(file, id=file.title, marks=[pytest.mark.faults] if place % EACH else [])
        for place, file in enumerate(chosen)
    ]


@pytest.fixture(scope="module")
def usual() -> dict[Undamaged, list[tuple[int, Change]]]:
    return {}


def trouble(file: Hostile, usual: dict[Undamaged, list[tuple[int, Change]]]) -> list[str]:
    """What is wrong with how this file ends; nothing of it stays in the database."""
    with _undone():
        judging.arrange(file.import_type)
        before = snapshot()
        if file.undamaged not in usual:
            with _undone():
                usual[file.undamaged] = judging.undamaged(file.undamaged)
        data = file.make()
        trial = judging.look(file, io.BytesIO(data))
        return judging.judge(file, trial, usual[file.undamaged], data, before)


class _undone:  # noqa: N801 (reads as a word of its block)
    """Everything in the block is taken back."""

    def __enter__(self) -> None:
        self.block = transaction.atomic()
        self.block.__enter__()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            transaction.set_rollback(True)
        self.block.__exit__(kind, error, trace)  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize("file", sample())
def test_a_file_of_a_kind_ends_as_it_must(file: Hostile, usual: dict[Undamaged, list[tuple[int, Change]]]) -> None:
    assert not trouble(file, usual)


@pytest.mark.hostile
@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_file_ends_as_it_must_within_its_limits(part: int, database_url: str, tmp_path: Path) -> None:
    numbers = [number for number in range(len(every_file())) if number % PARTS == part]
    seeded("order").shuffle(numbers)  # a run that is broken off has tried some of every kind
    environment = dict(os.environ) | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "SISIMPORT_DATA_DIR": str(tmp_path / "data"),
    }
    log, answers = tmp_path / "log", tmp_path / "answers"
    try:
        with log.open("wb") as errors, answers.open("wb") as told:
            subprocess.run(
                [sys.executable, "-m", "tests.hostile.trying"],
                cwd=ROOT, env=environment, input="".join(f"{number}\n" for number in numbers), stdout=told, stderr=errors,
                text=True, check=False,
            )  # fmt: skip
    finally:  # a run that is broken off keeps what it found
        trials = [json.loads(line) for line in answers.read_text().splitlines(keepends=True) if line.endswith("\n")]
        wrong = _keep(part, trials)
    assert len(trials) == len(numbers), log.read_text()[-4000:]
    assert not wrong, "\n".join(wrong) + "\n" + log.read_text()[-4000:]


def _keep(part: int, trials: list[dict[str, Any]]) -> list[str]:
    """Writes the result of a part, and says what was wrong."""
    wrong = [f"{one['title']}: {'; '.join(one['wrong'])}" for one in trials if one["wrong"]]
    if trials:
        results.write(
            f"hostile-{part}",
            {
                "corpus": len(every_file()),
                "files": len(trials),
                "right": len(trials) - len(wrong),
                "kinds": len({one["kind"] for one in trials}),
                "crashes": sum(one["status"] == "crash" for one in trials),
                "most_seconds": max(one["seconds"] for one in trials),
                "most_database_seconds": max(one["database"] for one in trials),
                "most_megabytes": max(one["megabytes"] for one in trials),
                "open": wrong,
            },
        )
    return wrong


def test_the_corpus_is_as_large_as_promised_and_always_the_same() -> None:
    files = every_file()
    assert len(files) >= 2000
    assert len({file.title for file in files}) == len(files)
    for file in files[::97]:
        if not file.heavy and not file.convert and "archive" not in file.kind:
            assert file.make() == file.make(), file.title


def test_the_corpus_is_listed_without_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is while tests are collected, perhaps after a request was made there; and this test has no database."""
    monkeypatch.setattr(registry, "_stale", True)
    assert list(every_file.__wrapped__())[:1]
