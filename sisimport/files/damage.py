"""Text that is not part of a value: invisible characters, words that mean blank, and letters garbled by a program.

Looks at whole columns of a block, and at single values only if the look at the whole column found something.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from sisimport.files.issues import Problem, Severity
from sisimport.files.layouts import Column

_JOINT: Final = "\x00"  # occurs in no text
_SHOWN: Final = 60

# -- removed -----------------------------------------------------------------------------------------------------------

_BIDI: Final = "\u202a-\u202e\u2066-\u2069"
_UNSEEN: Final = f"\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064{_BIDI}\ufeff\ufff9-\ufffb"
# A soft hyphen, unless it is the second half of a letter that was encoded twice (`Ã` plus soft hyphen is `í`).
_SOFT_HYPHEN: Final = "(?<![ÂÃ])\xad"
_CONTROL: Final = "\x01-\x08\x0b\x0c\x0e-\x1f\x7f"
HIDDEN = re.compile(f"[{_CONTROL}{_UNSEEN}\t\n\r]|{_SOFT_HYPHEN}")
HIDDEN_BEYOND_ASCII = re.compile(f"[{_UNSEEN}]|{_SOFT_HYPHEN}")
_ASCII: Final = bytes(range(128))
_MAY_BE_HIDDEN: Final = frozenset(re.findall(f"[{_UNSEEN}\xad]", "".join(map(chr, range(0x80, 0x10000)))))
_HARMFUL = re.compile(f"[{_CONTROL}{_BIDI}]")
_AS_SPACE = re.compile(f" *[{_CONTROL}]+|\\s*[\t\n\r]+\\s*")
_AS_NOTHING = HIDDEN_BEYOND_ASCII
_CALLED: Final = {
    "\n": "a line feed",
    "\r": "a line feed",
    "\x1b": "an escape character",
    "\t": "a tab",
    "\xad": "a soft hyphen",
    "\ufeff": "a byte order mark (U+FEFF)",
}


def without_hidden(
    column: Column, texts: Sequence[str], *, refuse: bool
) -> tuple[Sequence[str], list[tuple[int, Problem]]]:
    """The column without invisible characters, and the places where there were some.

    `refuse`: for names that would be written: with control characters or changed text direction, the name is in doubt.
    """
    if not HIDDEN.search(_JOINT.join(texts)):
        return texts, []
    findings = []
    clean = list(texts)
    for at, cell in enumerate(texts):
        text = cell.strip(" \t")  # a tab at the edge is a space there
        if not HIDDEN.search(text):
            continue
        clean[at] = _AS_NOTHING.sub("", _AS_SPACE.sub(" ", text))
        if not text.strip("\r\n"):
            continue
        if refuse and _HARMFUL.search(text):
            problem = _damaged(column, clean[at], f"{_names_of(text)} inside it", Severity.ERROR)
            clean[at] = ""
        else:
            params = {"what": _names_of(text)}
            problem = Problem("FILE-HIDDEN", Severity.WARNING, column.field, clean[at].strip()[:_SHOWN], "", params)
        findings.append((at, problem))
    return clean, findings


def _names_of(text: str) -> str:
    """The removed characters in words, each kind once."""
    return ", ".join(dict.fromkeys(_CALLED.get(sign) or f"U+{ord(sign):04X}" for sign in HIDDEN.findall(text)))


# -- words that mean blank ----------------------------------------------------------------------------------------------

# What a spreadsheet shows in place of a value that it could not compute.
FORMULA_ERRORS: Final = frozenset({"#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})
PLACEHOLDERS: Final = frozenset({
    *("NULL", "Null", "null", "N/A", "n/a", "#N/A", "#n/a", "NaN", "nan", "NAN", "None", "none", "NONE", "-", "."),
    *("(null)", "(NULL)", "<null>", "<NULL>", "[null]", "[NULL]", "\\N", "(none)", "(blank)", "undefined"),
    *("nil", "NIL", "--", "---", "'", '""', '=""', "''", "“”", "‘’"),
    *("NaT", "<NA>", "<NaN>", "<none>", "<None>", "<blank>", "[blank]", "[none]", "[None]"),
    *FORMULA_ERRORS,
})  # fmt: skip


LONGEST_PLACEHOLDER: Final = max(map(len, PLACEHOLDERS))
_NEEDED_NAMES: Final = frozenset({"last_name", "first_name"})
_NO_NAMES: Final = frozenset(word for word in PLACEHOLDERS if not word.isalpha())


def placeholders_in(column: Column) -> frozenset[str]:
    """The words that mean blank in this column. There are people named Null and None: such a word is compared as a name,
    and if the name is required, it is left to the rules, which see the record."""
    if column.field not in _NEEDED_NAMES:
        return PLACEHOLDERS
    return frozenset() if column.required else _NO_NAMES


def placeholder(column: Column, text: str) -> Problem:
    """The finding about the word: that it was read as blank, or that the value is missing."""
    if column.required:
        return Problem("FILE-REQUIRED", column.severity, column.field, text, "a value")
    return Problem("FILE-PLACEHOLDER", Severity.NOTICE, column.field, text)


# -- damaged letters ---------------------------------------------------------------------------------------------------

_NAME = re.compile(r"(?:.*_)?(?:last|first|middle)_name\Z|suffix\Z|(?:county|district|school)_name\Z")
_OF_PEOPLE = re.compile(r"(?:.*_)?(?:last|first|middle)_name\Z")
_LETTERS: Final = bytes(code for code in range(0xC0, 0x100) if code not in {0xD7, 0xF7})
_NICE: Final = (
    b"\x00 abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'-.,\"()/`\xb4\xaa\xba\xb7" + _LETTERS
)
_NICE_NAME = re.compile(r"(?!(['\"]).+\1\Z)[ A-Za-z0-9'\-.,\"()/`À-ÖØ-öø-ÿ]*\Z")
_ENTITY = re.compile(
    r"&(?:(?:[A-Za-z][A-Za-z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"
    r"|[A-Za-z](?:acute|grave|circ|uml|tilde|cedil|slash|ring))"
)
# Two to four bytes of UTF-8 as another encoding shows them: a leading letter, then signs that never follow a letter in a name.
_TWICE = re.compile(r"[\u00c2-\u00f4](?:[\u0080-\u00bf]|[€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ])")
# The same as shown by old Macs (`Pe√±a`) and DOS (`Pe├▒a`): the first character occurs in no name.
_TWICE_ELSEWHERE = re.compile(r"[√≈┬├─┼][^\x00-\x7f]|‚Ä[^\x00-\x7f]")
# A letter as programs write it where only ASCII is allowed: `%C3%AD`, `\\u00ed`, `\\xed`, `=ED`, `<ed>`, in workbooks `_x00ED_`.
_ESCAPED = re.compile(
    r"(?:%[0-9A-F]{2})+|(?:\\[uU][0-9A-Fa-f]{4})+|(?:\\x[0-9A-Fa-f]{2})+|(?:=[0-9A-F]{2})+|<[0-9a-f]{2}>"
    r"|_x[0-9A-Fa-f]{4}_"
)
_BACKSLASHED = re.compile(r"\\(?=['\"])")  # O\'Neil, as databases write an apostrophe
_ADDRESS = re.compile(r"[^\s@]@[^\s@]+\.[A-Za-z]")
_TAG = re.compile(
    r"</?(?:[abipu]|br|div|em|font|h[1-6]|img|li|p|script|span|strong|td|tr)\b[^<>]*>|<!--", re.IGNORECASE
)
_LONE_ACCENT = re.compile(r"(?<=[A-Za-z])[~¨¸˜ˆ](?=[A-Za-z]|\Z)")  # Pen~a
# Spaces that no key types. One between small letters was a letter, except next to a particle (`de la Cruz`).
_OTHER_SPACES: Final = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_OTHER_SPACE = re.compile(f"[{_OTHER_SPACES}]")
_BROKEN_WORD = re.compile(rf"(?P<before>[^\W\d_]+)[{_OTHER_SPACES}](?=(?P<after>[a-zß-ÿ]+))")
_PARTICLES: Final = frozenset({
    *("al", "ap", "av", "bin", "binti", "da", "dal", "das", "de", "dei", "del", "della", "den", "der", "des", "di", "do"),
    *("dos", "du", "el", "la", "las", "le", "les", "lo", "los", "mac", "mc", "san", "st", "te", "ten", "ter", "the", "tho"),
    *("và", "van", "vande", "vanden", "vander", "ver", "von", "vom", "zu", "zum", "zur", "d", "e", "i", "o", "y", "a"),
})  # fmt: skip
# Letters as wide as Chinese characters, and several letters as one character: the same letters in another form.
_FORMS_OF_LETTERS = re.compile("[\uff01-\uff5e\u3000\ufb00-\ufb06]+")
# A Greek or Cyrillic letter next to a Latin one: it only looks like a Latin letter (`Реña`).
_LATIN: Final = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_OF_ANOTHER_ALPHABET: Final = "\u0370-\u03ff\u0400-\u052f"
_MIXED = re.compile(
    f"(?:(?<=[{_LATIN}])|(?<=[{_LATIN}]['’]))[{_OF_ANOTHER_ALPHABET}]|[{_OF_ANOTHER_ALPHABET}](?=['’]?[{_LATIN}])"
)
_QUOTES: Final = ("“”", "‘’", "''", '""', "„“", "«»")
_UTF7 = re.compile(r"\+A[A-Za-z0-9+/]{2,}-?|\+[A-Za-z0-9+/]{3,}-")
_TEX = re.compile(r"\\[~'`^\"=.cuvHkrd]\{?[A-Za-z]|\\[oOlLij](?![A-Za-z])")  # \~n, \'{e}, \l
# Keyboard or typographic signs that occur in names: apostrophes, okina, hyphens, periods.
_SIGNS: Final = frozenset("’ʻʼ`´ªº·.'-,\"()/ \xa0\u2010\u2011‧“”#*&+;:!_@")
_TURNED = re.compile(r"‘(?![^\W\d_])")  # a turned comma begins a syllable (okina) and never ends one


def is_name(column: Column) -> bool:
    return bool(column.field and _NAME.match(column.field))


def holds_hidden_beyond_ascii(text: str) -> bool:
    """Does a long text hold an invisible character? Only the few beyond ASCII are examined: searching the whole text would cost
    more than all other steps of reading it."""
    beyond = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
    return not _MAY_BE_HIDDEN.isdisjoint(beyond) and HIDDEN_BEYOND_ASCII.search(text) is not None


def may_hold_hidden(chunk: bytes) -> bool:
    """Can bytes of UTF-8 hold an invisible character? Equally quick, and before they are decoded."""
    beyond = chunk.translate(None, _ASCII).decode("utf-8", "replace")
    return not _MAY_BE_HIDDEN.isdisjoint(beyond)


def has_doubtful_names(texts: Sequence[str]) -> bool:
    """Does any of the names hold text that is rare in names? Quick: all of them are searched together."""
    joined = _JOINT.join(texts)
    if any(quote in joined and f"{_JOINT}{quote}" in f"{_JOINT}{joined}" for quote in "'\""):
        return True  # `'Duran'`
    try:
        return bool(joined.encode("latin-1").translate(None, _NICE))
    except UnicodeEncodeError:
        return True


def looked_at_name(column: Column, text: str, *, written: bool) -> tuple[str, Problem | None]:
    """A name, repaired if there is no doubt, and otherwise what is wrong with it.

    `written`: the name would go on record, so a damaged one is an error; otherwise it is only compared, and the finding says why
    it differs.
    """
    return (text, None) if _NICE_NAME.match(text) else _judge(column, text, written=written)


def _judge(column: Column, text: str, *, written: bool) -> tuple[str, Problem | None]:
    repaired = _repaired(text)
    cause = _cause(repaired) or (_broken_word(repaired) if _OF_PEOPLE.match(column.field or "") else None)
    if cause is None:
        return _typed(repaired), _notice_on(column, text, repaired)
    if written:
        return "", _damaged(column, text, cause, Severity.ERROR)
    return text, _damaged(column, text, cause, Severity.WARNING)


def _typed(text: str) -> str:
    """The text with ordinary spaces."""
    return _OTHER_SPACE.sub(" ", text)


def _notice_on(column: Column, text: str, repaired: str) -> Problem | None:
    if repaired != text:
        found, expected = text[:_SHOWN], _typed(repaired)[:_SHOWN]
        return Problem("FILE-REPAIRED", Severity.NOTICE, column.field, found, expected)
    if _OTHER_SPACE.search(text):
        params = {"what": "a no-break space"}
        return Problem("FILE-HIDDEN", Severity.NOTICE, column.field, _typed(text)[:_SHOWN], "", params)
    return None


def _broken_word(text: str) -> str | None:
    """The broken word if there is one: `Gonz\xa0lez`, but not `María\xa0de\xa0la`."""
    broken = any(
        match["before"][-1].islower() and _PARTICLES.isdisjoint({match["before"].casefold(), match["after"]})
        for match in _BROKEN_WORD.finditer(text)
    )
    return "a no-break space in place of a letter" if broken else None


def _damaged(column: Column, text: str, cause: str, severity: Severity) -> Problem:
    params = {"what": cause}
    return Problem("FILE-DAMAGED", severity, column.field, text.strip()[:_SHOWN], "letters as in the name", params)


def _repaired(text: str) -> str:
    """The text without surrounding quotation marks (also `="Ana"`), entities and escapes as letters, and double encoding
    undone."""
    if text.startswith('="') and text.endswith('"'):
        text = text[1:]
    while len(text) > 2 and f"{text[0]}{text[-1]}" in _QUOTES:
        text = text[1:-1].strip()
    text = _BACKSLASHED.sub("", text)
    text = _FORMS_OF_LETTERS.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _ESCAPED.sub(_unescaped, text)
    if _ENTITY.search(text):
        text = html.unescape(text)
    for _ in range(3):
        if not _TWICE.search(text) and not _TWICE_ELSEWHERE.search(text):
            break
        again = _decoded_again(text)
        if again is None:
            break
        text = again
    return unicodedata.normalize("NFC", text).strip()


def _unescaped(match: re.Match[str]) -> str:
    """The letters that an escape stands for; the escape itself if it stands for none."""
    escape = match[0]
    if escape[:2] in {"\\u", "\\U", "_x"}:
        letters = "".join(chr(int(code, 16)) for code in re.findall(r"[uUx](.{4})", escape))
    else:
        data = bytes.fromhex("".join(re.findall(r"[%=<x](..)", escape)))
        try:
            letters = data.decode()
        except UnicodeDecodeError:
            letters = data.decode("cp1252", errors="replace")
    return letters if letters.isalpha() and not letters.isascii() else escape


def _decoded_again(text: str) -> str | None:
    for encoding in ("cp1252", "latin-1", "mac_roman", "cp437", "cp850"):
        try:
            return b"".join(_byte_of(sign, encoding) for sign in text).decode("utf-8")
        except UnicodeError:
            continue
    return None


def _byte_of(sign: str, encoding: str) -> bytes:
    """Windows-1252 leaves five bytes undefined, which programs read as the control characters with the same number."""
    return sign.encode("latin-1") if "\x80" <= sign <= "\x9f" else sign.encode(encoding)


_CAUSES: Final = (
    (re.compile("\ufffd"), "the sign � for a letter that a program could not read"),
    (re.compile(r"\?"), "a question mark in place of a letter"),
    (_ENTITY, "an HTML entity"),
    (_TWICE, "letters in UTF-8 that were read in another encoding"),
    (_TWICE_ELSEWHERE, "letters in UTF-8 that were read in another encoding"),
    (_ESCAPED, "a code in place of a letter"),
    (_UTF7, "letters in UTF-7"),
    (_TEX, "a code in place of a letter"),
    (_TAG, "a tag of a web page"),
    (_ADDRESS, "an e-mail address"),
    (_LONE_ACCENT, "an accent next to its letter"),
    (_TURNED, "the sign ‘, which no name ends with"),
)


def _cause(text: str) -> str | None:
    """Why this cannot be a name as a person wrote it; None if it may be one."""
    for pattern, cause in _CAUSES:
        if pattern.search(text):
            return cause
    if mixed := _MIXED.search(text):
        return f"the letter {mixed[0]} (U+{ord(mixed[0]):04X}) of another alphabet, which only looks like one of these"
    for sign in text:
        if sign > "\x7f" and sign not in _SIGNS and sign != "‘" and unicodedata.category(sign)[0] not in "LMZ":
            code = f"U+{ord(sign):04X}"
            return (
                f"the sign {sign} ({code}), which is not used in names"
                if sign.isprintable()
                else f"the character {code}"
            )
    return None
