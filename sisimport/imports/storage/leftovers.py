"""Files that nothing refers to any more: uploads without a record, parts of interrupted uploads, unread messages.

A process that dies between writing a file and recording it leaves student data that no page lists. The reconciler removes it.
"""

import datetime as dt
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.db.models import FileField, Model

from sisimport.imports.storage import objects
from sisimport.runtime.broker import ASIDE

logger = logging.getLogger(__name__)

# An upload is recorded seconds after it is stored; a day is long enough for the slowest upload, and for a wrong clock.
OLDEST_HOURS = 24
_BLOCK = 500


def remove_leftovers(now: float | None = None) -> int:
    """Remove files older than a day that belong to nothing. Returns how many.

    If no file at all is on record, nothing in the upload folder is touched: more likely the database is a new one.
    """
    before = (time.time() if now is None else now) - OLDEST_HOURS * 3600
    gone = 0
    for path in [*_unrecorded_uploads(before), *_broken_off(before)]:
        try:
            path.unlink()
        except OSError as error:
            logger.warning("a leftover file could not be removed (%s)", type(error).__name__)
        else:
            gone += 1
    gone += objects.remove_unrecorded(dt.datetime.fromtimestamp(before, tz=dt.UTC), file_fields())
    if gone:
        logger.warning("removed %s leftover files that nothing names", gone)
    return gone


def _unrecorded_uploads(before: float) -> Iterator[Path]:
    storage = storages["default"]
    if not isinstance(storage, FileSystemStorage):  # for a bucket, see objects.py
        return
    root = Path(storage.location)
    if not any(model._default_manager.exists() for model, _field in file_fields()):
        return
    old = list(_old_files(root, before))
    for start in range(0, len(old), _BLOCK):
        block = {path.relative_to(root).as_posix(): path for path in old[start : start + _BLOCK]}
        recorded_names = {
            str(name)
            for model, field in file_fields()
            for name in model._default_manager.filter(**{f"{field}__in": list(block)}).values_list(field, flat=True)
        }
        yield from (path for name, path in block.items() if name not in recorded_names)


def file_fields() -> list[tuple[type[Model], str]]:
    """Every model, in any app, that keeps files in the storage of uploads."""
    return [
        (model, str(field.name))
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, FileField)
    ]


def _broken_off(before: float) -> Iterator[Path]:
    """Incomplete uploads, unfinished downloads, and partly written or partly read messages of the broker."""
    yield from _old_files(Path(settings.FILE_UPLOAD_TEMP_DIR), before)
    yield from _old_files(Path(settings.SCRATCH_DIR), before)
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    for name in ("data_folder_in", "control_folder"):
        if folder := options.get(name):
            yield from (path for path in _old_files(Path(str(folder)), before) if path.name.endswith(ASIDE))


def _old_files(folder: Path, before: float) -> Iterator[Path]:
    for path in folder.rglob("*"):
        try:
            seen = path.lstat()
        except OSError:  # removed in the meantime
            continue
        if path.is_file() and not path.is_symlink() and max(seen.st_mtime, seen.st_ctime) < before:
            yield path
