"""Adding a place that files are picked up from, or that an export is delivered to, for pages and commands alike."""

import datetime as dt
import re
from collections.abc import Collection
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sisimport.api.tokens import new_service_user
from sisimport.automation import schedule
from sisimport.automation.export_deliveries import CURRENT, LAST
from sisimport.automation.models import ExportDelivery, PickUpPlace
from sisimport.automation.places import key_path, make_key
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type
from sisimport.imports.runs import services
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.web.exports.deliverables import Deliverable, deliverables
from students.models import School
from students.school_years import NotASchoolYearError, read_school_year, year_label

LEAST_MINUTES, MOST_MINUTES = 1, 7 * 24 * 60
_PART = re.compile(r"\{(date|time|year)\}")
_FILE_NAME = re.compile(r"[\w.() -]+")
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")


class AddingError(ValueError):
    """An invalid place; `field` is the one to correct, the text is for the user."""

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
    """Add a place, with its own service user whose runs are for these schools (None: all).

    Either `path`, an absolute path on this machine, or `sftp`, `sftp://user@host[:port]/folder`, with the fingerprint
    of the server's key. Raises AddingError.
    """
    name = _free_name(PickUpPlace, name)
    where = _where(path, sftp, host_key)
    _check_interval(every_minutes)
    if not pattern.strip() or "/" in pattern:
        raise AddingError("pattern", "Enter a name with * and ?, without a folder: SSID*.txt")
    given = _type_and_options(import_type, options or {})
    with transaction.atomic():
        place = PickUpPlace.objects.create(
            name=name,
            pattern=pattern.strip(),
            work=work,
            every_minutes=every_minutes,
            needs_mark=needs_mark,
            user=new_service_user(f"pick-up {name}", schools),
            **where,
            **given,
        )
        if sftp:
            place.public_key = make_key(place)
            place.save(update_fields=["public_key"])
    return place


def add_delivery(
    *,
    name: str,
    what: str,
    file_name: str,
    path: str = "",
    sftp: str = "",
    host_key: str = "",
    school_year: str = "",
    options: dict[str, str] | None = None,
    every_minutes: int = schedule.DAY,
    at: dt.time | None = None,
    since: dt.date | None = None,
    schools: Collection[School] | None = None,
) -> ExportDelivery:
    """Add an export that is delivered at an interval of minutes, with its own service user who sees these schools
    (None: all).

    The place is given as for `add_place`. at: the first time, by the district's clock; None: now. since: where the
    first delivery of changes begins; None: now. Raises AddingError.
    """
    name = _free_name(ExportDelivery, name)
    where = _where(path, sftp, host_key)
    offer = deliverables().get(what)
    if offer is None:
        raise AddingError("what", f"Choose one of: {', '.join(deliverables())}.")
    _check_interval(every_minutes)
    now = timezone.now()
    first = schedule.first_due(at, now)
    begins = timezone.make_aware(dt.datetime.combine(since, dt.time.min)) if since else now
    if begins > now:
        raise AddingError("since", "This day is in the future: choose an earlier one.")
    with transaction.atomic():
        delivery = ExportDelivery.objects.create(
            name=name,
            what=offer.key,
            school_year=_school_year(offer, school_year),
            options=_choices(offer, options or {}),
            file_name=_pattern(offer, file_name),
            every_minutes=every_minutes,
            first_at=first,
            next_due_at=first,
            delivered_until=begins,
            user=new_service_user(f"delivery {name}", schools),
            **where,
        )
        if sftp:
            delivery.public_key = make_key(delivery)
            delivery.save(update_fields=["public_key"])
    return delivery


def remove_delivery(delivery: ExportDelivery) -> None:
    """Remove it and its key; no one can act as its user any more. Past deliveries stay on record."""
    user = delivery.user
    key_path(delivery).unlink(missing_ok=True)
    delivery.delete()
    user.is_active = False
    user.save(update_fields=["is_active"])


def _school_year(offer: Deliverable, text: str) -> str:
    if text and not offer.by_year:
        raise AddingError("school_year", f"{offer.label}: leave the school year out.")
    if text in ("", CURRENT, LAST):
        return text
    try:
        return year_label(read_school_year(text))
    except NotASchoolYearError as error:
        raise AddingError("school_year", str(error)) from error


def _choices(offer: Deliverable, given: dict[str, str]) -> dict[str, str]:
    """The options, with defaults for those left out."""
    offered = {choice.key: choice for choice in offer.choices}
    if unknown := sorted(set(given) - set(offered)):
        raise AddingError(
            "options", f"{offer.label} has no option {', '.join(unknown)}. It has: {', '.join(offered) or 'none'}."
        )
    for key, value in given.items():
        values = [one for one, _label in offered[key].values]
        if values and value not in values:
            raise AddingError("options", f"{offered[key].label}: choose one of {', '.join(values)}.")
        if len(value) > 255:
            raise AddingError("options", f"{offered[key].label}: 255 characters at most.")
    return {key: given.get(key) or choice.default for key, choice in offered.items()}


def _pattern(offer: Deliverable, text: str) -> str:
    """The name of the files, with {date} and other placeholders."""
    name = text.strip()
    if not name or len(name) > 120 or name.startswith(".") or not _FILE_NAME.fullmatch(_PART.sub("x", name)):
        raise AddingError(
            "file_name",
            "Enter a name of letters, digits, dots, dashes and blanks, with {date}, {time} or {year} where these should go: "
            f"{offer.key}-{{date}}{offer.endings[0]}",
        )
    if PurePath(name).suffix.lower() not in offer.endings:
        raise AddingError("file_name", f"{offer.label}: the name ends in {' or '.join(offer.endings)}.")
    return name


# ---- what both share ----


def schools_of(codes: Collection[str]) -> list[School] | None:
    """The schools with these codes; None (all) if no codes are given. Raises AddingError."""
    if not codes:
        return None
    found = list(School.objects.filter(code__in=codes))
    if unknown := sorted(set(codes) - {school.code for school in found}):
        raise AddingError("schools", f"There is no school {', '.join(unknown)}.")
    return found


def _free_name(model: type[PickUpPlace | ExportDelivery], name: str) -> str:
    name = name.strip()
    if not name or len(name) > 80:
        raise AddingError("name", "Give it a name, 80 characters at most.")
    if model._default_manager.filter(name=name).exists():
        raise AddingError("name", "This name is taken: choose another one.")
    return name


def _where(path: str, sftp: str, host_key: str) -> dict[str, Any]:
    if bool(path) == bool(sftp):
        raise AddingError("path", "Give either a folder or the address of an SFTP server.")
    return _server(sftp, host_key) if sftp else _folder(path)


def _check_interval(every_minutes: int) -> None:
    if not LEAST_MINUTES <= every_minutes <= MOST_MINUTES:
        raise AddingError("every_minutes", f"{LEAST_MINUTES} to {MOST_MINUTES:,} minutes.")


def _folder(path: str) -> dict[str, Any]:
    folder = Path(path)
    if not folder.is_absolute():
        raise AddingError("path", "Enter the full path of the folder on the machine that runs the workers.")
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
        raise AddingError("sftp", "Leave the password out: this place signs in with its own key.")
    if not FINGERPRINT.match(host_key):
        raise AddingError("host_key", "Enter the fingerprint of the server's key, as ssh-keygen -lf shows it: SHA256:…")
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
