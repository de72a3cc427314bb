"""Rules that hold for all of our source: what no line of it does. A new line that breaks one is seen here, by its place."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from tests.own_packages import PACKAGES

ROOT = Path(settings.BASE_DIR)
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
# What pages keep in the browser, by the first words of its name: the moment of the last request, numbers of runs.
KEPT_IN_BROWSER = {"idle.js": "String(Date.now())", "notify.js": '"yes"'}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for part in PACKAGES:
        for path in (ROOT / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def scripts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "static" / "js").glob("*.js")}


def test_no_program_is_started_by_a_shell() -> None:
    wrong, started = [], 0
    for place, call in calls():
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        started += name in {"Popen", "run"} and isinstance(call.func, ast.Attribute)
        asks = any(
            word.arg == "shell" and not (isinstance(word.value, ast.Constant) and word.value.value is False)
            for word in call.keywords
        )
        of_os = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in {
            "os",
            "subprocess",
            "asyncio",
        }
        if asks or (of_os and name in SHELLS):
            wrong.append(place)

    assert started > 3  # we do look where programs are started
    assert wrong == []


def test_scripts_keep_a_moment_and_numbers_of_runs_in_the_browser_and_nothing_else() -> None:
    kept = {
        (name, value.strip())
        for name, text in scripts().items()
        for value in re.findall(r"(?:local|session)Storage\.setItem\([^,]+(?:\([^)]*\))?,\s*(.+)\);", text)
    }

    assert kept == set(KEPT_IN_BROWSER.items())
    others = [name for name, text in scripts().items() if re.search(r"indexedDB|document\.cookie|caches\.", text)]
    assert others == []


def test_no_script_writes_names_from_data_into_an_object_or_markup_into_a_page() -> None:
    written = (
        r"\w\[[\w.]+\]\s*=[^=]|Object\.assign|__proto__|JSON\.parse|innerHTML|outerHTML|insertAdjacentHTML|\beval\("
    )
    assert [name for name, text in scripts().items() if re.search(written, text)] == []


def test_no_script_prevents_pasting() -> None:
    assert [name for name, text in scripts().items() if re.search(r"""["'](?:paste|copy|cut)["']""", text)] == []
