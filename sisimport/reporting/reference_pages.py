"""The reference page of exports: columns of files and views, with types and meaning."""

from sisimport.imports.reference import MADE, PAGES
from sisimport.reporting import changes, edfi, oneroster, wide
from sisimport.reporting.schema import column_types
from sisimport.reporting.views import SCHEMA, SCORES, SSIDS, STUDENTS, VERSION, VIEWS, View

_FILES = ((STUDENTS, "export_students"), (SSIDS, "export_ssids"), (SCORES, "export_scores"))
_PLAIN = {
    "character varying": "text",
    "timestamp with time zone": "moment",
    "bigint": "number",
    "integer": "number",
    "smallint": "number",
}
_CHANGE_MEANINGS = (
    "new, changed, or removed: then only what identifies the row is there.",
    "When the last run that wrote it ended, or a person edited it (with time zone).",
    "That run; empty: a person.",
)
_INTRODUCTION = f"""
Version {VERSION}. A column keeps its name, type and meaning as long as the version is the same; new ones come last. The number
is in the JSON of the commands (`version`), in the header `X-Columns-Version` of downloads and of answers of the API, in the
properties of workbooks and Parquet files, and in the comment of the schema `{SCHEMA}`.
How to take data out: [the guide](../how-to/take-data-out.md).

## How values are written

| | CSV | workbook | Parquet | API |
|---|---|---|---|---|
| text, such as an SSID or a school's code | as it is, zeros kept | typed as text, zeros kept | text | text |
| date | `2024-04-12` | a date | a date | `2024-04-12` |
| moment | `2026-11-28 15:04:05+00:00` | local time | a moment, UTC | ISO 8601, UTC |
| number | `12` | a number | a number | `12` |
| yes or no | `True`, `False` | true or false | true or false | `true`, `false` |
| nothing | empty | empty | null, or empty text | `null` or empty |

CSV is UTF-8 with a byte order mark, a comma between values, quotes where needed and lines that end in CR LF. Nothing is put
before a value that a spreadsheet would take for a formula: programs get true values. In a workbook such a value is typed as
text, which spreadsheets respect; take a workbook, not CSV, to open an export in one.
"""


def exports_page() -> str:
    """Files and views with their columns."""
    types = _types()
    lines = ["# Columns of exports and views", "", MADE, _INTRODUCTION, "## Files", ""]
    lines += ["| file | command | one row is | columns of the view |", "|---|---|---|---|"]
    for view, command in _FILES:
        lines.append(f"| {view.name} | `{command}` | {view.row} | [`{view.name}`](#{view.name}) |")
    lines += ["", "### scores, wide form", ""]
    lines += [
        "One row: a student and school year. Keys first, then four columns for each test and part that has a score."
    ]
    lines += ["", "| column | meaning |", "|---|---|"]
    meanings = {column.name: column.meaning for column in SCORES.columns}
    lines += [f"| `{name}` | {meanings[name]} |" for name in wide.KEYS]
    lines += [f"| `CODE_{name}`, of a part `CODE_PART_{name}` | {meanings[name]} |" for name in wide.VALUES]
    lines += [
        "",
        "Set-ups of one code share columns. Where a student has results of two in one year, the later test is there.",
    ]
    lines += ["", "### What is new", ""]
    lines += [
        "`export_changes` writes a zip with a CSV of each of the views "
        + ", ".join(f"`{n}`" for n in changes.NAMES)
        + "."
    ]
    lines += ["Before their columns come:", "", "| column | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in zip(changes.HEAD, _CHANGE_MEANINGS, strict=True)]
    lines += ["", "### OneRoster 1.2", "", "`export_oneroster` writes `manifest.csv` and:", ""]
    lines += ["| file | columns |", "|---|---|"]
    lines += [
        f"| `{name}.csv` | {', '.join(f'`{column}`' for column in head)} |" for name, head in oneroster.FILES.items()
    ]
    lines += ["", "### Ed-Fi StudentAssessment", "", "`export_edfi` writes a JSON object a line with, where known:", ""]
    lines += [", ".join(f"`{name}`" for name in edfi.FIELDS) + "."]
    lines += ["", f"## Views of the schema `{SCHEMA}`"]
    for view in VIEWS:
        lines += ["", *_table(view, types)]
    return "\n".join(lines) + "\n"


def _table(view: View, types: dict[tuple[str, str], str]) -> list[str]:
    head = [f"### {view.name}", "", f"One row: {view.row}.", "", "| column | type | meaning |", "|---|---|---|"]
    return head + [
        f"| `{column.name}` | {types[view.name, column.name]} | {column.meaning} |" for column in view.columns
    ]


def _types() -> dict[tuple[str, str], str]:
    """View and column -> type, in words."""
    return {column: _PLAIN.get(kind, kind) for column, kind in column_types().items()}


PAGES["exports.md"] = exports_page
