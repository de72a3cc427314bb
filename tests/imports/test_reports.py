"""What reports show of a run: every issue has words, and no line floods the page."""

import re
from pathlib import Path

from sisimport.imports.issues import codes
from sisimport.imports.reports import MAX_SHOWN, shortened

_RAISED = re.compile(r"""(?:FileError\(\s*|Problem\(\s*|code=|IssueCode\(\s*)["']([A-Z]{2,4}-[A-Z0-9-]+)["']""")
_SOURCES = ("sisimport", "ssid", "assessments")


def test_every_code_that_the_code_raises_has_words(settings) -> None:
    raised = {
        code
        for folder in _SOURCES
        for path in (Path(settings.BASE_DIR) / folder).rglob("*.py")
        for code in _RAISED.findall(path.read_text(encoding="utf-8"))
    }

    without_words = sorted(code for code in raised if code not in codes)

    assert len(raised) > 40
    assert without_words == []


def test_a_data_line_is_shown_whole_up_to_the_widest_layout() -> None:
    assert shortened("x" * MAX_SHOWN) == "x" * MAX_SHOWN


def test_an_overlong_data_line_is_cut() -> None:
    assert shortened("x" * (MAX_SHOWN + 1)) == "x" * MAX_SHOWN + " …"
