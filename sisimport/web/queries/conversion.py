"""The result of converting a workbook, for the page that shows it before it is tested."""

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sisimport.audit import looking
from sisimport.files.workbook_process import DELIMITER
from sisimport.imports.models import ImportFile, ImportRun
from sisimport.imports.storage.files import StoredFileError, open_file
from students.models.identifiers import mask_ssid

PREVIEW_ROWS = 6  # the column names and five records
PREVIEW_COLUMNS = 12
_LONGEST_LINE = 1 << 20
_LONGEST_CELL = 60
_DIGITS_OF_AN_SSID = re.compile(r"\d(?:[ .'’-]?\d){9,}")


@dataclass(frozen=True, slots=True)
class ShownConversion:
    """Sheets (`name`, `rows`, `note`) and risks as the run stores them; the first rows, SSIDs masked.

    `gone`: why the text can no longer be read.
    """

    sheets: list[dict[str, Any]]
    risks: list[str]
    preview: list[list[str]]
    gone: str = ""


def shown_conversion(run: ImportRun) -> ShownConversion:
    """For a reader who sees the whole run."""
    report_facts = run.facts or {}
    shown = ShownConversion(sheets=report_facts.get("sheets", []), risks=report_facts.get("risks", []), preview=[])
    if run.made_file is None:
        return replace(shown, gone="The text is no longer kept. Upload the workbook again.")
    try:
        return replace(shown, preview=_preview(run.made_file))
    except StoredFileError as error:
        return replace(shown, gone=str(error))


def _preview(file: ImportFile) -> list[list[str]]:
    with open_file(file) as stream:
        lines = [stream.readline(_LONGEST_LINE) for _row in range(PREVIEW_ROWS)]
    looking.note_lines(sum(bool(line) for line in lines))
    rows = [line.decode("utf-8", "replace").rstrip("\n").split(DELIMITER) for line in lines if line]
    return [[masked(cell)[:_LONGEST_CELL] for cell in islice(row, PREVIEW_COLUMNS)] for row in rows]


def masked(cell: str) -> str:
    """A cell with whole SSIDs masked: ten or more digits, also in groups, in any column (rule ID-6)."""
    return _DIGITS_OF_AN_SSID.sub(lambda found: mask_ssid(re.sub(r"\D", "", found.group())), cell)
