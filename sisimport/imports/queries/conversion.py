"""What a workbook became, for the page that shows it before it is tested."""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sisimport.imports.files import open_file
from sisimport.imports.models import ImportRun
from sisimport.imports.workbook_reader import DELIMITER
from students.models.identifiers import mask_ssid

PREVIEW_ROWS = 6  # the column names and five records
PREVIEW_COLUMNS = 12
_LONGEST_LINE = 1 << 20
_LONGEST_CELL = 60
_DIGITS_OF_AN_SSID = re.compile(r"\d(?:[ .'’-]?\d){9,}")


@dataclass(frozen=True, slots=True)
class ShownConversion:
    """Sheets (`name`, `rows`, `note`) and risks as the run stores them; the first rows, SSIDs masked."""

    sheets: list[dict[str, Any]]
    risks: list[str]
    preview: list[list[str]]


def shown_conversion(run: ImportRun) -> ShownConversion:
    """For a reader who sees the whole run."""
    facts = run.facts or {}
    return ShownConversion(sheets=facts.get("sheets", []), risks=facts.get("risks", []), preview=_preview(run))


def _preview(run: ImportRun) -> list[list[str]]:
    if run.made_file is None:
        return []
    try:
        with open_file(run.made_file) as stream:
            lines = [stream.readline(_LONGEST_LINE) for _row in range(PREVIEW_ROWS)]
    except FileNotFoundError:
        return []
    rows = [line.decode("utf-8", "replace").rstrip("\n").split(DELIMITER) for line in lines if line]
    return [[masked(cell)[:_LONGEST_CELL] for cell in islice(row, PREVIEW_COLUMNS)] for row in rows]


def masked(cell: str) -> str:
    """A cell without a whole SSID: ten digits and more, also in groups, whatever the column is called (rule ID-6)."""
    return _DIGITS_OF_AN_SSID.sub(lambda found: mask_ssid(re.sub(r"\D", "", found.group())), cell)
