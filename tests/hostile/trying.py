"""Tries hostile files, each in a process of its own with limits: `python -m tests.hostile.trying`, numbers on its input.

Answers with a line of JSON for each: what was wrong, and what it cost. Another process makes the file than reads
it, so that only reading it counts. Nothing stays in the database: every trial is taken back.
"""

import json
import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

CPU_SECONDS, MEGABYTES = (
    20,
    500,
)  # what reading one file may cost, its workbook process included; the database is told apart
_KILLED_AFTER = 40  # processor seconds, so that the cost of one that goes on for ever is known all the same


def _apart(work: Callable[[], Any]) -> tuple[Any, int, "resource.struct_rusage"]:
    """What `work` returns in a process of its own (None if it died), its exit status, and what it used."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            answer = json.dumps(work(), default=str).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
            status = 0
        except BaseException:  # noqa: BLE001 (whatever it is, the parent is told)
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status, used = os.wait4(child, 0)
    return (json.loads(answer) if answer and status == 0 else None), status, used


def _trial(file: Any, path: Path, usual: list[Any]) -> dict[str, Any]:
    from django.db import transaction

    from tests.hostile import judging
    from tests.imports.journey import snapshot

    resource.setrlimit(resource.RLIMIT_CPU, (_KILLED_AFTER, _KILLED_AFTER + 5))
    with transaction.atomic():
        judging.arrange(file.import_type)
        before = snapshot()
        with path.open("rb") as stream:
            trial = judging.look(file, stream)
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(one.ru_utime + one.ru_stime for one in used)
        database = judging.session_processor()
        wrong = judging.judge(file, trial, usual, b"" if file.heavy else path.read_bytes(), before)
        wrong += judging.apply(trial)
        transaction.set_rollback(True)
    memory = max(one.ru_maxrss for one in used) / 1024
    found = {"status": trial.status, "sentence": trial.sentence[:300], "wrong": wrong}
    return found | {"seconds": seconds, "database": database, "megabytes": memory}


def _usual(file: tuple[str, bool]) -> list[Any]:
    from django.db import transaction

    from tests.hostile import judging

    with transaction.atomic():
        judging.arrange(file[0])
        found = judging.undamaged(file)
        transaction.set_rollback(True)
    return found


def _tried(file: Any, folder: Path, known: dict[tuple[str, bool], list[Any]]) -> dict[str, Any]:
    path = folder / "hostile"
    _apart(lambda: path.write_bytes(file.make()))
    began = time.monotonic()
    answer, status, used = _apart(lambda: _trial(file, path, known[file.undamaged]))
    path.unlink(missing_ok=True)
    if answer is None:
        seconds = used.ru_utime + used.ru_stime
        how = f"its process ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "its process crashed"
        answer = {"status": "crash", "sentence": "", "wrong": [f"{how} after {seconds:.1f} processor seconds"]}
        answer |= {"seconds": seconds, "database": 0.0, "megabytes": used.ru_maxrss / 1024}
    if answer["seconds"] > CPU_SECONDS:
        answer["wrong"].append(f"took {answer['seconds']:.1f} processor seconds; at most {CPU_SECONDS}")
    if answer["megabytes"] > MEGABYTES:
        answer["wrong"].append(f"took {answer['megabytes']:.0f} MB; at most {MEGABYTES}")
    return answer | {"title": file.title, "kind": file.kind, "wall": time.monotonic() - began}


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    from tests.hostile.corpus import every_file

    files = every_file()
    # Here, and not in each process: what is loaded and made once for every import is there by then.
    known = {one: _usual(one) for one in sorted({file.undamaged for file in files})}
    connection.close()
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(_tried(files[int(line)], Path(folder), known)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
