"""The latest results of long test runs, on one page: `script/scoreboard` prints it and writes docs/security/scoreboard.md.

A run writes its results to a file in `var/proof` (tests/results.py). The latest of each is kept in docs/security/results.json, so
that a board written on another machine has it too, with its own day and commit. A run that was never made is shown as open, with
the reason.
"""

import datetime as dt
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "security" / "scoreboard.md"
KEPT = ROOT / "docs" / "security" / "results.json"
NONE_YET = "open"
_MOST_OPEN = 40  # per run: the rest is only counted

Result = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One row. `open`: what is wrong, or why there is no figure."""

    what: str
    found: str
    how: str
    when: str = ""
    open: tuple[str, ...] = ()


def _none_yet(what: str, how: str, why: str = "it takes long") -> Line:
    return Line(what, NONE_YET, how, open=(f"no figure yet: {why}, and no result was kept of `{how}`.",))


def results(folder: Path, kept: Path | None = None) -> dict[str, Result]:
    """By name of the run: the latest one on this machine, or the kept result of an earlier one."""
    found: dict[str, Result] = json.loads(kept.read_text(encoding="utf-8")) if kept and kept.exists() else {}
    for path in sorted(folder.glob("*.json")):
        result: Result = json.loads(path.read_text(encoding="utf-8"))
        if result["date"] >= found.get(path.stem, result)["date"]:
            found[path.stem] = result
    return found


def _of(found: dict[str, Result], prefix: str, whole: str) -> list[Result]:
    """Parts of a run, each kept separately; one result for all parts counts until there are as many parts again."""
    parts = [result for name, result in found.items() if name.startswith(f"{prefix}-")]
    once = found.get(prefix)
    if once and sum(part[whole] for part in parts) < once[whole]:
        return [once]
    return parts


def _share(parts: list[Result], right: str, whole: str) -> str:
    return f"{sum(part[right] for part in parts):,}/{sum(part[whole] for part in parts):,}"


def _when(parts: list[Result]) -> str:
    return ", ".join(sorted({f"{part['date']} {part['commit']}" for part in parts}))


def _open(parts: Iterable[Result]) -> tuple[str, ...]:
    return tuple(text for part in parts for text in part.get("open") or ())


def _shares(found: dict[str, Result]) -> Iterable[Line]:
    for what, prefix, right, whole, how in (
        ("Hostile files that end as they must", "hostile", "right", "files", "script/test hostile"),
        ("Runs struck by a fault that end as without it", "fault", "right", "runs", "script/test faults --runs 80"),
        (
            "Purges, backups and pick-ups struck by a fault",
            "other-works",
            "right",
            "runs",
            "script/test faults --runs 80",
        ),
        (
            "Access cases answered as the table says",
            "access",
            "right",
            "cases",
            "script/test faults tests/accounts/test_matrix.py",
        ),
        ("Permission lines missed when taken away", "permission-lines", "noticed", "lines", "script/test load"),
        ("Tamperings with the record of access found", "tamperings", "found", "made", "script/test tests/audit"),
    ):
        parts = _of(found, prefix, whole)
        if not parts:
            yield _none_yet(what, how)
            continue
        yield Line(what, _share(parts, right, whole) + _more(prefix, parts), how, _when(parts), _open(parts))


def _more(prefix: str, parts: list[Result]) -> str:
    """Further text of a row besides its share."""
    if prefix == "hostile":
        corpus = max(part.get("corpus", 0) for part in parts)
        tried = sum(part["files"] for part in parts)
        left = f" (of {corpus:,} in the corpus)" if corpus > tried else ""
        seconds, megabytes = max(part["most_seconds"] for part in parts), max(part["most_megabytes"] for part in parts)
        crashes = sum(part["crashes"] for part in parts)
        database = max(part.get("most_database_seconds", 0) for part in parts)
        apart = f" ({database:.1f} more in the database)" if database else ""
        return f"{left}; {crashes} crashes; at most {seconds:.1f} processor seconds{apart} and {megabytes:.0f} MB"
    if prefix in ("fault", "other-works"):
        kinds, struck = sum(part.get("kinds", 1) for part in parts), sum(part["struck"] for part in parts)
        each = f" of {min(part['runs'] for part in parts)} and more" if kinds == len(parts) > 1 else ""
        return f"; {kinds} kinds{each}, {struck:,} struck while at work"
    return ""


def lines(found: dict[str, Result]) -> list[Line]:
    """The rows of the board."""
    rows = [*_shares(found), _asvs()]
    for what, name, how, why in _SINGLE:
        result = found.get(name)
        if result is None:
            rows.append(_none_yet(what, how, why))
        else:
            rows.append(Line(what, _words(name, result), how, _when([result]), _open([result])))
    return rows


_SINGLE = (
    ("Advisories of the packages", "advisories", "script/audit", "no advisories could be reached where it ran"),
    ("Restore drill", "restore", "script/test faults tests/wiring/test_backup.py", "it sets up two installations"),
    ("Seeded names found elsewhere after erasing", "names", "script/test tests/erasing", "it fills a whole district"),
    ("Slow uploads beside browsing", "slow-uploads", "script/test load", "it needs a machine that does nothing else"),
)


def _words(name: str, result: Result) -> str:
    if name == "restore":
        return f"{result['seconds']:.1f} s"
    if name == "names":
        return f"{result['found']}"
    if name == "advisories":
        return f"{result['found']} in {result['checked']} of {result['packages']} packages"
    return (
        f"{result['health_p95']:.2f} s p95 of /health/ beside {result['senders']} slow uploads and {result['people']} people, "
        f"{result['pages_p95']:.2f} s of pages; load average {result['load_before']:.0f} before it began"
    )


def _asvs() -> Line:
    text = (ROOT / "docs" / "security" / "asvs.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["requirements"]
    counts = Counter(row[2] for row in rows)
    left = tuple(f"ASVS {row[0]}: {row[3]}. {row[4]}" for row in rows if row[2] == "open")
    words = f"{counts['met']} met, {counts['na']} not applicable, {counts['open']} open"
    return Line("ASVS 5.0, levels 1 and 2", words, "docs/security/asvs.md", open=left)


def page(rows: list[Line], *, commit: str, day: str) -> str:
    words = [
        "# Scoreboard",
        "",
        f"Written by `script/scoreboard` on {day} at commit {commit}. Each number is what a run really found, with its day and",
        "commit, kept in [results.json](results.json); without a figure a line is open, and says why.",
        "",
        "| what | found | run | when |",
        "|---|---|---|---|",
        *(f"| {row.what} | {row.found} | `{row.how}` | {row.when} |" for row in rows),
        "",
        "## Open",
        "",
    ]
    items = [text for row in rows for text in _listed(row)]
    return "\n".join(words + [f"- {_plain(item)}" for item in items or ["Nothing."]]) + "\n"


def _listed(row: Line) -> list[str]:
    if row.what.startswith("ASVS"):
        return list(row.open)
    rest = len(row.open) - _MOST_OPEN
    return [f"{row.what}: {text}" for text in row.open[:_MOST_OPEN]] + (
        [f"{row.what}: {rest} more."] if rest > 0 else []
    )


def _plain(text: str) -> str:
    """The text as one line of the list, even with the name of a hostile file."""
    cleaned = "".join(sign if sign.isprintable() else "?" for sign in text).replace("<", "&lt;").replace("|", "\\|")
    return cleaned if len(cleaned) <= 300 else f"{cleaned[:300]}…"


def main() -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short=9", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    folder = Path(os.environ.get("SISIMPORT_PROOF_DIR") or ROOT / "var" / "proof")
    found = results(folder, KEPT)
    KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    text = page(
        lines(found),
        commit=commit.stdout.strip() or "unknown",
        day=dt.datetime.now(tz=dt.UTC).date().isoformat(),
    )
    PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
