"""Every text that refuses something (a run, a request, a form field, a command) says what to do next."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.own_packages import PACKAGES

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "migrations",
    "demo",
    "families",
}  # families read theirs in two languages, beside the form that says what to do
# An instruction: a verb that begins a sentence or follows a colon, a comma, a dash or "then"; or what is allowed, told in full.
VERBS = (
    "accept|add|answer|ask|begin|cancel|change|check|choose|clear|compare|correct|cut|download|enroll|enter|export|fill|find|get|"
    "give|go|import|keep|leave|look|make|mark|name|open|put|read|remove|rename|request|revert|run|save|say|see|select|send|set|shorten|sign|start|"
    "take|tell|test|try|turn|type|undo|unpack|upload|use|wait|write|there is|nothing to do"
)
NEXT_STEP = re.compile(
    rf"(?:^|[.:;,!?—–…] |\bthen |\band |\bor |“)(?:please |better |first )?(?:{VERBS})\b"
    r"|\bexpected\b|\bat (?:least|most)\b|\bhas to\b|\bhave to\b|\bcan be (?:made|put|pressed|set|chosen|corrected)\b",
    re.IGNORECASE,
)
RAISED = re.compile(r"RefusedError|ValidationError|add_error")
DOUBLED = re.compile(r"\b([A-Z][^.!?]{8,}[.!?]) \1")
# Idioms that a school registrar had to read twice.
PUZZLING = re.compile(
    r"\b(nobody|somebody|anybody|everybody|whoever)\b|\ball the same\b|\bany more\b|\bfor ever\b|\bat once\b|\bmeanwhile\b|"
    r"; else |\bto do, if\b|\b(is|are) none of\b|\bstands?\b|\bwhat is not (named|said)\b|\bsays so\b",
    re.IGNORECASE,
)


def refusals() -> Iterator[tuple[str, str]]:
    """Place and text of every refusal that is written where it is raised; values in it as `…`."""
    for room in PACKAGES:
        for path in sorted((ROOT / room).rglob("*.py")):
            if ELSEWHERE & set(path.relative_to(ROOT).parts):
                continue
            source = path.read_text("utf-8")
            if not RAISED.search(source):  # this module is read by each process that collects tests
                continue
            for node in ast.walk(ast.parse(source)):
                text = _text(node)
                if text:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", text  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name.endswith("RefusedError") or name == "ValidationError":
        said = node.args[:1]
    elif name == "add_error":
        said = node.args[1:2]
    else:
        return ""
    return _written(said[0]) if said else ""


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"_", "gettext"} and node.args:
        return _written(node.args[0])
    return ""


def _is_sentence(text: str) -> bool:
    """Neither a value alone nor the code of an issue, whose words the register of codes has."""
    return bool(re.search(r"[a-z]{3}", text))


WRITTEN = [(place, text) for place, text in refusals() if _is_sentence(text)]


def test_there_are_refusals_to_look_at() -> None:
    assert len(WRITTEN) > 60


def test_every_refusal_is_made_of_whole_sentences() -> None:
    wrong = [
        (place, text)
        for place, text in WRITTEN
        if not (text[:1].isupper() or text[0] in "“…")
        or not text.endswith((".", "!", "?", "…"))
        or "  " in text
        or DOUBLED.search(text)
    ]
    assert not wrong


def test_every_refusal_names_a_next_step() -> None:
    assert [(place, text) for place, text in WRITTEN if not NEXT_STEP.search(text)] == []


def test_no_refusal_has_an_idiom_that_puzzles_a_registrar() -> None:
    assert [(place, match[0]) for place, text in WRITTEN for match in PUZZLING.finditer(text)] == []
