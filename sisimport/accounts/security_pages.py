"""Pages of docs/security that are made from data: the verification standard, and which data is kept, where and how long."""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sisimport.imports.reference import MADE, PAGES
from sisimport.runtime.retention import all_kept

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "security"
STATES = ("met", "na", "open")
WORDS = {"met": "met", "na": "not applicable", "open": "**open**"}
CHAPTERS = (
    "Encoding and sanitization", "Validation and business logic", "Web front end", "API and web services", "Files", "Signing in",
    "Sessions", "Authorization", "Self-contained tokens", "OAuth and OpenID Connect", "Cryptography", "Secure communication",
    "Configuration", "Data protection", "Secure coding and architecture", "Logs and errors", "WebRTC",
)  # fmt: skip


def requirements() -> list[tuple[str, int, str, str, str]]:
    """(number, level, state, words, test or reason) of levels 1 and 2."""
    text = (FOLDER / "asvs.toml").read_text(encoding="utf-8")
    return [
        (number, level, state, words, why) for number, level, state, words, why in tomllib.loads(text)["requirements"]
    ]


def counted() -> Counter[str]:
    """How many requirements are met, not applicable and open."""
    return Counter(state for _, _, state, _, _ in requirements())


def asvs_page() -> str:
    counts = counted()
    lines = [
        "# OWASP ASVS 5.0, levels 1 and 2",
        "",
        MADE,
        "",
        f"{counts['met']} met, {counts['na']} not applicable, {counts['open']} open, of {counts.total()}. Numbers and levels are",
        "those of version 5.0.0; the words are ours and short: what a requirement asks is in the standard. *Met* names",
        "the test that shows it, and a test fails where there is none. *Open* says what is missing. Made from",
        "[asvs.toml](asvs.toml).",
    ]
    chapter = 0
    for number, level, state, words, why in requirements():
        if int(number.split(".")[0]) != chapter:
            chapter = int(number.split(".")[0])
            lines += [
                "",
                f"## V{chapter} {CHAPTERS[chapter - 1]}",
                "",
                "| number | level | | what | shown by, or why |",
                "|---|---|---|---|---|",
            ]
        lines.append(f"| {number} | {level} | {WORDS[state]} | {words} | {_shown_by(why) if state == 'met' else why} |")
    return "\n".join(lines) + "\n"


def _shown_by(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{(name or path.rsplit('/', 1)[-1]).removeprefix('test_').replace('_', ' ')}](../../{path})"


def inventory() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """`kept`: entries for database tables; `elsewhere`: for data outside the database."""
    return tomllib.loads((FOLDER / "inventory.toml").read_text(encoding="utf-8"))


def inventory_page() -> str:
    found = inventory()
    lines = [
        "# What is kept, where, how long, and who sees it",
        "",
        MADE,
        "",
        "Every table of the database is here: a test fails for one that is not. Days are those of the settings unless others",
        "are set ([keep and remove](../how-to/keep-and-remove.md)). *Roles* are those of [who may open what](access.md).",
        "Made from [inventory.toml](inventory.toml).",
        "",
        "## In the database",
        "",
        "| what | what kind of data | kept | who sees it | tables |",
        "|---|---|---|---|---|",
    ]
    for entry in found["kept"]:
        tables = ", ".join(f"`{label}`" for label in entry["models"])
        lines.append(f"| {entry['what']} | {entry['kind']} | {_kept(entry['keep'])} | {entry['who']} | {tables} |")
    lines += ["", "## Outside it", "", "| what | what kind of data | kept | who sees it |", "|---|---|---|---|"]
    for entry in found["elsewhere"]:
        lines.append(f"| {entry['what']} | {entry['kind']} | {_kept(entry['keep'])} | {entry['who']} |")
    return "\n".join(lines) + "\n"


def _kept(keep: str) -> str:
    """Days for a kind of data that is removed automatically; else the words unchanged."""
    days = {kept.kind: kept.days() for kept in all_kept()}
    if keep not in days:
        return keep
    if days[keep] == 0:
        return "until the student is erased or the district destroyed, unless a setting is shorter"
    return f"{days[keep]:,} days" if days[keep] > 1 else "a day after they end"


PAGES["../security/asvs.md"] = asvs_page
PAGES["../security/data-inventory.md"] = inventory_page
