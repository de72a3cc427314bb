"""Archives that lie, explode, are locked, damaged, nested, or name their files in odd ways."""

import io
import itertools
import struct
import zipfile
from collections.abc import Callable, Iterator

from tests.hostile.corpus import SOME_TYPES, End, Hostile, Whole, base, layout_of, refused, same, seeded

Maker = Callable[[str, str], bytes]
GOOD_LINES = 575_000  # of about 400 bytes


def pack(*members: tuple[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, data in members:
            entry = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            entry.compress_type = kind
            archive.writestr(entry, data)
    return out.getvalue()


def _patched(data: bytes, at_local: int, at_central: int, value: bytes) -> bytes:
    """The first member's entry, at its beginning and in the list at the end, with other bytes."""
    found = bytearray(data)
    local, central = data.index(b"PK\3\4"), data.index(b"PK\1\2")
    found[local + at_local : local + at_local + len(value)] = value
    found[central + at_central : central + at_central + len(value)] = value
    return bytes(found)


def _claims(size: int) -> Maker:
    return lambda name, text: _patched(pack((name, text.encode())), 22, 24, struct.pack("<I", size))


def _cut(share: float) -> Maker:
    def make(name: str, text: str) -> bytes:
        whole = pack((name, text.encode()))
        return whole[: int(len(whole) * share)]

    return make


def _nested(depth: int) -> Maker:
    def make(name: str, text: str) -> bytes:
        data = pack((name, text.encode()))
        for _ in range(depth):
            data = pack(("inner.zip", data))
        return data

    return make


def _uncommon(name: str, text: str) -> bytes:
    return _patched(pack((name, text.encode())), 8, 10, b"\x63\0")


def _damaged(name: str, text: str) -> bytes:
    whole = bytearray(pack((name, text.encode()), kind=zipfile.ZIP_STORED))
    at = whole.index(text.encode()[:20]) + 30
    whole[at] ^= 0x55
    return bytes(whole)


def _zeros(size: int) -> Maker:
    return lambda name, _text: pack((name, b"0" * size))


def _good_lines(text: str) -> Iterator[str]:
    """200 MB of lines that each can be read: students with long names, everybody another one."""
    header, line = text.splitlines(keepends=True)[:2]
    yield header
    cells = line.split(",")
    places = {name: at for at, name in enumerate(header.strip().split(","))}
    for name in ("middle_name", "legal_middle_name", "alias_first_name", "legal_first_name"):
        cells[places[name]] = "Maria-Guadalupe del Carmen"
    for name in ("last_name", "legal_last_name", "alias_last_name"):
        cells[places[name]] = "Fernandez de Cordoba y Alvarez de Toledo-Mendoza"
    for number in range(GOOD_LINES):
        cells[places["local_number"]] = f"G-{number:07d}"
        cells[places["ssid"]] = f"{1_000_000_000 + number}"
        yield ",".join(cells)


def _packed_lines(name: str, lines: Iterator[str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(name, "w") as member:
        while some := list(itertools.islice(lines, 10_000)):
            member.write("".join(some).encode())
    return out.getvalue()


KINDS: dict[str, tuple[Maker, End]] = {
    "a plain archive": (lambda name, text: pack((name, text.encode())), same()),
    "stored, not packed": (lambda name, text: pack((name, text.encode()), kind=zipfile.ZIP_STORED), same()),
    "packed with bzip2": (lambda name, text: pack((name, text.encode()), kind=zipfile.ZIP_BZIP2), same()),
    "packed with LZMA": (lambda name, text: pack((name, text.encode()), kind=zipfile.ZIP_LZMA), same()),
    "an empty archive": (lambda *_: b"PK\5\6" + b"\0" * 18, refused()),
    "a name that climbs out of its folder": (
        lambda _, text: pack(("../../../etc/cron.d/x.txt", text.encode())),
        same(),
    ),
    "a name from the root": (lambda _, text: pack(("/etc/passwd.txt", text.encode())), same()),
    "a name with a drive": (lambda _, text: pack(("C:\\Windows\\x.txt", text.encode())), same()),
    "a name of control characters": (lambda _, text: pack(("a\x1b[2J\x07.txt", text.encode())), same()),
    "a name that runs backwards": (lambda _, text: pack(("students\u202etxt.csv", text.encode())), same()),
    "a name of 60,000 letters": (lambda _, text: pack((f"{'n' * 60_000}.txt", text.encode())), same()),
    "a name with markup": (lambda _, text: pack(("<script>alert(1)</script>.txt", text.encode())), same()),
    "a name without an ending": (lambda _, text: pack(("students", text.encode())), refused("FILE-ZIP")),
    "a program's name": (lambda _, text: pack(("students.exe", text.encode())), refused("FILE-ZIP")),
    "two files": (lambda name, text: pack((name, text.encode()), (f"b-{name}", text.encode())), refused("FILE-ZIP")),
    "the same name twice": (lambda name, text: pack((name, text.encode()), (name, text.encode())), refused("FILE-ZIP")),
    "the same name in small and large": (
        lambda name, text: pack((name, text.encode()), (name.upper(), text.encode())),
        refused("FILE-ZIP"),
    ),
    "beside what a Mac leaves": (
        lambda name, text: pack((f"__MACOSX/._{name}", b"\0\5\x16\7"), (".DS_Store", b"x"), (name, text.encode())),
        same(),
    ),
    "beside a readme": (lambda name, text: pack(("README.txt", b"Read me."), (name, text.encode())), same()),
    "folders only": (lambda *_: pack(("a/", b""), ("a/b/", b"")), refused("FILE-ZIP")),
    "1,500 files": (lambda *_: pack(*((f"{n}.txt", b"a^b") for n in range(1500))), refused("FILE-ZIP")),
    "70,000 files": (lambda *_: pack(*((f"{n}.txt", b"") for n in range(70_000))), refused("FILE-ZIP")),
    "an archive in an archive": (_nested(1), refused("FILE-ZIP")),
    "twenty archives deep": (_nested(20), refused("FILE-ZIP")),
    "an archive by the name of a text": (
        lambda name, text: pack((name, pack((name, text.encode())))),
        refused("FILE-ZIP"),
    ),
    "a workbook inside": (lambda _, text: pack(("students.xlsx", text.encode())), refused("FILE-ZIP")),
    "locked": (lambda name, text: _patched(pack((name, text.encode())), 6, 8, b"\1\0"), refused("FILE-ZIP")),
    "strongly locked": (lambda name, text: _patched(pack((name, text.encode())), 6, 8, b"\x41\0"), refused("FILE-ZIP")),
    "an unknown way of packing": (
        lambda name, text: _patched(pack((name, text.encode())), 8, 10, b"\x63\0"),
        refused("FILE-ZIP"),
    ),
    "a wrong checksum": (
        lambda name, text: _patched(pack((name, text.encode())), 14, 16, b"\1\2\3\4"),
        refused("FILE-ZIP"),
    ),
    "a byte that was changed": (_damaged, refused("FILE-ZIP")),
    "cut after a tenth": (_cut(0.1), refused("FILE-ZIP")),
    "cut in half": (_cut(0.5), refused("FILE-ZIP")),
    "cut before its list": (_cut(0.9), refused("FILE-ZIP")),
    "claims to hold nothing": (_claims(0), refused("FILE-ZIP")),
    "claims to hold one byte": (_claims(1), refused("FILE-ZIP")),
    "claims to hold four gigabytes": (_claims(0xFFFFFFFE), refused("FILE-SIZE", "FILE-ZIP")),
    "thirty megabytes of one sign": (_zeros(30 << 20), refused("FILE-ZIP")),
    "nothing but a beginning": (lambda *_: b"PK\3\4", refused()),
    "a beginning and noise": (lambda *_: b"PK\3\4" + seeded("zip").randbytes(5000), refused("FILE-ZIP")),
    "a comment of 60,000 letters": (lambda name, text: _commented(pack((name, text.encode()))), same()),
    "a program before it": (lambda name, text: b"MZ" + b"\0" * 510 + pack((name, text.encode())), refused()),
}
HEAVY: dict[str, tuple[Maker, End]] = {
    "two gigabytes of one sign": (lambda name, _: _bomb(name), refused()),
}


def _commented(data: bytes) -> bytes:
    end = data.rindex(b"PK\5\6")
    return data[: end + 20] + struct.pack("<H", 60_000) + b"c" * 60_000


def _bomb(name: str) -> bytes:
    out = io.BytesIO()
    piece = b"0" * (1 << 20)
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        for _ in range(2048):
            member.write(piece)
    return out.getvalue()


def files() -> Iterator[Hostile]:
    for kinds, heavy in ((KINDS, False), (HEAVY, True)):
        for kind, (make, end) in kinds.items():
            for import_type in SOME_TYPES if not heavy else SOME_TYPES[:2]:
                yield Hostile(
                    kind=f"archive: {kind}",
                    import_type=import_type,
                    make=lambda make=make, import_type=import_type: make(_member(import_type), base(import_type)),
                    end=end,
                    name="file.zip",
                    heavy=heavy,
                    text=base(import_type),
                )
    yield Hostile(
        kind="archive: 200 MB of good lines",
        import_type="students",
        make=lambda: _packed_lines("students.csv", _good_lines(base("students"))),
        # A file of 200 MB is a tenth of what the settings allow, and a state has as many students: it is read.
        end=Whole(GOOD_LINES),
        name="file.zip",
        heavy=True,
    )


def _member(import_type: str) -> str:
    return "students.csv" if layout_of(import_type).delimiter == "," else "students.txt"
