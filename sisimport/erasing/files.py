"""Removing a person from stored files: lines of text are blanked in place; a file that cannot be cleaned by line is
removed whole."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, cast

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from sisimport.erasing.lines import Found, blanked, find, is_text
from sisimport.erasing.people import Mentions
from sisimport.erasing.personal_data import FILES
from sisimport.imports.models import ImportFile
from sisimport.imports.storage.files import (
    DamagedFileError,
    StoredFileError,
    UnreadableFileError,
    hash_of,
    open_file,
    open_whole,
    store,
)


@dataclass(slots=True)
class Cleaned:
    """lines: of stored uploads, by file id; blanked, removed: how many lines and files; missing: files that are on
    record but not on this machine."""

    lines: dict[int, set[int]] = field(default_factory=dict)
    blanked: int = 0
    removed: int = 0
    missing: int = 0


def clean_files(mentions: Mentions, own_lines: dict[int, set[int]], *, dry_run: bool) -> Cleaned:
    """Remove a person from all stored files, in the caller's transaction; old contents are removed when it is
    committed.

    own_lines: lines of uploads that runs have found to be the person's, by file id.
    """
    done = Cleaned()
    workbooks: list[ImportFile] = []
    for label in FILES:
        name, column = label.rsplit(".", 1)
        model: Any = apps.get_model(name)
        for row in model._base_manager.exclude(**{column: ""}).order_by("pk").iterator():
            with _opened(row, column, done, dry_run=dry_run) as stream:
                if stream is None:
                    continue
                if not is_text(stream):
                    workbooks += [row] if isinstance(row, ImportFile) else []
                    continue
                found = find(stream, mentions)
                if isinstance(row, ImportFile):
                    done.lines[row.pk] = found.lines | (
                        own_lines.get(row.pk, set()) if row.lines_of_id is None else set()
                    )
                    found = Found(
                        done.lines[row.pk], found.whole or (bool(found.lines) and row.lines_of_id is not None)
                    )
                _take_out(row, column, stream, found, done, dry_run=dry_run)
    for row in workbooks:
        _take_workbook(row, done, dry_run=dry_run)
    return done


@contextlib.contextmanager
def _opened(row: Any, column: str, done: Cleaned, *, dry_run: bool) -> Iterator[IO[bytes] | None]:
    """The contents of a stored file, or None if they are missing. A damaged one is opened as it is, since it may name
    the person; one that can no longer be decrypted is removed whole."""
    with contextlib.ExitStack() as stack:
        stored = getattr(row, column)
        try:
            if isinstance(row, ImportFile):
                stream = cast(IO[bytes], stack.enter_context(open_file(row)))
            else:
                stream = stack.enter_context(open_whole(stored, str(row)))
        except (DamagedFileError, UnreadableFileError):
            if not _reads_through(stored):
                _remove(row, column, done, dry_run=dry_run)
                yield None
                return
            stream = stack.enter_context(stored.storage.open(str(stored.name), "rb"))
        except StoredFileError:
            done.missing += 1
            yield None
            return
        yield stream


def _reads_through(stored: Any) -> bool:
    try:
        open_whole(stored, "").close()
    except UnreadableFileError:
        return False
    return True


def _take_out(row: Any, column: str, stream: IO[bytes], found: Found, done: Cleaned, *, dry_run: bool) -> None:
    if found.whole:
        _remove(row, column, done, dry_run=dry_run)
    elif found.lines:
        done.blanked += len(found.lines)
        if not dry_run:
            with tempfile.TemporaryFile() as clean:
                blanked(stream, clean, found.lines)
                _replace(row, column, clean)


def _take_workbook(row: ImportFile, done: Cleaned, *, dry_run: bool) -> None:
    """A workbook's cells are not searched: it is removed if the text made from it names the person, or if no text was
    made."""
    texts = list(row.conversions.values_list("pk", flat=True))
    texts += list(row.runs.exclude(conversions__made_file=None).values_list("conversions__made_file", flat=True))
    if not texts or any(done.lines.get(pk) for pk in texts):
        _remove(row, "file", done, dry_run=dry_run)


def _replace(row: Any, column: str, clean: IO[bytes]) -> None:
    """Store the cleaned contents in place of the old ones."""
    old = getattr(row, column)
    storage, name = old.storage, str(old.name)
    fields = {}
    if isinstance(row, ImportFile):
        fields["sha256"] = hash_of(clean)
    clean.seek(0)
    store(old, name.rsplit("/", 1)[-1], clean)
    fields[column] = str(getattr(row, column))
    type(row)._base_manager.filter(pk=row.pk).update(**fields)
    transaction.on_commit(lambda: storage.delete(name))


def _remove(row: models.Model, column: str, done: Cleaned, *, dry_run: bool) -> None:
    done.removed += 1
    if dry_run:
        return
    stored = getattr(row, column)
    storage, name = stored.storage, str(stored.name)
    gone: dict[str, Any] = {column: ""}
    if isinstance(row, ImportFile):
        gone |= {"removed_at": timezone.now(), "line_index": []}
    type(row)._base_manager.filter(pk=row.pk).update(**gone)
    transaction.on_commit(lambda: storage.delete(name))
