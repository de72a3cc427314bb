"""Which OneRoster tables a zip holds, and what its manifest says about them."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from sisimport.files.encodings import judge, wide_encoding
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.members import MAX_MEMBERS, check_size, is_system_file, shown_name

BULK, DELTA, ABSENT = "bulk", "delta", "absent"
VERSIONS: Final = ("1.1", "1.2")
MANIFEST: Final = "manifest"
# The tables that are read; the standard's others (classes, courses, results …) are about other things.
TABLES: Final = ("users", "orgs", "demographics", "enrollments", "roles", "academicSessions")
_KNOWN: Final = {name.lower(): name for name in (MANIFEST, *TABLES)}
_MOST_MANIFEST: Final = 1 << 20
_LOCKED: Final = 0x1


@dataclass(frozen=True, slots=True)
class Contents:
    """Tables by name, as the archive has them, and their modes (bulk, delta). `notices`: findings about the manifest."""

    version: str
    members: Mapping[str, zipfile.ZipInfo]
    modes: Mapping[str, str]
    notices: Sequence[Problem] = field(default_factory=tuple)

    @property
    def is_delta(self) -> bool:
        """Does the zip name only students with changes?"""
        return self.modes.get("users") == DELTA

    def is_whole(self, table: str) -> bool:
        """Does the table name everything there is?"""
        return self.modes.get(table) == BULK


def is_table(name: str) -> bool:
    """Is this the name of a OneRoster file that is read, in any folder?"""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.suffix.lower() == ".csv" and path.stem.strip().lower() in _KNOWN and not is_system_file(name)


def find_contents(archive: zipfile.ZipFile, *, max_bytes: int) -> Contents | None:
    """The OneRoster tables of an archive; None for an archive of something else.

    Raises FileError (ONE-MANIFEST, ONE-FILE, FILE-SIZE …) for a OneRoster archive that cannot be used.
    """
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        return None
    folders: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for info in infos:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        name = _KNOWN.get(path.stem.strip().lower()) if path.suffix.lower() == ".csv" else None
        if name is None or info.is_dir() or is_system_file(info.filename):
            continue
        if name in folders.setdefault(str(path.parent), {}):
            raise FileError("ONE-FILE", found=f"two files called {name}.csv", expected="one of each")
        folders[str(path.parent)][name] = info
    rosters = [found for found in folders.values() if "users" in found and (MANIFEST in found or "orgs" in found)]
    rosters = rosters or [found for found in folders.values() if MANIFEST in found]
    if not rosters:
        return None
    if len(rosters) > 1:
        raise FileError("ONE-FILE", found=f"{len(rosters)} rosters in different folders", expected="one roster")
    return _contents(archive, rosters[0], max_bytes)


def _contents(archive: zipfile.ZipFile, found: Mapping[str, zipfile.ZipInfo], max_bytes: int) -> Contents:
    if MANIFEST not in found:
        names = ", ".join(f"{name}.csv" for name in sorted(found))
        raise FileError("ONE-MANIFEST", found=f"{names} and no manifest.csv", expected="manifest.csv next to them")
    for info in found.values():
        check_size(info, max_bytes)
        if info.flag_bits & _LOCKED:
            raise FileError("FILE-ZIP", found="a file locked with a password", expected="files without password")
    properties = _properties(archive, found[MANIFEST])
    version = properties.get("oneroster.version", "")
    if version not in VERSIONS:
        version_text = f"oneroster.version {version}" if version else "no oneroster.version"
        raise FileError("ONE-MANIFEST", found=version_text, expected=" or ".join(VERSIONS))
    modes: dict[str, str] = {}
    notices = []
    for name in TABLES:
        mode = properties.get(f"file.{name.lower()}", ABSENT).lower()
        if mode not in {BULK, DELTA, ABSENT}:
            raise FileError("ONE-MANIFEST", found=f"file.{name} {mode}", expected="bulk, delta or absent")
        if mode != ABSENT and name not in found:
            raise FileError(
                "ONE-FILE",
                found=f"no {name}.csv, which manifest.csv says is there ({mode})",
                expected=f"{name}.csv next to manifest.csv",
            )
        if mode == ABSENT and name in found:
            notices.append(Problem("ONE-LEFT-OUT", Severity.WARNING, None, f"{name}.csv"))
        if mode != ABSENT:
            modes[name] = mode
    _refuse_lacking(version, modes)
    return Contents(version, {name: found[name] for name in modes}, modes, tuple(notices))


def _refuse_lacking(version: str, modes: Mapping[str, str]) -> None:
    """Raises FileError if a table is missing that is needed to read any student."""
    if "users" not in modes:
        raise FileError("ONE-FILE", found="no users.csv", expected="users.csv with the students")
    if modes["users"] == DELTA:
        return
    if "orgs" not in modes:
        raise FileError("ONE-FILE", found="no orgs.csv", expected="orgs.csv with the schools")
    if version != "1.1" and "roles" not in modes:
        raise FileError("ONE-FILE", found="no roles.csv", expected="roles.csv, which shows who is a student")


def _properties(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, str]:
    """Property in lower case -> value. Raises FileError (ONE-MANIFEST)."""
    with archive.open(info) as source:
        data = source.read(_MOST_MANIFEST)
    encoding = wide_encoding(data)
    if encoding is None:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode(judge(data) or "latin-1")
    else:
        text = data.decode(encoding, "replace")
    rows = _rows(text.lstrip("\ufeff"), _separator(text))
    if rows and max(map(len, rows)) == 1:  # each line is a single cell: lines that were pasted into one column
        rows = _rows("\n".join(cell for row in rows for cell in row), _separator(rows[0][0]))
    elif rows and len(rows[0]) == 1:  # the names have another separator than the records
        rows[0] = _rows(rows[0][0], _separator(rows[0][0]))[0]
    if not rows or [cell.lower() for cell in rows[0][:2]] != ["propertyname", "value"]:
        head = ", ".join(rows[0][:4]) if rows else "nothing"
        found = f"{shown_name(info.filename)} with {head[:80]}"
        raise FileError("ONE-MANIFEST", found=found, expected="the columns propertyName and value")
    return {row[0].lower(): row[1] for row in rows[1:] if len(row) > 1}


def _rows(text: str, separator: str) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def _separator(text: str) -> str:
    """The separator of the records: programs that open and save a file may write one other than the comma."""
    lines = [line for line in text.splitlines() if line.strip()]
    return max(",;\t|^", key=lines[min(1, len(lines) - 1)].count) if lines else ","
