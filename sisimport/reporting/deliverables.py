"""The exports as files that are delivered automatically (see sisimport.web.exports.deliverables)."""

from collections.abc import Callable
from functools import partial
from typing import IO

from sisimport.reporting.changes import ChangesFile
from sisimport.reporting.edfi import LOCAL, NAMESPACE, SSID, EdFiFile
from sisimport.reporting.exports import LONG, WIDE, Export
from sisimport.reporting.oneroster import OneRosterFile
from sisimport.reporting.writing import CSV, JSONL, PARQUET, XLSX, ZIP, Source, TableFile, make, on_record
from sisimport.web.exports.deliverables import Asked, Choice, Counts, Deliverable, register_deliverable


def _written(made: Callable[[Asked], Source], request: Asked, stream: IO[bytes], ending: str, way: str) -> Counts:
    source = made(request)
    written = make(source, stream, ending, user=request.user, moment=True)
    on_record(source, written, user=request.user, way=way)
    return Counts(written.rows, written.students)


def _table(what: str, request: Asked) -> Source:
    return TableFile(
        Export(
            what=what,
            school_year=request.school_year,
            schools=request.schools,
            form=request.options.get("form") or LONG,
        )
    )


def _changes(request: Asked) -> Source:
    return ChangesFile(since=request.since, until=request.until, schools=request.schools)


def _oneroster(request: Asked) -> Source:
    return OneRosterFile(export=Export(what="scores", school_year=request.school_year, schools=request.schools))


def _edfi(request: Asked) -> Source:
    return EdFiFile(
        export=Export(what="scores", school_year=request.school_year, schools=request.schools),
        namespace=request.options.get("namespace") or NAMESPACE,
        student=request.options.get("student_id") or LOCAL,
    )


_TABLES = (CSV, XLSX, PARQUET)
_ROWS = Choice("form", "Rows", ((LONG, "One row per score"), (WIDE, "One row per student and school year")))
_NAMESPACE = Choice("namespace", "Namespace", usual=NAMESPACE, hint="Of the assessments in the other system.")
_KNOWN_BY = Choice(
    "student_id", "Students are identified by", ((LOCAL, "Local student number"), (SSID, "SSID; others are left out"))
)

register_deliverable(
    Deliverable(
        key="students",
        label="Students",
        endings=_TABLES,
        order=10,
        write=partial(_written, partial(_table, "students")),
    ),
    Deliverable(
        key="ssids",
        label="SSIDs, current and former",
        endings=_TABLES,
        order=11,
        write=partial(_written, partial(_table, "ssids")),
    ),
    Deliverable(
        key="scores",
        label="Scores",
        endings=_TABLES,
        order=12,
        choices=(_ROWS,),
        write=partial(_written, partial(_table, "scores")),
    ),
    Deliverable(
        key="changes",
        label="What changed since the last delivery",
        endings=(ZIP,),
        order=20,
        by_year=False,
        since_last=True,
        write=partial(_written, _changes),
    ),
    Deliverable(
        key="oneroster", label="OneRoster 1.2 results", endings=(ZIP,), order=30, write=partial(_written, _oneroster)
    ),
    Deliverable(
        key="edfi",
        label="Ed-Fi student assessments",
        endings=(JSONL,),
        order=31,
        choices=(_NAMESPACE, _KNOWN_BY),
        write=partial(_written, _edfi),
    ),
)
