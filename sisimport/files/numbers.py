"""Numbers that identify people and places, without the marks that programs put around them.

    '109001   ="109002"   109003.0   9.001090002E+09   and characters nobody sees   ->   the digits they stand for

Marks keep a spreadsheet from changing a number, or are what it made of it. Only what leaves no doubt is undone: a number in
scientific notation is read where it holds every digit.
"""

import re
from typing import Final

from sisimport.files.damage import HIDDEN_BEYOND_ASCII

# Fields that hold SSIDs: none of them is ever written with a mark, so the reader takes marks off at once.
SSID_FIELDS: Final = frozenset({"ssid", "retired_ssid", "replacement_ssid"})
CODE_LENGTH: Final = 7  # of a California district or school code
_CDS_LENGTH: Final = 14  # county and district, then school

_APOSTROPHES = "'’‘`´"
_FRAMED = re.compile(f'[{_APOSTROPHES}]*=?["“”]+(?P<bare>[^"“”]*)["“”]+\\Z')
_LED = re.compile(f"[{_APOSTROPHES}]+=?(?P<bare>.*)\\Z|=(?P<also>[0-9]+)\\Z")
_DECIMAL = re.compile(r"([0-9]+)\.0*\Z")
_SCIENTIFIC = re.compile(r"([0-9])\.([0-9]+)[eE]\+?([0-9]{1,2})\Z")
_NO_BREAKS = str.maketrans({"\xa0": "", "\u202f": "", "\u2011": "-"})
_CDS = re.compile(r"([0-9]{2})-?([0-9]{5})(?:-?([0-9]{7}))?\Z")


def bare_number(text: str) -> str:
    """The number without marks around it; the text itself where there is nothing to take off."""
    bare = HIDDEN_BEYOND_ASCII.sub("", text.translate(_NO_BREAKS)).strip()
    framed = _FRAMED.match(bare) or _LED.match(bare)
    if framed:
        bare = next(group for group in framed.groups() if group is not None).strip()
    if decimal := _DECIMAL.match(bare):
        bare = decimal[1]
    elif scientific := _SCIENTIFIC.match(bare):
        bare = _written_out(*scientific.groups()) or bare
    return bare or text


def _written_out(first: str, decimals: str, exponent: str) -> str | None:
    """9, 001090002, 09 -> 9001090002. None where digits were lost: too few decimals."""
    places = int(exponent)
    if len(decimals) < places or decimals[places:].strip("0"):
        return None
    return first + decimals[:places]


def bare_code(text: str, field: str) -> str:
    """A district (`lea`) or school code without marks, and out of the 14 digits of county, district and school."""
    bare = bare_number(text)
    if bare.isascii() and bare.isdigit() and len(bare) == _CDS_LENGTH - 1:
        bare = bare.zfill(_CDS_LENGTH)
    if parts := _CDS.match(bare):
        district, school = parts[1] + parts[2], parts[3]
        if school is None:
            return district if field == "lea" or "-" not in bare else text
        return district if field == "lea" else school
    return bare


def is_short_code(code: str) -> bool:
    """May this be a code of seven digits that lost its leading zeros?"""
    return 0 < len(code) < CODE_LENGTH and code.isascii() and code.isdigit()
