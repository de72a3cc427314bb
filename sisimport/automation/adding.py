"""Adding and changing a place that files are picked up from, for pages and commands alike."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import transaction

from sisimport.api.tokens import service_user
from sisimport.automation.models import PickUpPlace
from sisimport.automation.places import make_key
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type
from sisimport.imports.runs import services
from sisimport.imports.runs.uploads import RunRefusedError
from students.models import School

LEAST_MINUTES, MOST_MINUTES = 1, 7 * 24 * 60
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")


class AddingError(ValueError):
    """A place that cannot be; `field` is the one to mend, the text is for the user."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def add_place(
    *,
    name: str,
    path: str = "",
    sftp: str = "",
    host_key: str = "",
    pattern: str = "*",
    import_type: str = "auto",
    options: dict[str, str] | None = None,
    work: str = PickUpPlace.Work.TEST,
    every_minutes: int = 15,
    needs_mark: bool = False,
    schools: Collection[School] | None = None,
) -> PickUpPlace:
    """A place, with a service user of its own whose runs are for these schools (None: all).

    Either `path`, a whole path of this machine, or `sftp`, `sftp://user@host[:port]/folder`, with the fingerprint of the server's
    key. Raises AddingError.
    """
    name = name.strip()
    if not name or len(name) > 80:
        raise AddingError("name", "Give it a name, 80 characters at most.")
    if PickUpPlace.objects.filter(name=name).exists():
        raise AddingError("name", "Another place has this name.")
    if bool(path) == bool(sftp):
        raise AddingError("path", "Give either a folder or the address of an SFTP server.")
    where = _server(sftp, host_key) if sftp else _folder(path)
    if not LEAST_MINUTES <= every_minutes <= MOST_MINUTES:
        raise AddingError("every_minutes", f"{LEAST_MINUTES} to {MOST_MINUTES:,} minutes.")
    if not pattern.strip() or "/" in pattern:
        raise AddingError("pattern", "Write a name with * and ?, without a folder: SSID*.txt")
    given = _type_and_options(import_type, options or {})
    with transaction.atomic():
        place = PickUpPlace.objects.create(
            name=name,
            pattern=pattern.strip(),
            work=work,
            every_minutes=every_minutes,
            needs_mark=needs_mark,
            user=service_user(f"pick-up {name}", schools),
            **where,
            **given,
        )
        if sftp:
            place.public_key = make_key(place)
            place.save(update_fields=["public_key"])
    return place


def _folder(path: str) -> dict[str, Any]:
    folder = Path(path)
    if not folder.is_absolute():
        raise AddingError("path", "Write the whole path of the folder, as the machine with the workers has it.")
    if folder.resolve().is_relative_to(Path(settings.DATA_DIR).resolve()):
        raise AddingError("path", "This folder is the product's own: choose another.")
    return {"kind": PickUpPlace.Kind.FOLDER, "path": str(folder)}


def _server(address: str, host_key: str) -> dict[str, Any]:
    parts = urlsplit(address)
    try:
        port = parts.port or 22
    except ValueError:
        raise AddingError("sftp", "The port is not a number from 1 to 65535.") from None
    if parts.scheme != "sftp" or not parts.hostname or not parts.username:
        raise AddingError("sftp", "Write sftp://user@host/folder.")
    if parts.password:
        raise AddingError("sftp", "Leave the password out: this place signs in with a key of its own.")
    if not FINGERPRINT.match(host_key):
        raise AddingError("host_key", "Write the fingerprint of the server's key, as ssh-keygen -lf shows it: SHA256:…")
    return {
        "kind": PickUpPlace.Kind.SFTP,
        "path": unquote(parts.path) or "/",
        "host": parts.hostname,
        "port": port,
        "username": unquote(parts.username),
        "host_key": host_key,
    }


def _type_and_options(import_type: str, options: dict[str, str]) -> dict[str, Any]:
    if import_type == "auto":
        if options:
            raise AddingError("options", "Options belong to one import type: name it instead of auto.")
        return {"import_type": "auto", "options": {}}
    try:
        kind = get_type(import_type)
        return {"import_type": kind.key, "options": services.clean_options(kind, options)}
    except UnknownImportTypeError:
        raise AddingError("import_type", "There is no such import type.") from None
    except RunRefusedError as error:
        raise AddingError("options", str(error)) from error
