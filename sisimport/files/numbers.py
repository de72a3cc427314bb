"""Numbers that identify people and places, without the marks that programs put around them.

    '109001   ="109002"   109003.0   9.001090002E+09   and invisible characters   ->   the digits they stand for
    90123 45678   9012-345-678   9,012,345,678   SSID: 9012345678   #9012345678     ->   an SSID in groups, or with its name

Marks keep a spreadsheet from changing a number, or result from such a change. They are undone only if there is no doubt: a number
in scientific notation is read if it has every digit, one in groups if all of it makes an SSID.
"""

import re
from typing import Final

from sisimport.files.damage import HIDDEN_BEYOND_ASCII

# Fields that hold SSIDs: none is ever written with a mark, so the reader removes marks immediately.
SSID_FIELDS: Final = frozenset({"ssid", "retired_ssid", "replacement_ssid"})
NO_SSID: Final = "0000000000"  # what systems write for a student without a number; any other ten digits may be one
CODE_LENGTH: Final = 7  # of a California district or school code
_CDS_LENGTH: Final = 14  # county and district, then school

# What the text of a workbook has in place of a cell without a value to read: a formula, as =FORMULA(Students!B3), and an SSID
# that a spreadsheet rounded, as =ROUNDED(Students!B3: 9120000033123456).
FORMULA: Final = "=FORMULA("
ROUNDED: Final = "=ROUNDED("
LOST_CELL: Final = (FORMULA, ROUNDED)
# A number that a spreadsheet rounded, as 9.00109E+13: a regular expression that databases read as well, in any case of the E.
ROUNDED_NUMBER: Final = r"^[0-9][.,][0-9]+[eE][+]?[0-9]+$"

_APOSTROPHES = "'’‘`´"
FRAMES: Final = f'{_APOSTROPHES}="“”'
_FRAMED = re.compile(f'[{_APOSTROPHES}]*=?["“”]+(?P<bare>[^"“”]*)["“”]+\\Z')
_LED = re.compile(f"=?[{_APOSTROPHES}]+=?(?P<bare>.*?)[{_APOSTROPHES}]*\\Z|=(?P<also>[0-9]+)\\Z")
_DECIMAL = re.compile(r"([0-9]+)(?:\.0*|,00?)\Z")
_SCIENTIFIC = re.compile(r"([0-9])[.,]([0-9]+)[eE]\+?([0-9]{1,2})\Z")
_DIGIT = re.compile(r"([0-9])[eE]\+?0{1,2}\Z")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\Z")
_NO_BREAKS = str.maketrans(
    {"\xa0": "", "\u202f": "", "\u2011": "-"} | {chr(0xFF10 + digit): str(digit) for digit in range(10)}
)
# An extra separator, and marks people write next to a number: No. 4711, #4711, +4711, 4711*
_BESIDE = " \t,;"
_SIGNED = re.compile(r"[#+]?\s*(?P<bare>[0-9][0-9.,eE+ -]*?)\s*\*?\Z")
_CALLED = re.compile(r"(?:state )?(?:ssid|student id|id|no|nr)(?:\.|:|#|\s)[:#.\s]*(?=[0-9])", re.IGNORECASE)
# Groups of digits, each after one space, hyphen, dash or period; or thousands after commas.
_GROUPED = re.compile(r"[0-9]+(?:[-. \u2000-\u2015\u2212][0-9]+)+\Z|[0-9]{1,3}(?:,[0-9]{3})+\Z")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_SSID_LENGTH: Final = 10
_SHORT_GROUPS = re.compile(
    r"[0-9]{3,4}[^0-9][0-9]{3,4}\Z"
)  # seven digits, the usual length in Utah; a date has other groups
_SHORT_LENGTH: Final = 7
_CDS = re.compile(r"([0-9]{2})-?([0-9]{5})(?:-?([0-9]{7}))?\Z")


def bare_number(text: str) -> str:
    """The number without surrounding marks; the text itself if there are none."""
    bare = HIDDEN_BEYOND_ASCII.sub("", text.translate(_NO_BREAKS)).strip(_BESIDE)
    bare = unframed(bare).strip()
    if decimal := _DECIMAL.match(bare):
        bare = decimal[1]
    elif scientific := _SCIENTIFIC.match(bare):
        bare = _written_out(*scientific.groups()) or bare
    return bare or text


def bare_value(text: str) -> str:
    """A code or date without marks that keep a spreadsheet from changing it, or an extra separator: ="M", 'spa, 2014-03-02;"""
    return unframed(text.strip(",; ")).strip(",; ") or text


def unframed(text: str) -> str:
    """The text between a spreadsheet's marks; the text itself if there are none."""
    framed = _FRAMED.match(text) or _LED.match(text)
    return next(group for group in framed.groups() if group is not None) if framed else text


def bare_whole(text: str) -> str:
    """A whole number without marks, and without commas at its thousands: 2450.0, '2450, 2,450, 2.450E+03, 3E+00.

    2.45E+03 is left unchanged: a spreadsheet also writes 2447 and 2452 this way.
    """
    bare = bare_number(text)
    if _THOUSANDS.match(bare):
        return bare.replace(",", "")
    if digit := _DIGIT.match(bare):
        return digit[1]
    return bare


def bare_local_number(text: str) -> str:
    """A local number without marks, and without the commas at its thousands: 109,002."""
    bare = _uncalled(text)
    return bare.replace(",", "") if _THOUSANDS.match(bare) else bare


def _uncalled(text: str) -> str:
    """The number without marks, its name and signs that people write next to it: SSID: 9012345678, #4711, 4711*."""
    bare = _CALLED.sub("", bare_number(text), count=1)
    signed = _SIGNED.match(bare)
    return bare_number(signed["bare"]) if signed else bare


def bare_ssid(text: str) -> str:
    """An SSID without marks, and as one number if people wrote it in groups.

    Ten digits in any groups, or seven in two: any other groups of digits may be a date or two numbers.
    """
    bare = _uncalled(text)
    if not _GROUPED.match(bare):
        return bare
    digits = _NOT_DIGITS.sub("", bare)
    whole = len(digits) == _SSID_LENGTH or (len(digits) == _SHORT_LENGTH and _SHORT_GROUPS.match(bare))
    return digits if whole else bare


def _written_out(first: str, decimals: str, exponent: str) -> str | None:
    """9, 001090002, 09 -> 9001090002. None if digits were lost: too few decimals."""
    places = int(exponent)
    if len(decimals) < places or decimals[places:].strip("0"):
        return None
    return first + decimals[:places]


def bare_code(text: str, field: str) -> str:
    """A district (`lea`) or school code without marks, also extracted from the 14 digits of county, district and school."""
    bare = bare_whole(text)
    if bare.isascii() and bare.isdigit() and len(bare) == _CDS_LENGTH - 1:
        bare = bare.zfill(_CDS_LENGTH)
    if parts := _CDS.match(bare):
        district, school = parts[1] + parts[2], parts[3]
        if school is None:
            return district if field == "lea" or "-" not in bare else text
        return district if field == "lea" else school
    return bare


def district_within(text: str) -> str:
    """The district in the fourteen digits (thirteen without a leading zero) of county, district and school; else blank."""
    bare = bare_whole(text)
    parts = _CDS.match(bare.zfill(_CDS_LENGTH) if bare.isdigit() and len(bare) == _CDS_LENGTH - 1 else bare)
    return parts[1] + parts[2] if parts and parts[3] else ""


def is_short_code(code: str) -> bool:
    """May this be a code of seven digits that lost its leading zeros?"""
    return 0 < len(code) < CODE_LENGTH and code.isascii() and code.isdigit()
