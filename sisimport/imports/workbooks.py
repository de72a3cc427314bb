"""Excel workbooks as text: read in a child process with limits on time, memory and size, never in the worker itself.

    workbook -> child process (workbook_reader.py) -> caret-delimited text + what was found on the way

A spreadsheet spoils files: it rounds long numbers and drops zeros. What it spoilt for certain is refused by cell, what it
may have spoilt is told.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from sisimport.imports.issues import FileError

TIMEOUT: Final = 300  # seconds
_CPU: Final = 240
_MEMORY: Final = 1 << 30
_OUTPUT: Final = 2 << 30
_COPY: Final = 1 << 20
EXCEL: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of the workbook; `note` says why it was left out."""

    name: str
    rows: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """What a workbook became. `risks`: what a spreadsheet may have changed, with cells; `preview`: first rows as text."""

    sheets: tuple[Sheet, ...]
    rows: int
    columns: int
    risks: tuple[str, ...]
    preview: tuple[tuple[str, ...], ...]


def is_workbook(stream: IO[bytes]) -> bool:
    """Does the stream hold an Excel workbook, old or new?"""
    stream.seek(0)
    head = stream.read(1 << 16)
    stream.seek(0)
    return head.startswith(EXCEL[1]) or (
        head.startswith(EXCEL[0]) and (b"[Content_Types].xml" in head or b"xl/" in head)
    )


def convert(stream: IO[bytes], out: IO[bytes]) -> Converted:
    """Write the workbook's records as text. Raises FileError when it cannot be read, or was spoilt."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "workbook", Path(folder) / "text"
        stream.seek(0)
        with source.open("wb") as copy:
            while piece := stream.read(_COPY):
                copy.write(piece)
        answer = _run_child(source, target)
        if "error" in answer:
            raise FileError(
                "FILE-WORKBOOK", found=answer["error"], expected=answer.get("expected", "a workbook of records")
            )
        with target.open("rb") as text:
            while piece := text.read(_COPY):
                out.write(piece)
    return Converted(
        sheets=tuple(Sheet(**sheet) for sheet in answer["sheets"]),
        rows=answer["rows"],
        columns=answer["columns"],
        risks=tuple(answer["risks"]),
        preview=tuple(tuple(row) for row in answer["preview"]),
    )


def _run_child(source: Path, target: Path) -> dict[str, Any]:
    command = [sys.executable, "-I", str(Path(__file__).with_name("workbook_reader.py")), str(source), str(target)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            preexec_fn=_limit,
            env={"PATH": os.environ.get("PATH", "")},
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"error": f"a workbook that takes longer than {TIMEOUT} seconds to read", "expected": "a smaller one"}
    except ValueError:
        return {
            "error": "a workbook that cannot be read within the limits on memory and time",
            "expected": "a smaller one",
        }
    return answer


def _limit() -> None:
    """Runs in the child before it starts."""
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU, _CPU))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_OUTPUT, _OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
