"""The scoreboard tells what runs found, says what was not run, and lists what is open."""

import json
from pathlib import Path

from sisimport import scoreboard

RUN = {"date": "2026-11-28", "commit": "abc123def"}


def written(folder: Path, **found: object) -> None:
    for name, result in found.items():
        (folder / f"{name.replace('_', '-')}.json").write_text(json.dumps(RUN | dict(result)))  # type: ignore[call-overload]


def board(folder: Path) -> str:
    return scoreboard.page(scoreboard.lines(scoreboard.results(folder)), commit="abc", day="2026-11-29")


def test_what_was_not_run_is_said_and_listed(tmp_path: Path) -> None:
    text = board(tmp_path)

    assert "| Hostile files that end as they must | not run |" in text
    assert "- Restore drill: not run." in text


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
