"""Why a file with another system's columns is not read as a roster: what is missing, and what to do next."""

from io import BytesIO
from typing import Final

from sisimport.files.issues import FileError
from sisimport.files.layout_matching import listed
from sisimport.files.layouts import normalise_header
from sisimport.roster.mapping.content import MappingError
from sisimport.roster.mapping.layouts import ROSTER, roster_layout, sha_in
from sisimport.roster.mapping.looking import Look, look_at
from sisimport.roster.mapping.suggesting import known_field

COLUMNS, GONE, WHICH, UNKNOWN = "ROSTER-COLUMNS", "ROSTER-GONE", "ROSTER-WHICH", "ROSTER-UNKNOWN"
CODES: Final = frozenset({COLUMNS, GONE, UNKNOWN, "FILE-NO-HEADER", "FILE-COLUMN-TWICE"})
_TELLING: Final = frozenset({"last_name", "first_name"})  # fields that hardly any file has unless it is about students


def explained(error: FileError, head: bytes) -> FileError:
    """The error, or a better one about the same. `head`: the first bytes of the file."""
    layout = str(error.params.get("layout", ""))
    if error.code == "FILE-AMBIGUOUS" and all(map(sha_in, error.params.get("layouts", [""]))):
        return FileError(WHICH, found=error.found, params=error.params)
    if error.code == "FILE-COLUMN-MISSING" and sha_in(layout):
        return FileError(GONE, found=error.found, expected=error.expected.removeprefix("the columns of "))
    if error.code == "FILE-COLUMN-MISSING" and layout == ROSTER:
        return FileError(COLUMNS, found=error.found, params={"known": _understood(_seen(head)), "layout": ROSTER})
    if error.code in {"FILE-UNKNOWN", "FILE-NO-HEADER"}:
        look = _seen(head)
        fields = {field for name in look.header if (field := known_field(name))} if look else set()
        if fields > _TELLING and not fields.isdisjoint({"local_number", "ssid", "birth_date"}):
            if error.code == "FILE-UNKNOWN":
                return FileError(UNKNOWN, found=error.found, expected=error.expected, params=error.params)
            needed = [c.name for key, c in roster_layout().fields.items() if c.required and key not in _own(look)]
            return FileError(COLUMNS, found=listed(needed), params={"known": _understood(look), "layout": ROSTER})
    return error


def _seen(head: bytes) -> Look | None:
    try:
        return look_at(BytesIO(head))
    except (FileError, MappingError):
        return None


def _own(look: Look | None) -> set[str]:
    """Fields that the header names the way the roster does."""
    names = {normalise_header(name) for name in look.header} if look else set()
    return {key for key, column in roster_layout().fields.items() if normalise_header(column.name) in names}


def _understood(look: Look | None) -> str:
    """A sentence naming the columns that are known under another name; blank without any."""
    if look is None:
        return ""
    own = _own(look)
    found = {field: name for name in look.header if (field := known_field(name)) and field not in own}
    pairs = [f"{name} as {field}" for field, name in found.items()]
    return f" Known by another name: {listed(pairs)}." if pairs else ""
