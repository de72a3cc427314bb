"""Members of an archive, whatever becomes of them: names as they are shown, limits on what is unpacked."""

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
    return "".join(character if character.isprintable() else "?" for character in base)[:80] or "a file without name"


def is_system_file(name: str) -> bool:
    """What Mac computers and file managers leave in archives."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("."))


def check_size(member: zipfile.ZipInfo, max_bytes: int) -> None:
    """Raises FileError for what is too large (FILE-SIZE), or shrunk so far that no list of students can be in it."""
    if member.file_size > max_bytes:
        raise too_large(max_bytes, f"{member.file_size:,} bytes")
    if member.file_size > _MAX_RATIO * max(member.compress_size, 1_000):
        raise FileError(
            "FILE-ZIP",
            found=f"a file of {member.file_size:,} bytes shrunk to {member.compress_size:,} ({shown_name(member.filename)}),"
            f" more than {_MAX_RATIO} times smaller, as no list of students is",
            expected=EXPECTED,
        )


def too_large(max_bytes: int, size: str = "") -> FileError:
    """`size` as the archive says it; blank where it lied: then no more is known than that the limit was passed."""
    most = f"{max_bytes:,} bytes"
    return FileError("FILE-SIZE", found=f"{size or 'more than ' + most} when unpacked", expected=most)
