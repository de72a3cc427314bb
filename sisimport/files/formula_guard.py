"""Cells of files that people open in a spreadsheet: text stays text and never becomes a formula. Pure."""

import re

# Characters that a spreadsheet takes for the start of a formula; some programs skip control characters and find a formula after
# them.
_FORMULA = r"[=+\-@\t\r\n]"
_TO_GUARD = re.compile(rf"'*{_FORMULA}")
_GUARDED = re.compile(rf"'+{_FORMULA}")


def safe_cell(value: object) -> str:
    """A value as a CSV cell: a text that would start a formula gets an apostrophe in front (a name may be `=HYPERLINK(…)`).

    Such a text that already has apostrophes in front gets one more, so that `plain_cell` can recover any value. Our own numbers
    are not guarded: -22.5 stays a number.
    """
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None else str(value)
    return f"'{text}" if _TO_GUARD.match(text) else text


def plain_cell(text: str) -> str:
    """The value that `safe_cell` wrote: `'-Ana` is -Ana, even if a spreadsheet dropped the apostrophe; 'Iolani stays."""
    return text[1:] if _GUARDED.match(text) else text
