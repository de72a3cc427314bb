"""Builds small score files from the layouts, and takes them through runs."""

import io
from typing import Any

from django.db import connection

from assessments.structure import family_of, school_year
from sisimport.files.layouts import Layout
from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs.report import run_json
from sisimport.imports.runs.services import start_revert, start_run
from sisimport.imports.runs.uploads import keep_file
from tests.files.samples import SCORE_LAYOUTS
from tests.imports.evaluating import evaluated

ALL = SCORE_LAYOUTS
SSID_1, SSID_2 = "9012345678", "9087654321"
DELIMITER = "^"


def cells(layout: Layout, **facts: str) -> list[str]:
    """One record: values by field; the end marker is there unless told otherwise."""
    row = [""] * len(layout.columns)
    row[-1] = layout.end_marker or ""
    for name, value in facts.items():
        row[layout.fields[name].position - 1] = value
    return row


def ela(layout: str = "caaspp-2023-24", **facts: str) -> dict[str, str]:
    """A scored Smarter Balanced ELA record of Sam Lee, grade 5."""
    return {
        "record_type": "01",
        "ssid": SSID_1,
        "last_name": "Lee",
        "first_name": "Sam",
        "birth_date": "2011-03-04",
        "grade_assessed": "05",
        "final_test_completed_date": f"{school_year(layout)}-04-12",
        "scale_score": "2502",
        "achievement_level": "3",
        "uin": "1000000000000001",
        **facts,
    }


def text(layout_key: str, *rows: dict[str, str], delimiter: str = DELIMITER, header: list[str] | None = None) -> bytes:
    """A file of the layout with these records."""
    layout = ALL[layout_key]
    names = header or [column.name for column in layout.columns]
    lines = [delimiter.join(names), *(delimiter.join(cells(layout, **row)) for row in rows)]
    return "".join(f"{line}\r\n" for line in lines).encode()


def dated(layout: str, *days: str) -> bytes:
    """Lines of students, one per test date, by the column that this layout takes the test date from."""
    known = ALL[layout].fields
    names = ("final_test_completed_date", "test_completed_date_1", "test_completed_date", "paper_test_completion_date")
    field = next(name for name in names if name in known)
    kind = {"caaspp": "01", "elpac-summative": "21", "elpac-initial": "22"}[family_of(layout)]
    if "preliminary" in layout:
        kind = "05"
    held = {name: value for name, value in ela(layout).items() if name in known and "date" not in name}
    score = {"percent_correct": "50"} if "percent_correct" in known and kind == "05" else {"scale_score": "400"}
    if kind == "22":
        held.pop("achievement_level", None)
    rows = [
        {**held, **score, "record_type": kind, "ssid": f"90000001{n:02}", field: day} for n, day in enumerate(days, 10)
    ]
    return text(layout, *rows)


def start(
    import_type: str,
    data: bytes,
    *,
    work: str = "test",
    name: str = "scores.csv",
    schools: Any = None,
    options: dict[str, str] | None = None,
    **more: str,
) -> ImportRun:
    """Take bytes through one run, to its end. `more` are options whose name is not an argument's."""
    file = keep_file(stream=io.BytesIO(data), name=name, user=None)
    run = start_run(
        file=file,
        import_type=import_type,
        work=Work(work),
        options={**(options or {}), **more},
        user=None,
        schools=schools,
        enqueue=False,
    )
    return finish(run)


def finish(run: ImportRun) -> ImportRun:
    """Run to the end. Staging tables live until the transaction ends, and a test keeps one open around all its runs."""
    ended = run_to_end(run)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")
    return ended


def undo(run: ImportRun) -> ImportRun:
    return finish(start_revert(run=run, user=None, enqueue=False))


def report(
    import_type: str,
    data: bytes,
    *,
    work: str = "test",
    name: str = "scores.csv",
    schools: Any = None,
    options: dict[str, str] | None = None,
    **more: str,
) -> dict[str, Any]:
    """The report of these bytes; of a Test without a run (see `evaluated`)."""
    if work == "test":
        chosen = {**(options or {}), **more}
        return evaluated(import_type, data, name=name, schools=schools, options=chosen).json
    return run_json(start(import_type, data, work=work, name=name, schools=schools, options=options, **more))


def counts(found: dict[str, Any]) -> dict[str, int]:
    """Outcomes that are not zero."""
    names = ("import_count", "unchanged_count", "refused_count", "set_aside_count", "skipped_count")
    return {name.removesuffix("_count"): found[name] for name in names if found[name]}
