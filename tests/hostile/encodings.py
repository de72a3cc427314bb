"""Letters spelled in other ways than UTF-8, in several at once, or in none."""

from collections.abc import Callable, Iterator

from tests.hostile.corpus import TYPES, End, Honest, Hostile, base, refused, same

_NAMES = ("students", "ssid-list", "ssid-download", "ela", "caaspp-2023-2024", "oneroster")

# In these every letter of the undamaged file comes through.
WHOLE: dict[str, tuple[Callable[[str], bytes], End]] = {
    "UTF-8 with its mark": (lambda text: b"\xef\xbb\xbf" + text.encode(), same("FILE-BOM")),
    "UTF-8 with its mark twice": (lambda text: b"\xef\xbb\xbf" * 2 + text.encode(), Honest()),
    "UTF-16, little end first": (lambda text: b"\xff\xfe" + text.encode("utf-16-le"), same("FILE-ENCODING")),
    "UTF-16, big end first": (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), same("FILE-ENCODING")),
    "UTF-16 without its mark": (lambda text: text.encode("utf-16-le"), Honest()),
    "UTF-16 cut in a letter": (lambda text: b"\xff\xfe" + text.encode("utf-16-le")[:-1], Honest()),
    "UTF-32": (lambda text: b"\xff\xfe\0\0" + text.encode("utf-32-le"), refused("FILE-ENCODING", "FILE-NUL")),
    "UTF-32, big end first": (
        lambda text: b"\0\0\xfe\xff" + text.encode("utf-32-be"),
        refused("FILE-ENCODING", "FILE-NUL"),
    ),
    "UTF-7": (lambda text: (text + "Nú\u00f1ez\r\n").encode("utf-7"), Honest()),
    "letters apart from their accents": (lambda text: _apart(text).encode(), same()),
}
# In these some letter of some file is another one, or no letter: nothing but honesty can be asked.
PARTLY: dict[str, Callable[[str], bytes]] = {
    "Windows-1252": lambda text: text.encode("cp1252", "replace"),
    "Mac Roman": lambda text: text.encode("mac_roman", "replace"),
    "DOS 437": lambda text: text.encode("cp437", "replace"),
    "Shift JIS": lambda text: text.replace("Zoë", "山田").encode("shift_jis", "replace"),
    "GB 18030": lambda text: text.replace("Zoë", "王伟").encode("gb18030"),
    "Big5": lambda text: text.replace("Zoë", "陳大文").encode("big5", "replace"),
    "Windows-1251": lambda text: text.replace("Zoë", "Иван").encode("cp1251", "replace"),
    "KOI8-R": lambda text: text.replace("Zoë", "Иван").encode("koi8_r", "replace"),
    "ISO 2022": lambda text: text.replace("Zoë", "山田").encode("iso2022_jp", "replace"),
    "HZ": lambda text: text.replace("Zoë", "王伟").encode("hz", "replace"),
    "UTF-8 encoded twice": lambda text: text.encode().decode("latin-1").encode(),
    "one letter in Windows-1252 among UTF-8": lambda text: (
        text.replace("Ana", "Añ\0a").encode().replace("ñ\0".encode(), b"\xf1")
    ),
    "a letter longer than needed": lambda text: text.encode().replace(b"Ana", b"A\xc1\xaea"),
    "half a pair of UTF-16 in UTF-8": lambda text: text.encode().replace(b"Ana", b"A\xed\xa0\x80a"),
    "a letter beyond the last": lambda text: text.encode().replace(b"Ana", b"A\xf5\x80\x80\x80"),
    "cut in a letter": lambda text: text.encode() + "ë".encode()[:1],
    "a zero byte in a name": lambda text: text.encode().replace(b"Ana", b"A\0na"),
    "a zero byte at the end": lambda text: text.encode() + b"\0",
    "every byte there is": lambda text: text.encode() + bytes(range(256)) + b"\r\n",
}


def _apart(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFD", text)


def files() -> Iterator[Hostile]:
    for kind, (make, end) in WHOLE.items():
        for import_type in TYPES:
            yield _file(kind, import_type, make, end)
    for kind, change in PARTLY.items():
        for import_type in (*_NAMES, *(other for other in TYPES if other not in _NAMES)):
            yield _file(kind, import_type, change, Honest())


def _file(kind: str, import_type: str, make: Callable[[str], bytes], end: End) -> Hostile:
    return Hostile(f"encoding: {kind}", import_type, lambda: make(base(import_type)), end)
