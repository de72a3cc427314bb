"""Tries hostile files in processes with limits: `python -m tests.hostile.trying`, numbers on its input.

Answers with a line of JSON for each: what was wrong, and what it cost. Another process makes the file than reads
it, so that only reading it counts. Nothing stays in the database: every trial is taken back.

A heavy file has a process to itself. The others go through one process some dozens at a time, as through a worker, each with
limits of its own: a process and a session for each cost more than the file does. One that ends its process, or comes after one
that took much memory, is tried once more by itself.
"""

import json
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

CPU_SECONDS, MEGABYTES = (
    20,
    500,
)  # what reading one file may cost, its workbook process included; the database is told apart
_KILLED_AFTER = 40  # processor seconds, so that the cost of one that continues forever is known all the same
TOGETHER = 60  # files that go through one process

Known = dict[tuple[str, bool], list[Any]]


def _apart(work: Callable[[], Iterable[Any]]) -> tuple[list[Any], int, "resource.struct_rusage"]:
    """What `work` yields in a process of its own until it ends or dies, its exit status, and what it used."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "w", buffering=1) as pipe:
                for answer in work():
                    pipe.write(json.dumps(answer, default=str) + "\n")
            status = 0
        except BaseException:  # noqa: BLE001 (whatever it is, the parent is told)
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answers = [json.loads(line) for line in pipe if line.endswith("\n")]
    _, status, used = os.wait4(child, 0)
    return answers, status, used


def _processor() -> float:
    """Processor seconds of this process and those it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _trial(file: Any, path: Path, usual: list[Any]) -> dict[str, Any]:
    from django.db import transaction

    from tests.hostile import judging
    from tests.imports.journey import snapshot

    with transaction.atomic():
        judging.arrange(file.import_type)
        before = snapshot()
        began, database = _processor(), judging.session_processor()
        limit = int(began) + _KILLED_AFTER
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        with path.open("rb") as stream:
            trial = judging.look(file, stream)
        seconds, database = _processor() - began, judging.session_processor() - database
        wrong = judging.judge(file, trial, usual, b"" if file.heavy else path.read_bytes(), before)
        wrong += judging.apply(trial)
        transaction.set_rollback(True)
    used = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    found = {"status": trial.status, "sentence": trial.sentence[:300], "wrong": wrong}
    return found | {"seconds": seconds, "database": database, "megabytes": max(used) / 1024}


def _usual(file: tuple[str, bool]) -> list[Any]:
    from django.db import transaction

    from tests.hostile import judging

    with transaction.atomic():
        judging.arrange(file[0])
        found = judging.undamaged(file)
        transaction.set_rollback(True)
    return found


def _tried(file: Any, folder: Path, known: Known) -> dict[str, Any]:
    """One file in a process of its own."""
    ((path, _file),) = _made([file], folder)
    answers, status, used = _apart(lambda: [_trial(file, path, known[file.undamaged])])
    path.unlink(missing_ok=True)
    if answers:
        answer = answers[0]
    else:
        seconds = used.ru_utime + used.ru_stime
        how = f"its process ended by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "its process crashed"
        answer = {"status": "crash", "sentence": "", "wrong": [f"{how} after {seconds:.1f} processor seconds"]}
        answer |= {"seconds": seconds, "database": 0.0, "megabytes": used.ru_maxrss / 1024}
    if answer["seconds"] > CPU_SECONDS:
        answer["wrong"].append(f"took {answer['seconds']:.1f} processor seconds; at most {CPU_SECONDS}")
    if answer["megabytes"] > MEGABYTES:
        answer["wrong"].append(f"took {answer['megabytes']:.0f} MB; at most {MEGABYTES}")
    return _named(answer, file)


def _tried_together(files: Sequence[Any], folder: Path, known: Known) -> Iterator[dict[str, Any]]:
    """Each file, in one process as far as it gets."""
    paths = _made(files, folder)
    answers, _status, _used = _apart(lambda: (_trial(file, path, known[file.undamaged]) for path, file in paths))
    for file, answer in zip(files, answers, strict=False):
        within = answer["seconds"] <= CPU_SECONDS and answer["megabytes"] <= MEGABYTES
        yield _named(answer, file) if within else _tried(file, folder, known)
    left = files[len(answers) :]
    if left:
        yield _tried(left[0], folder, known)
        yield from _tried_together(left[1:], folder, known)


def _made(files: Sequence[Any], folder: Path) -> list[tuple[Path, Any]]:
    """The files on disk, made by a process of their own."""
    paths = [(folder / f"hostile{number}", file) for number, file in enumerate(files)]
    _apart(lambda: (path.write_bytes(file.make()) for path, file in paths))
    return paths


def _named(answer: dict[str, Any], file: Any) -> dict[str, Any]:
    return answer | {"title": file.title, "kind": file.kind}


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    from tests.hostile.corpus import every_file

    files = every_file()
    # Here, and not in each process: what is loaded and made once for every import is there by then.
    known = {one: _usual(one) for one in sorted({file.undamaged for file in files})}
    connection.close()
    chosen = [files[int(line)] for line in sys.stdin]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        light = [file for file in chosen if not file.heavy]
        for first in range(0, len(light), TOGETHER):
            _tell(_tried_together(light[first : first + TOGETHER], folder, known))
        _tell(_tried(file, folder, known) for file in chosen if file.heavy)


def _tell(answers: Iterable[dict[str, Any]]) -> None:
    for answer in answers:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
