"""Words that made readers stop, and were replaced: they do not come back in code, pages, messages or guides."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.own_packages import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
# The name of a test is a sentence: its words are searched as well.
TEST_NAME = re.compile(r"\bdef (test_\w+)")
ENDINGS = (".py", ".html", ".md", ".yml", ".example")
# Word or phrase -> what to say instead.
REPLACED = {
    r"reaper": "reconciler",
    r"\bdoorbell\b": "the broker only notifies",
    r"\bring_for\b|\bring=": "enqueue",
    r"(?<![a-z])parked": "failed after 3 attempts",
    r"\b(rules?|issues?|lines?|files?|Tests?) (speaks?|spoke) of\b": "is about, fires for",
    # "There is no file" is plain; "a purge is no run" is not.
    r"(?<!there )(?<!here )\b(is|are|was|were) no (?!longer\b|more\b|less\b|later\b|earlier\b|one\b|other\b|match\b)[a-z]": (
        "is not a"
    ),
    r"\banew\b": "again",
    r"\b(stand|stands|stood|standing) in\b(?! for\b)": "is in, appears in",
    r"\bwhen you come by\b": "when convenient",
    r"\bstands twice\b": "is defined twice",
    r"\bspoil(t|ed|s)?\b(?<!UIN-SPOILED)": "damaged",
    r"under each other's heading": "in swapped columns",
    r"\banother [a-z ]{2,40}than on record": "differs from the record",
    r"\bthis very\b": "exactly this",
    r"\bsorted (alone|by itself)\b": "sorted separately",
    r"\bthe own\b": "their own, its own",
    r"\bof another issuer\b": "from another issuer",
    r"\blooks? again\b": "check again",
    r"\bneighbour": "neighbor",
    r"\bcolours?\b": "color",
    r"\blabelled\b": "labeled",
    r"\bleafs?\b": "page",
    r"\bround about\b": "indirectly",
    r"\b(read|pass|change) in silence\b": "without a notice, silently",
    r"\b(is|are|was) put right\b|\bLetters put right\b": "corrected",
    r"\bgone on with\b": "continued",
    r"\bnothing of ours\b|\b(word|number|code)s? of ours\b": "our own",
    r"\brules are (not )?asked\b": "evaluated",
    r"\b(is|are) laid into\b": "is put into",
}
HISTORY = ("docs/decisions/", "CHANGELOG.md", "tests/docs/test_plain_words.py")


def ours() -> list[Path]:
    """Files of the repository that people read; those of a clone without git as well."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() or [
        str(path.relative_to(ROOT)) for room in (*PACKAGES, "templates", "docs") for path in (ROOT / room).rglob("*")
    ]
    return [
        ROOT / name
        for name in names
        if name.endswith(ENDINGS) and not name.startswith(HISTORY) and "/migrations/" not in name
    ]


def with_spaces(text: str) -> str:
    return TEST_NAME.sub(lambda name: name[0].replace("_", " "), text)


def test_words_that_were_replaced_do_not_come_back() -> None:
    files = [path for path in ours() if path.is_file()]
    assert len(files) > 300
    any_of_them = re.compile("|".join(REPLACED), re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {match[0]!r} (say: {instead})"
        for path in files
        for text in [with_spaces(path.read_text(encoding="utf-8"))]
        if any_of_them.search(text)
        for words, instead in REPLACED.items()
        for match in re.finditer(words, text, re.IGNORECASE)
    ]
    assert found == []


# A participle does not say what a variable holds; `facts` holds anything. Say what it is: `known_ssids`, `counts`, `summary`.
VAGUE_NAMES = {"known", "told", "taken", "facts", "said", "asked"}


def variables(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every variable and parameter of the functions of a module that has one of the names at all."""
    text = path.read_text(encoding="utf-8")
    if not re.search(rf"\b({'|'.join(VAGUE_NAMES)})\b", text):
        return
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.lineno, node.id
                elif isinstance(node, ast.arg):
                    yield node.lineno, node.arg


def test_variables_are_named_for_what_they_hold() -> None:
    modules = [path for path in ours() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES]
    assert len(modules) > 250
    found = {
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules
        if path.is_file()
        for line, name in variables(path)
        if name in VAGUE_NAMES
    }
    assert sorted(found) == []
