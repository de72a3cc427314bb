"""The scoreboard tells what runs found, says what was not run, and lists what is open."""

import datetime as dt
import json
from pathlib import Path

import pytest

from sisimport import scoreboard
from tests import results
from tests.faults import test_fault_matrix
from tests.faults.kinds import KINDS

RUN = {"date": "2026-11-28", "commit": "abc123def"}


def written(folder: Path, **found: object) -> None:
    for name, result in found.items():
        (folder / f"{name.replace('_', '-')}.json").write_text(json.dumps(RUN | dict(result)))  # type: ignore[call-overload]


def board(folder: Path) -> str:
    return scoreboard.page(scoreboard.lines(scoreboard.results(folder)), commit="abc", day="2026-11-29")


def test_what_has_no_figure_is_open_with_the_reason(tmp_path: Path) -> None:
    text = board(tmp_path)

    assert "| Hostile files that end as they must | open |" in text
    assert (
        "- Restore drill: no figure yet: it sets up two installations, and no result was kept of `script/test" in text
    )
    assert "not run" not in text


def test_every_line_of_the_board_in_the_repository_has_a_figure_with_its_day_or_is_open() -> None:
    for row in scoreboard.lines(scoreboard.results(Path("nowhere"), scoreboard.KEPT)):
        assert row.found == scoreboard.NONE_YET or row.when or row.what.startswith("ASVS"), row
        assert row.found != scoreboard.NONE_YET or row.open, row


def test_what_was_kept_continues_until_a_newer_run_says_another_thing(tmp_path: Path) -> None:
    kept = tmp_path / "kept" / "results.json"
    kept.parent.mkdir()
    old = RUN | {"date": "2026-11-27"}
    faults = old | {"runs": 10, "right": 9, "struck": 8, "kinds": 2}
    kept.write_text(json.dumps({"restore": old | {"seconds": 40.0}, "names": old | {"found": 0}, "fault": faults}))
    written(tmp_path, restore={"seconds": 12.34}, fault_01={"runs": 5, "right": 5, "struck": 5})

    found = {row.what: row for row in scoreboard.lines(scoreboard.results(tmp_path, kept))}

    assert (found["Restore drill"].found, found["Restore drill"].when) == ("12.3 s", "2026-11-28 abc123def")
    assert found["Seeded names found elsewhere after erasing"].when == "2026-11-27 abc123def"
    # One kind again says less than all of them together did.
    assert found["Runs struck by a fault that end as without it"].found == "9/10; 2 kinds, 8 struck while at work"


def test_a_matrix_of_faults_that_was_broken_off_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eighty runs of each kind take an hour: what was found today counts, unless something was wrong."""
    kind = KINDS[2]
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(test_fault_matrix, "RUNS", 80)
    today = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "struck": 40}
    for told, begun in (
        ({"runs": 50, "right": 49, "again": 1}, (50, 40, 1)),
        ({"runs": 50, "right": 49, "again": 0}, (0, 0, 0)),
        ({"runs": 80, "right": 80, "again": 0}, (0, 0, 0)),
        ({"runs": 50, "right": 50, "again": 0, "date": "2026-01-01"}, (0, 0, 0)),
    ):
        results.write(test_fault_matrix.result_name(kind), {**today, **told, "open": []})
        monkeypatch.delenv("FAULT_RUNS", raising=False)
        assert test_fault_matrix.begun(kind).runs == 0
        monkeypatch.setenv("FAULT_RUNS", "80")
        found = test_fault_matrix.begun(kind)
        assert (found.runs, found.struck, found.again) == begun


def test_numbers_are_those_of_the_runs_and_parts_are_added(tmp_path: Path) -> None:
    costs = {"crashes": 0, "most_seconds": 3.25, "most_megabytes": 140.4, "corpus": 40}
    written(
        tmp_path,
        hostile_0={"files": 10, "right": 10, "open": [], **costs},
        hostile_1={"files": 10, "right": 9, "open": ["a file <b>\x1b of | trouble"], **costs},
        fault_00={"runs": 5, "right": 5, "struck": 4, "open": []},
        restore={"seconds": 12.34, "files": 3},
    )

    text = board(tmp_path)

    assert "| 19/20 (of 40 in the corpus); 0 crashes; at most 3.2 processor seconds and 140 MB |" in text
    assert "| 5/5; 1 kinds, 4 struck while at work |" in text
    assert "| 12.3 s |" in text
    assert "2026-11-28 abc123def" in text
    assert "- Hostile files that end as they must: a file &lt;b>? of \\| trouble" in text


def test_every_open_requirement_is_listed(tmp_path: Path) -> None:
    rows = scoreboard.lines(scoreboard.results(tmp_path))
    asvs = next(row for row in rows if row.what.startswith("ASVS"))

    assert len(asvs.open) == int(asvs.found.split(", ")[2].split()[0]) > 0
    assert all(f"- {scoreboard._plain(text)}" in board(tmp_path) for text in asvs.open)
