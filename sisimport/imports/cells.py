"""Cells of files that people open in a spreadsheet: text stays text and never becomes a formula. Pure."""

# What a spreadsheet takes for the start of a formula; the control characters are skipped by some and reveal one behind them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: object) -> str:
    """A value as a CSV cell: an apostrophe goes before what would start a formula (a name may be `=HYPERLINK(…)`)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
