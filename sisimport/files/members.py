"""Archive members in general: names for display, and limits on unpacking."""

import zipfile
from pathlib import PurePosixPath
from typing import Final

from sisimport.files.issues import FileError

MAX_MEMBERS: Final = 1000
_MAX_RATIO: Final = 400
EXPECTED: Final = "one text file (.csv, .txt or .dat)"


def shown_name(name: str) -> str:
    """A member's name without folders and without characters that cannot be shown."""
    base = PurePosixPath(name.replace("\\", "/")).name
    return "".join(character if character.isprintable() else "?" for character in base)[:80] or "a file without a name"


def is_system_file(name: str) -> bool:
    """Is this a file that Mac computers or file managers leave in archives?"""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("."))


def check_size(member: zipfile.ZipInfo, max_bytes: int) -> None:
    """Raises FileError if it is too large (FILE-SIZE), or compressed so far that it cannot be a list of students."""
    if member.file_size > max_bytes:
        raise too_large(max_bytes, f"{member.file_size:,} bytes")
    if member.file_size > _MAX_RATIO * max(member.compress_size, 1_000):
        raise FileError(
            "FILE-ZIP",
            found=f"a file of {member.file_size:,} bytes shrunk to {member.compress_size:,} ({shown_name(member.filename)}),"
            f" more than {_MAX_RATIO} times smaller, unlike any list of students",
            expected=EXPECTED,
        )


def too_large(max_bytes: int, size: str = "") -> FileError:
    """`size` as the archive states it; blank if it was false: then only the fact that the limit was exceeded is known."""
    most = f"{max_bytes:,} bytes"
    return FileError("FILE-SIZE", found=f"{size or 'more than ' + most} when unpacked", expected=most)
