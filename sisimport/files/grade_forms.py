"""Ways in which people write a grade: `Gr. 08`, `Grade8`, `8th-grade`, `G8`, each converted to one that the tables know."""

import re
from typing import Final

_WORD: Final = r"(?:grade|grd\.?|gr\.?)"
_GAP: Final = r"[ :#._-]"
_AFTER: Final = rf"(?:{_GAP}*(?:{_WORD}|graders?))"
_NUMBER = re.compile(
    rf"(?P<before>(?:{_WORD}|g){_GAP}*)?0*(?P<number>[0-9]{{1,2}})(?:\.0+)?(?: ?(?P<ordinal>st|nd|rd|th))?(?P<after>{_AFTER})?\Z"
)
_NAME_AFTER = re.compile(rf"{_WORD}{_GAP}+(?P<name>[a-z][a-z -]*)\Z")
_NAME_BEFORE = re.compile(rf"(?P<name>[a-z]+){_AFTER}\Z")
_ORDINALS: Final = {1: "1st", 2: "2nd", 3: "3rd"}
_LAST: Final = 12


def plain_grade(text: str) -> str:
    """`grade 8` for a number with the word for it, `8th` for an ordinal alone, `tk` for `gr. tk`, and so on.

    `text` is trimmed. Text that is not a grade in any of these ways is returned unchanged, in lower case.
    """
    folded = " ".join(text.casefold().split())
    if match := _NUMBER.match(folded):
        number = int(match["number"])
        if match["before"] or match["after"]:
            return f"grade {number}" if 1 <= number <= _LAST else f"{number}"
        return _ORDINALS.get(number, f"{number}th") if match["ordinal"] else folded
    if match := _NAME_AFTER.match(folded):
        return match["name"]
    if match := _NAME_BEFORE.match(folded):
        return f"{match['name']} grade"
    return folded
