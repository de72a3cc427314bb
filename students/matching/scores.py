"""How alike two identities are: a score per field and one overall, with the kind of difference in words.

Pure functions over small values; candidates.py finds the students to compare with. Nothing here decides: scores only
rank candidates, and tell which of them a person may accept in bulk.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA, JaroWinkler

from students.matching.nicknames import are_short_forms
from students.patterns import NAME_SUFFIX

# The threshold that the screen offers for accepting many at a time; a person always sets it and first sees which lines
# it covers.
DEFAULT_THRESHOLD: Final = 92.0
# How far behind the next candidate must be.
MARGIN: Final = 4.0
# In an automatic match a field may differ, but not contradict.
_LOWEST: Final = {"last_name": 75.0, "first_name": 72.0, "birth_date": 70.0}

WEIGHTS: Final = {
    "last_name": 26.0,
    "first_name": 27.0,
    "birth_date": 26.0,
    "local_number": 12.0,
    "middle_name": 4.0,
    "gender": 5.0,
    # Scored only where both sides have a value: few files have these fields.
    "birth_country": 3.0,
    "birth_state": 3.0,
}
_SUFFIX = re.compile(NAME_SUFFIX, re.IGNORECASE)
# Letters to Unicode, in a name signs like the apostrophe: the ʻokina, half rings.
_APOSTROPHES = frozenset(map(chr, range(0x02B9, 0x02C0)))
_STROKES = str.maketrans("øØłŁđĐßıæœ", "oolldds" + "i" + "ao")
# Birth dates not explained by a typo score lower the farther apart they are, and 0 from ten years on; those explained
# by one lose a tenth of their score by then.
_FAR_APART: Final = 3653  # days
_NEAR_DATE: Final = 40.0
_DISTANCE_SHARE: Final = 0.1
_NEUTRAL: Final = 70.0  # one side is blank: neither for nor against


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a file line or a student record says about one person. `other_*` are further names of a student (everyday,
    alias)."""

    last_name: str = ""
    first_name: str = ""
    middle_name: str = ""
    birth_date: dt.date | None = None
    gender: str = ""
    birth_country: str = ""
    birth_state: str = ""
    local_number: str = ""
    other_last_names: tuple[str, ...] = ()
    other_first_names: tuple[str, ...] = ()
    other_gender: str = ""
    ssids: tuple[
        str, ...
    ] = ()  # of a line: the one it names, if lines are distinguished by SSID; of a student: current and former


@dataclass(frozen=True, slots=True)
class FieldScore:
    """0 to 100 for one field; `kind` says in words how the two differ, empty if they are equal."""

    field: str
    score: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All field scores, the weighted total, and the total for the person alone (without the local number)."""

    fields: tuple[FieldScore, ...]
    total: float
    person: float

    def of(self, field: str) -> FieldScore | None:
        return next((score for score in self.fields if score.field == field), None)

    @property
    def contradicts(self) -> bool:
        """Does a field that matters show that these are two people?"""
        return any((found := self.of(field)) is None or found.score < low for field, low in _LOWEST.items())


@lru_cache(maxsize=20_000)
def fold(name: str) -> str:
    """A name without case, accents, hyphens, apostrophes, periods and spaces; what `sis_loose` is in the database."""
    text = unicodedata.normalize("NFKD", name.translate(_STROKES)).casefold()
    return "".join(c for c in text if c.isalnum() and c not in _APOSTROPHES)


@lru_cache(maxsize=20_000)
def fold_without_suffix(name: str) -> str:
    return fold(_SUFFIX.sub("", name))


def compare(given: Identity, student: Identity) -> Comparison:
    """Score a file line against a student record."""
    scores = [
        _last_name(given, student),
        _first_name(given, student),
        _birth_date(given.birth_date, student.birth_date),
        _number(given, student),
        _middle_name(given, student),
        _gender(given.gender, student.gender, student.other_gender),
        *_birth_place(given, student),
    ]
    swapped = _swapped_names(given, student)
    if swapped is not None and swapped.score > (scores[0].score + scores[1].score) / 2:
        scores[0] = FieldScore("last_name", swapped.score, swapped.kind)
        scores[1] = FieldScore("first_name", swapped.score, swapped.kind)
    return Comparison(
        tuple(scores), _total(scores), _total([score for score in scores if score.field != "local_number"])
    )


def _total(scores: Iterable[FieldScore]) -> float:
    scores = list(scores)
    weight = sum(WEIGHTS[score.field] for score in scores)
    return round(sum(WEIGHTS[score.field] * score.score for score in scores) / weight, 1)


def safe_best(comparisons: Sequence[Comparison], *, threshold: float) -> int | None:
    """Index of the one comparison that may be accepted together with many others, or None.

    It reaches the threshold, contradicts nothing that matters, is clearly ahead of the next, and no other candidate is
    more alike as a person or has the line's local number: a person must judge a line with one twin's names and the
    other's number.
    """
    order = sorted(range(len(comparisons)), key=lambda at: -comparisons[at].total)
    if not order or comparisons[order[0]].total < threshold:
        return None
    best, rest = comparisons[order[0]], [comparisons[at] for at in order[1:]]
    if best.contradicts:
        return None
    if any(
        best.total - other.total < MARGIN or other.person >= best.person or _has_the_number(other) for other in rest
    ):
        return None
    return order[0]


def _has_the_number(comparison: Comparison) -> bool:
    number = comparison.of("local_number")
    return number is not None and number.score == 100.0


# -- names -------------------------------------------------------------------------------------------------------------


def _how_spelled(given: str, record: str) -> str:
    """Kind of difference of two names that fold to the same."""
    if given == record:
        return ""
    if given.casefold() == record.casefold():
        return "case"
    if fold(given) != fold(record):
        return "suffix"
    return "accents, hyphen, apostrophe, period or spaces"


def _last_name(given: Identity, student: Identity) -> FieldScore:
    best = FieldScore("last_name", 0.0, "differs")
    for number, record in enumerate((student.last_name, *student.other_last_names)):
        if not record:
            continue
        score, kind = _one_last_name(given.last_name, record)
        if number and score >= 90:
            score, kind = min(score, 96.0), kind or "another name of the student"
        if score > best.score:
            best = FieldScore("last_name", score, kind)
    return best


def _one_last_name(given: str, record: str) -> tuple[float, str]:
    one, other = fold_without_suffix(given), fold_without_suffix(record)
    if not one or not other:
        return _NEUTRAL * (not one), "missing"
    if one == other:
        return 100.0 if given == record else 99.0, _how_spelled(given, record)
    parts, others = _parts(given), _parts(record)
    if len(parts) != len(others) and (parts <= others or others <= parts):
        return 90.0, "part of a compound name"
    return _similar(one, other)


def _parts(name: str) -> set[str]:
    return {fold(part) for part in re.split(r"[\s\-‐-―]+", _SUFFIX.sub("", name)) if len(part) > 2}


def _first_name(given: Identity, student: Identity) -> FieldScore:
    best = FieldScore("first_name", 0.0, "differs")
    for number, record in enumerate((student.first_name, *student.other_first_names)):
        if not record:
            continue
        score, kind = _one_first_name(given, record, student.middle_name)
        if number and score >= 90:
            score, kind = min(score, 96.0), kind or "another name of the student"
        if score > best.score:
            best = FieldScore("first_name", score, kind)
    return best


def _one_first_name(given: Identity, record: str, middle: str) -> tuple[float, str]:
    one, other = fold(given.first_name), fold(record)
    if not one or not other:
        return _NEUTRAL * (not one), "missing"
    if one == other:
        return 100.0 if given.first_name == record else 99.0, _how_spelled(given.first_name, record)
    with_middle = {one, fold(given.first_name + given.middle_name)} & {other, fold(record + middle)}
    if with_middle or _initial_follows(one, other, middle) or _initial_follows(other, one, given.middle_name):
        return 97.0, "middle name in the first name field"
    if are_short_forms(one, other):
        return 92.0, "nickname"
    given_parts, record_parts = _parts(given.first_name), _parts(record)
    one_in_other = given_parts < record_parts or record_parts < given_parts
    if given_parts and record_parts and one_in_other:
        return 90.0, "part of a compound name"
    return _similar(one, other)


def _initial_follows(longer: str, shorter: str, middle: str) -> bool:
    """`josel` for Jose with a middle name in L."""
    return bool(middle) and longer == shorter + fold(middle)[:1]


def _middle_name(given: Identity, student: Identity) -> FieldScore:
    one, other = fold(given.middle_name), fold(student.middle_name)
    if one == other:
        return FieldScore("middle_name", 100.0, _how_spelled(given.middle_name, student.middle_name))
    if not one or not other:
        return FieldScore("middle_name", _NEUTRAL, "missing")
    if one[0] == other[0] and 1 in {len(one), len(other)}:
        return FieldScore("middle_name", 95.0, "initial")
    score, kind = _similar(one, other)
    return FieldScore("middle_name", score, kind)


def _swapped_names(given: Identity, student: Identity) -> FieldScore | None:
    """First and last name in each other's field."""
    one, other = fold(given.last_name), fold(given.first_name)
    if one and other and one == fold(student.first_name) and other == fold_without_suffix(student.last_name):
        return FieldScore("last_name", 92.0, "first and last name swapped")
    return None


def _similar(one: str, other: str) -> tuple[float, str]:
    """Misspelled names: edits (swapping two neighbors is one) weigh by length; a common beginning helps a little."""
    edits = OSA.distance(one, other)
    longest = max(len(one), len(other))
    share = 1 - edits / longest
    score = 100 * (0.7 * share + 0.3 * JaroWinkler.similarity(one, other))
    if edits == 1:
        # One typo in a three-letter name may make another name; in an eight-letter name it hardly can.
        score = min(95.0, max(score, 62.0 + 4.5 * longest))
    kind = "one letter" if edits == 1 else f"{edits} letters" if share >= 0.5 else "differs"
    return round(score if share >= 0.4 else score * 0.6, 1), kind


# -- the rest ----------------------------------------------------------------------------------------------------------


def _birth_date(given: dt.date | None, record: dt.date | None) -> FieldScore:
    field = "birth_date"
    if given is None or record is None:
        return FieldScore(field, _NEUTRAL, "missing")
    if given == record:
        return FieldScore(field, 100.0)
    return FieldScore(field, *_wrong_date(given, record))


def _wrong_date(given: dt.date, record: dt.date) -> tuple[float, str]:
    """Scored by the kind of typo, and lower the farther apart the two days are."""
    score, kind = _kind_of_date(given, record)
    apart = min(abs((given - record).days) / _FAR_APART, 1.0)
    if not kind:
        return round(_NEAR_DATE * (1 - apart), 1), "differs"
    return round(score * (1 - _DISTANCE_SHARE * apart), 1), kind


def _kind_of_date(given: dt.date, record: dt.date) -> tuple[float, str]:
    if (given.year, given.month, given.day) == (record.year, record.day, record.month):
        return 90.0, "day and month swapped"
    edits = OSA.distance(f"{given:%Y%m%d}", f"{record:%Y%m%d}")
    if edits == 1:
        return 78.0, "one digit, or two neighbors swapped"
    if (given.month, given.day) == (record.month, record.day):
        return 55.0, "year"
    if given.year == record.year and (given.month == record.month or given.day == record.day):
        return 50.0, "day" if given.month == record.month else "month"
    if edits == 2:
        return 45.0, "two digits"
    return 0.0, ""


def _number(given: Identity, student: Identity) -> FieldScore:
    """The local number's score or, if the line names an SSID, the better of the two scores."""
    by_number = _local_number(given.local_number, student.local_number)
    if not given.ssids:
        return by_number
    by_ssid = max((_ssid(given.ssids[0], held) for held in student.ssids), key=lambda s: s.score, default=None)
    if by_ssid is None:
        by_ssid = FieldScore("local_number", 40.0, "no SSID on record")
    return by_number if by_number.score == 100.0 else by_ssid


def _ssid(given: str, held: str) -> FieldScore:
    """SSIDs are not issued in sequence: a nearly equal one is a typo rather than a neighbor's."""
    if given == held:
        return FieldScore("local_number", 100.0)
    if len(given) > 6 and OSA.distance(given, held) == 1:
        return FieldScore("local_number", 80.0, "one digit of the SSID, or two neighbors swapped")
    return FieldScore("local_number", 0.0, "another SSID")


def _local_number(given: str, record: str) -> FieldScore:
    field = "local_number"
    one, other = given.strip().lower(), record.strip().lower()
    if not one or not other:
        return FieldScore(field, 40.0, "missing")
    if one == other:
        return FieldScore(field, 100.0)
    if one.lstrip("0") == other.lstrip("0"):
        return FieldScore(field, 98.0, "leading zeros")
    # Siblings get neighboring numbers on the same day: nearness says little.
    if OSA.distance(one, other) == 1:
        return FieldScore(field, 40.0, "one digit, or two neighbors swapped")
    return FieldScore(field, 0.0, "differs")


def _birth_place(given: Identity, student: Identity) -> list[FieldScore]:
    """Country and state of birth: `CA` and `US-CA` are the same state. Empty where one side is blank."""
    scores = []
    for field in ("birth_country", "birth_state"):
        one, other = (getattr(side, field).strip().upper().rpartition("-")[2] for side in (given, student))
        if one and other:
            scores.append(FieldScore(field, 100.0) if one == other else FieldScore(field, 0.0, "differs"))
    return scores


def _gender(given: str, record: str, other: str) -> FieldScore:
    if not given or not (record or other):
        return FieldScore("gender", _NEUTRAL, "missing")
    if given in {record, other}:
        return FieldScore("gender", 100.0)
    return FieldScore("gender", 0.0, "differs")
