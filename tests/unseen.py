"""Runs within the transaction of a test: no other session can see them, so none is opened to tell of them.

Beside the work of a run, one session writes how far it is and another gives signs of life (imports/definition/progress.py,
imports/runs/pulse.py). Of a run that is not committed the first finds nothing to write to, and the second is looked at by nobody,
while opening both costs more than a small file does. Tests that commit, and the workers that tests start, have both.
"""

import contextlib
from typing import Any

from django.db import connection

from sisimport.imports.definition.progress import Progress
from sisimport.imports.runs import execution
from sisimport.imports.runs.pulse import Pulse

_begin, _write = Progress.__init__, Progress._write


def install() -> None:
    """For all tests of this process."""
    Progress.__init__ = _begin_as_seen  # type: ignore[method-assign]
    Progress._write = _write_if_seen  # type: ignore[method-assign]
    execution.Pulse = _pulse_if_seen  # type: ignore[misc, assignment]


def _pulse_if_seen() -> contextlib.AbstractContextManager[Any]:
    return contextlib.nullcontext() if connection.in_atomic_block else Pulse()


def _begin_as_seen(progress: Progress, run_id: int, **more: Any) -> None:
    """Before the run opens transactions of its own."""
    _begin(progress, run_id, **more)
    progress.is_seen = not connection.in_atomic_block  # type: ignore[attr-defined]


def _write_if_seen(progress: Progress, phase: str, done: int, total: int) -> bool:
    return progress.is_seen and _write(progress, phase, done, total)  # type: ignore[attr-defined, no-any-return]
