"""Cells of files that people open in a spreadsheet: text stays text and never becomes a formula. Pure."""

import re

# What a spreadsheet takes for the start of a formula; the control characters are skipped by some and reveal one behind them.
_FORMULA = r"[=+\-@\t\r\n]"
_TO_GUARD = re.compile(rf"'*{_FORMULA}")
_GUARDED = re.compile(rf"'+{_FORMULA}")


def safe_cell(value: object) -> str:
    """A value as a CSV cell: an apostrophe goes before what would start a formula (a name may be `=HYPERLINK(…)`).

    And before apostrophes before that, so that `plain_cell` finds the value again whatever it is. Our own numbers are none:
    -22.5 stays one.
    """
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if _TO_GUARD.match(text) else text


def plain_cell(text: str) -> str:
    """The value that `safe_cell` wrote: `'-Ana` is -Ana, also where a spreadsheet dropped the apostrophe; 'Iolani stays."""
    return text[1:] if _GUARDED.match(text) else text
