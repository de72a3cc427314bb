"""Words that made readers stop, and were replaced: they do not come back in code, pages, messages or guides."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENDINGS = (".py", ".html", ".md", ".yml", ".example")
# Word or phrase -> what to say instead.
REPLACED = {
    r"reaper": "reconciler",
    r"\bdoorbell\b": "the broker only notifies",
    r"\bring_for\b|\bring=": "enqueue",
    r"(?<![a-z])parked": "failed after 3 attempts",
    r"\b(rules?|issues?|lines?|files?|Tests?) (speaks?|spoke) of\b": "is about, fires for",
    r"\bis no SSID\b": "is not a valid SSID",
    r"\bwhen you come by\b": "when convenient",
    r"\bstands twice\b": "is defined twice",
    r"\bspoilt\b": "damaged",
}
HISTORY = ("docs/decisions/", "CHANGELOG.md", "tests/docs/test_plain_words.py")


def ours() -> list[Path]:
    """Files of the repository that people read; those of a clone without git as well."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() or [
        str(path.relative_to(ROOT))
        for room in ("sisimport", "ssid", "students", "assessments", "templates", "docs")
        for path in (ROOT / room).rglob("*")
    ]
    return [ROOT / name for name in names if name.endswith(ENDINGS) and not name.startswith(HISTORY)]


def test_words_that_were_replaced_do_not_come_back() -> None:
    files = [path for path in ours() if path.is_file()]
    assert len(files) > 300
    found = [
        f"{path.relative_to(ROOT)}: {match[0]!r} (say: {instead})"
        for path in files
        for words, instead in REPLACED.items()
        for match in re.finditer(words, path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert found == []
