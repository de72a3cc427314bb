"""What tests/wiring/test_backup.py has done inside installations of their own, by `manage.py shell`."""

import json
import sys
import threading
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings
from django.db import connection, transaction

from assessments.models import ResultCount
from assessments.scores.result_counts import recount_all
from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import execution, services, uploads
from sisimport.imports.storage.backups import make_backup

RECORDS = (
    "students_student",
    "students_ssid",
    "students_retiredssid",
    "students_ssidreplacement",
    "students_elrecord",
    "students_enrollment",
)


def say(**facts: Any) -> None:
    sys.stdout.write(f"{json.dumps(facts)}\n")


def checksum() -> str:
    """One text for all student records, whatever the order of their rows and the hour at which a run wrote them."""
    sums = []
    with connection.cursor() as cursor:
        for table in RECORDS:
            cursor.execute("SELECT to_regclass(%s)", [table])
            if cursor.fetchone()[0] is None:
                continue
            cursor.execute(
                f"SELECT md5(coalesce(string_agg(md5((to_jsonb(t) - '{{id,created_at,updated_at,since}}'::text[])::text), '' "
                f"ORDER BY md5((to_jsonb(t) - '{{id,created_at,updated_at,since}}'::text[])::text)), '')) FROM {table} t"
            )
            sums.append(f"{table}={cursor.fetchone()[0]}")
    assert len(sums) >= 4, sums
    return " ".join(sums)


def results() -> list[list[Any]]:
    """Counted results as they are kept."""
    fields = [field.name for field in ResultCount._meta.concrete_fields]
    return sorted(map(list, ResultCount.objects.values_list(*fields)))


def fresh_results() -> list[list[Any]]:
    """Results counted again from the scores; undone at once."""
    with transaction.atomic():
        recount_all()
        found = results()
        transaction.set_rollback(True)
    return found


def _run(sample: str, import_type: str, work: Work) -> ImportRun:
    with (settings.DATA_DIR / "samples" / sample).open("rb") as stream:
        file = uploads.keep_file(stream=stream, name=sample, user=None)
    run = services.start_run(
        file=file, import_type=import_type, work=work, options={}, user=None, schools=None, enqueue=False
    )
    return run_to_end(run)


def _test(sample: str) -> ImportRun:
    return _run(sample, "ssid-download", Work.TEST)


def back_up_in_the_middle(target: str, keys: str, recipient: str) -> None:
    """Import scores, test a file, and back the installation up while its Update has written everything but its end."""
    _run("caaspp-2023-24.csv", "caaspp-2023-2024", Work.IMPORT)
    tested = _test("ssid-download-findings.txt")
    before = checksum()
    failed: list[BaseException] = []
    complete = execution.complete

    def work() -> None:
        try:
            make_backup(Path(target), recipient=recipient, keys=Path(keys))
        except BaseException as error:  # noqa: BLE001 - said below
            failed.append(error)
        finally:
            connection.close()

    def at_the_end(*arguments: Any, **named: Any) -> Any:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(120)
        assert not thread.is_alive()
        return complete(*arguments, **named)

    with mock.patch.object(execution, "complete", at_the_end):
        update = run_to_end(services.start_update(test_run=tested, user=None, enqueue=False))
    if failed:
        raise failed[0]
    say(
        before=before,
        after=checksum(),
        results=results(),
        update=update.pk,
        status=update.status,
        applied=update.import_count,
    )


def go_on(update: int) -> None:
    """In the restored installation: the Update that was in mid-work is done, then reverted, then a Test of the same file."""
    restored, counted, fresh = checksum(), results(), fresh_results()
    run = ImportRun.objects.get(pk=update)
    was = run.status
    run = run_to_end(run)
    after = checksum()
    revert = run_to_end(services.start_revert(run=run, user=None, enqueue=False))
    again = _test("ssid-download-findings.txt") if (settings.DATA_DIR / "samples").exists() else None
    say(
        restored=restored,
        results=counted,
        fresh_results=fresh,
        was=was,
        status=run.status,
        attempts=run.attempts,
        applied=run.import_count,
        after=after,
        reverted=revert.status,
        then=checksum(),
        tested=again.status if again else None,
        active=ImportRun.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).count(),
    )
