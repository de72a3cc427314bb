"""What a restore refuses before it touches anything; the drill itself is in tests/wiring/test_backup.py."""

from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from sisimport.imports.storage import backups
from sisimport.runtime.backup_file import BackupError, BackupReader
from tests.imports.journey import make_district

pytestmark = pytest.mark.django_db


def backup_with(**manifest: Any) -> BackupReader:
    return cast(BackupReader, SimpleNamespace(manifest=manifest))


def test_a_backup_of_a_newer_release_is_refused() -> None:
    backups._refuse_newer(backup_with(migrations=sorted(".".join(key) for key in backups._migrations_applied())))

    with pytest.raises(BackupError, match="newer release"):
        backups._refuse_newer(backup_with(migrations=["students.9999_of_tomorrow"]))


def test_a_file_of_keys_is_not_a_backup() -> None:
    with pytest.raises(BackupError, match="with --keys"):
        backups._refuse_newer(backup_with(made_at="2026-11-28T00:00:00+00:00"))


def test_nobody_may_be_at_work_in_the_installation(
    other_session: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "LEAVING_SECONDS", 0.0)
    with pytest.raises(BackupError, match="stop the server"):
        backups._refuse_use()


def test_students_on_record_are_never_restored_over() -> None:
    make_district().student()

    with pytest.raises(BackupError, match="new folder"):
        backups._refuse_use()


def test_sessions_are_not_in_a_backup_and_every_other_table_is() -> None:
    tables = backups._tables()

    assert "public.django_session" not in tables
    assert {"public.students_student", "public.imports_importrun", "public.auth_user"} <= set(tables)
