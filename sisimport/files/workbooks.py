"""Excel workbooks as text: read in a child process with limits on time, memory and size, never in the process itself.

    workbook -> child process (workbook_process.py) -> caret-delimited text + what was found on the way

Spreadsheets damage data: they round long numbers and drop zeros. Cells that are certainly damaged are refused by name; those that
may be damaged are reported.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from sisimport.files.issues import FileError

CPU_SECONDS = 20
MEMORY = 512 << 20  # bytes of address space
TIMEOUT: Final = 300.0  # seconds by the clock: a machine on which CPU_SECONDS take longer is in trouble
_COPY: Final = 1 << 20
_TICK: Final = 0.25  # seconds between two looks at the child
_CHILD: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from sisimport.files.workbook_process import child; "
    "child(*map(int, sys.argv[2:]))"
)
_ROOT: Final = str(Path(__file__).resolve().parents[2])
EXCEL: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of the workbook and its records; `note` says why it, or its end, was left out. `sample`: its column names and first
    records as text, blank if it has none."""

    name: str
    rows: int
    note: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Converted:
    """The result of a conversion. `risks`: possible changes by a spreadsheet, with cells, and parts that were not read.
    `in_one_column`: whole lines were pasted into one column, and were split."""

    sheets: tuple[Sheet, ...]
    rows: int
    columns: int
    risks: tuple[str, ...]
    in_one_column: bool = False


def is_workbook(stream: IO[bytes]) -> bool:
    """Does the stream hold an Excel workbook, old or new?"""
    stream.seek(0)
    head = stream.read(1 << 16)
    stream.seek(0)
    return head.startswith(EXCEL[1]) or (
        head.startswith(EXCEL[0]) and (b"[Content_Types].xml" in head or b"xl/" in head)
    )


def convert(stream: IO[bytes], out: IO[bytes], *, tick: Callable[[], None] = lambda: None, first: int = 0) -> Converted:
    """Write the workbook's records as text. `tick` is called a few times a second and may raise to stop it. `first`: the sheet,
    from 0, whose column names apply to all.

    Raises FileError when it cannot be read within the limits or was damaged; OSError (TimeoutError, ChildProcessError) when
    that is not a fault of the workbook: a machine too busy, no room for the text.
    """
    # Files without names: nothing remains even if a process is killed.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        stream.seek(0)
        while piece := stream.read(_COPY):
            source.write(piece)
        source.flush()
        source.seek(0)
        answer = _run_child(source, target, first, tick)
        if "error" in answer:
            raise FileError("FILE-WORKBOOK", found=answer["error"], expected=answer["expected"])
        if "system" in answer:
            raise OSError(answer["system"], os.strerror(answer["system"]))
        target.seek(0)
        while piece := target.read(_COPY):
            out.write(piece)
    return Converted(
        sheets=tuple(Sheet(**sheet) for sheet in answer["sheets"]),
        rows=answer["rows"],
        columns=answer["columns"],
        risks=tuple(answer["risks"]),
        in_one_column=answer["in_one_column"],
    )


def _run_child(source: IO[bytes], target: IO[bytes], first: int, tick: Callable[[], None]) -> dict[str, Any]:
    numbers = (source.fileno(), target.fileno())
    # OSError when it cannot be started also says nothing about the workbook: the machine lacks room or its Python.
    child = subprocess.Popen(
        [sys.executable, "-I", "-c", _CHILD, _ROOT, *map(str, (*numbers, CPU_SECONDS, MEMORY, first))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=numbers,
        start_new_session=True,  # Ctrl-C is for us: a conversion that was cut off must not look like a refusal
        env={"PATH": os.environ.get("PATH", "")},
    )
    with child:  # closes the pipe and waits
        try:
            output = _wait(child, tick)
        except BaseException:
            child.kill()
            raise
    if child.returncode == -signal.SIGXCPU:
        return {
            "error": f"more than can be read in {CPU_SECONDS} seconds of computing",
            "expected": "fewer sheets, columns or rows",
        }
    if -child.returncode in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        raise ChildProcessError("the process that reads a workbook was ended from outside")
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:  # its output was cut off
        return {"error": "more than can be read within the limits on memory and time", "expected": "a smaller workbook"}
    return answer


def _wait(child: "subprocess.Popen[bytes]", tick: Callable[[], None]) -> bytes:
    """The child's output when it ends."""
    end = time.monotonic() + TIMEOUT
    while True:
        try:
            return child.communicate(timeout=_TICK)[0]
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                raise TimeoutError(f"a workbook took longer than {TIMEOUT:.0f} seconds to read") from None
            tick()
