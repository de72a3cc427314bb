"""What the rules say of some lines, without a run: `evaluated` stages lines, evaluates the rules of a type, and plans.

    evaluated("ela", "…\n", options={…})                      a Report, as run_file gives it
    evaluated("ela", "…\n").codes()                           codes of its issues

Between reading and counting it is the Test itself (runs/execution.py). What a run has around that is left out: its record,
claim, lock, pulse and progress, the kept file, what is told of its end. Nothing stays: a test that continues with the run (an
Update, a page, `ImportRun.objects`) takes `run_file`. That both say the same, tests/imports/base_suite.py asks of every type.
"""

import contextlib
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

from django.db import connection, transaction
from django.utils import timezone

from sisimport.audit import looking
from sisimport.files.reader import FileError
from sisimport.imports.definition.progress import Progress
from sisimport.imports.definition.registry import get_type, look_again
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs import endings, execution, services
from sisimport.imports.storage import files
from tests.imports.journey import Report, run_file


def evaluated(
    import_type: str,
    content: str | bytes,
    *,
    options: Mapping[str, str] | None = None,
    schools: Iterable[int] | None = None,
    name: str = "file.txt",
) -> Report:
    """What a Test of these lines reports. `schools`: ids whose students it may touch, None for all.

    Raises RunRefusedError for options that the type does not have; what it breaks on, it raises as well.
    """
    data = content.encode() if isinstance(content, str) else content
    look_again()
    cleaned = services.clean_options(get_type(import_type), options or {}, schools=schools)
    with transaction.atomic(), _read_from(data), looking.unseen():
        run = ImportRun(
            pk=_number(),
            file=_file(name, data),
            import_type=import_type,
            work=Work.TEST,
            options=cleaned,
            schools=None if schools is None else sorted(schools),
            status=RunStatus.RUNNING,
            created_at=timezone.now(),
        )
        try:
            with transaction.atomic(), mock.patch.object(execution, "complete", _keep):
                execution._test_or_import(run, _Unseen(run.pk))
        except FileError as error:
            _reject(run, error)
        report = Report(run)
        transaction.set_rollback(True)
    run.pk = run.file = None  # nothing is kept of them: whoever continues with this run is to notice
    return report


def report_of(import_type: str, content: str | bytes, work: Work = Work.TEST, **more: Any) -> Report:
    """For helpers of tests that ask either: a Test is evaluated alone, other work runs (`run_file`)."""
    return (
        evaluated(import_type, content, **more) if work == Work.TEST else run_file(import_type, content, work, **more)
    )


class _Unseen(Progress):
    """Nobody looks on."""

    def _write(self, phase: str, done: int, total: int) -> bool:
        return False


def _number() -> int:
    """A number that no other run has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('imports_importrun', 'id'))")
        return int(cursor.fetchone()[0])


def _file(name: str, data: bytes) -> ImportFile:
    file = ImportFile(name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data), uploaded_at=timezone.now())
    file.save = lambda **_what: None  # type: ignore[method-assign]
    return file


@contextlib.contextmanager
def _read_from(data: bytes) -> Iterator[None]:
    """Whoever opens the kept file has these bytes."""

    @contextlib.contextmanager
    def opened(_file: ImportFile) -> Iterator[io.BytesIO]:
        yield io.BytesIO(data)

    with mock.patch.object(files, "open_as_it_is", opened):
        yield


def _keep(run: ImportRun, *, status: RunStatus = RunStatus.COMPLETED, **values: Any) -> None:
    """The end of the Test, on this object alone."""
    for name, value in {**values, "status": status}.items():
        setattr(run, name, value)


def _reject(run: ImportRun, error: FileError) -> None:
    """The same, of a file that cannot be used as a whole."""

    def ended(_run_id: int, status: RunStatus, **values: Any) -> None:
        _keep(run, **values, status=status)

    with mock.patch.object(endings, "_is_ours", return_value=True), mock.patch.object(endings, "end", ended):
        endings.reject(run.pk, error)
