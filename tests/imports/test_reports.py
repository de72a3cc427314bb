"""What reports show of a run: every issue has words, and no line floods the page."""

import re
from pathlib import Path

import pytest

from sisimport.files.issues import codes
from sisimport.imports.runs.report import MAX_SHOWN, shortened
from sisimport.web.queries import data_lines
from sisimport.web.queries.data_lines import lines_with_text
from tests.files.samples import line
from tests.imports.journey import District, run_file

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


# ---- a text looked for in the file ----


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_lines_that_hold_a_text_are_found_by_their_numbers(district: District, end: str) -> None:
    names = ["Diaz", "Ñandú", "DIAZ", "", "Ortega-diaz", "ñandú", "Odiazo^Diaz"]
    texts = [name and line(last_name=name) for name in names]
    run = run_file("ssid-download", end.join([*texts, line()]), name="search.txt").run

    assert lines_with_text(run, "diaz") == ([1, 3, 5, 7], False)
    assert lines_with_text(run, "ñandú") == lines_with_text(run, "ÑANDÚ") == ([2, 6], False)
    assert lines_with_text(run, "garcía") == ([8], False)
    assert lines_with_text(run, "nobody") == ([], False)


def test_a_text_in_many_lines_is_found_in_the_first_ones_and_that_is_reported(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_lines, "MOST_HITS", 3)
    run = run_file("ssid-download", f"{line()}\n" * 9).run

    assert lines_with_text(run, "garcía") == ([1, 2, 3], True)
