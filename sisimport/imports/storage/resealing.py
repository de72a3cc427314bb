"""Move every kept file to the newest key: file keys are rewrapped, and plain files of release 1.0.0 are encrypted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings

from sisimport.imports.storage.leftovers import file_fields
from sisimport.imports.storage.stores import Resealed, mail_name, master_keys, reseal_file, uploads_store
from sisimport.runtime import file_keys
from sisimport.runtime.session_locks import session_lock

_LOCK = (7_316_200, 2)  # one key rotation at a time, across all machines


class RotationError(RuntimeError):
    """Keys cannot be changed; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many files were handled in which way (see Resealed). `key`: the id of the newest key."""

    key: str
    files: Counter[Resealed] = field(default_factory=Counter)

    @property
    def is_whole(self) -> bool:
        """Whether no file needs a key other than the newest any more."""
        return not (self.files[Resealed.UNKNOWN] or self.files[Resealed.DAMAGED])

    def as_json(self) -> dict[str, object]:
        return {"key": self.key, **{kind.value: self.files[kind] for kind in Resealed}}


def rotate(*, new_key: bool = False) -> Rotation:
    """Move all kept files to the newest key, while people and runs work with them.

    new_key: make one first; only if keys are kept in the data directory. Raises RotationError.
    """
    if new_key and (settings.FILE_KEYS or settings.PRODUCTION):
        raise RotationError(
            f"This installation takes its keys from FILE_KEYS. {file_keys.HOW} Put it before the others."
        )
    with session_lock(*_LOCK) as mine:
        if not mine:
            raise RotationError("Another change of keys is running: wait until it has ended.")
        if new_key:
            file_keys.add_kept_key(settings.DATA_DIR)
        masters = master_keys()
        store, found = uploads_store(), Rotation(masters[0].id.hex())
        for name in stored_names():
            done = store.reseal(name, masters)
            found.files[done] += 1
            if done in {Resealed.ENCRYPTED, Resealed.REWRAPPED} and not _is_on_record(name):
                store.delete(name)  # it was removed while being rewritten
        for path in sorted((settings.DATA_DIR / "mail").glob("*.eml")):
            found.files[reseal_file(path, mail_name(path.name), masters)] += 1
    return found


def stored_names() -> Iterator[str]:
    """Storage names of all files on record, without duplicates."""
    names: set[str] = set()
    for model, column in file_fields():
        names.update(str(name) for name in model._default_manager.values_list(column, flat=True) if name)
    return iter(sorted(names))


def _is_on_record(name: str) -> bool:
    return any(model._default_manager.filter(**{column: name}).exists() for model, column in file_fields())
