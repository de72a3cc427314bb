"""Whatever is not a table of text: programs, pictures, documents, databases, web pages, nothing at all."""

import gzip
import io
import json
import lzma
import sqlite3
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator

from tests.hostile.corpus import SOME_TYPES, Honest, Hostile, base, refused, seeded

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def _noise(seed: str, size: int) -> bytes:
    return seeded("noise", seed).randbytes(size)


def _tar(text: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("students.csv")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


def _database() -> bytes:
    held = sqlite3.connect(":memory:")
    held.execute("CREATE TABLE students (name TEXT)")
    return bytes(held.serialize())


def _picture() -> bytes:
    head = struct.pack(">II5B", 4000, 4000, 8, 2, 0, 0, 0)
    part = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + part + struct.pack(">I", zlib.crc32(part)) + _noise("png", 900)
    )


def _page(text: str) -> bytes:
    cells = "".join(f"<tr><td>{line}</td></tr>" for line in text.splitlines())
    return f"<!DOCTYPE html><html><body><table>{cells}</table></body></html>".encode()


# What it is -> how it is made out of the text of the undamaged file.
KINDS: dict[str, Callable[[str], bytes]] = {
    "nothing": lambda _: b"",
    "one zero byte": lambda _: b"\0",
    "zero bytes": lambda _: b"\0" * 70_000,
    "blank lines": lambda _: b"\r\n" * 3000,
    "spaces": lambda _: b" " * 5000,
    "tabs": lambda _: b"\t\t\t\n" * 500,
    "a mark of UTF-8 and nothing else": lambda _: b"\xef\xbb\xbf",
    "a mark of UTF-16 and nothing else": lambda _: b"\xff\xfe",
    "random bytes": lambda _: _noise("bytes", 20_000),
    "a Windows program": lambda text: b"MZ\x90\0\3\0\0\0" + _noise("exe", 4000) + text.encode(),
    "a Linux program": lambda text: b"\x7fELF\2\1\1\0" + _noise("elf", 4000) + text.encode(),
    "a PDF": lambda text: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n" + text.encode() + b"\n%%EOF\n",
    "a picture": lambda _: _picture(),
    "a photograph": lambda _: b"\xff\xd8\xff\xe0\0\x10JFIF\0" + _noise("jpg", 3000),
    "an old workbook": lambda _: _OLE + b"\0" * 16 + _noise("xls", 8000),
    "rich text": lambda text: b"{\\rtf1\\ansi " + text.encode("ascii", "replace") + b"}",
    "a web page": _page,
    "an error page": lambda _: (
        b"<html><head><title>Sign in</title></head><body>Your session has ended.</body></html>\n"
    ),
    "JSON": lambda text: json.dumps([{"line": line} for line in text.splitlines()], indent=1).encode(),
    "XML": lambda text: b'<?xml version="1.0"?>\n<rows><row>' + text.replace("&", "").encode() + b"</row></rows>\n",
    "a database": lambda _: _database(),
    "gzip": lambda text: gzip.compress(text.encode()),
    "xz": lambda text: lzma.compress(text.encode()),
    "tar": _tar,
    "7z": lambda _: b"7z\xbc\xaf\x27\x1c\0\4" + _noise("7z", 900),
    "rar": lambda _: b"Rar!\x1a\x07\x01\0" + _noise("rar", 900),
    "EBCDIC": lambda text: text.encode("cp037", "replace"),
    "a poem": lambda _: b"Whose woods these are I think I know.\nHis house is in the village though;\n" * 40,
    "a program in Python": lambda _: b"import os\n\n\ndef main():\n    os.remove('x')\n" * 20,
    "SQL": lambda _: b"DROP TABLE students; -- ^ , ;\nINSERT INTO students VALUES (1, 'x');\n" * 20,
}


# Around each record there is something else: every line may be refused by itself as well.
WRAPPED = frozenset({"JSON", "XML", "a web page"})


def files() -> Iterator[Hostile]:
    for kind, make in KINDS.items():
        for import_type in SOME_TYPES:
            yield Hostile(
                kind=f"no table: {kind}",
                import_type=import_type,
                make=lambda make=make, import_type=import_type: make(base(import_type)),
                end=Honest() if kind in WRAPPED else refused(),
            )
