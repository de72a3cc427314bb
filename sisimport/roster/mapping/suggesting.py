"""Which column of a file may hold which field of the roster, and how sure that is: by names, values and records.

sure      a name that is known for the field, and values of its kind; or the column of a ready mapping
likely    a name much like it, or local numbers of students on record
guess     a name a little like it, or only values of its kind
"""

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from rapidfuzz import fuzz

from sisimport.files.dates import parse_date
from sisimport.files.issues import Severity
from sisimport.files.layouts import Layout, normalise_header
from sisimport.files.values import read_value
from sisimport.roster.mapping.content import TRANSLATED_FIELDS
from students.patterns import TEN_DIGITS

_NAMES: Final = Path(__file__).with_name("names.toml")
_SURE, _LIKELY, _GUESS = 90.0, 75.0, 55.0
_KNOWN_NAME: Final = 100.0
_NEARLY: Final = 0.92  # factor for the likeness of two names that are not equal
_LEAST_LIKE: Final = 75.0  # of 100: less likeness is chance
_BY_VALUES: Final = 55.0
_ON_RECORD: Final = 85.0
_UNFIT: Final = 0.45  # a column whose values are of another kind is half as likely
_FIT: Final = 0.6  # share of the values that have to be of the kind
_MOST_FIT: Final = 0.9  # if only the values support it
_SSID: Final = re.compile(TEN_DIGITS)
_SIGNS: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_NUMBER: Final = 16
_YOUNGEST, _OLDEST = 2, 25  # years of age; dates of a column in this range are birth dates


class Score(StrEnum):
    """How sure a suggestion is, in the words of the page."""

    SURE = "sure"
    LIKELY = "likely"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A field of the roster for a column of the file (`place` from 0)."""

    place: int
    field: str
    points: float  # of 100

    @property
    def score(self) -> Score:
        return Score.SURE if self.points >= _SURE else Score.LIKELY if self.points >= _LIKELY else Score.GUESS


@cache
def known_names() -> Mapping[str, str]:
    """Normalized column name -> the field that it is known for."""
    tables: dict[str, list[str]] = tomllib.loads(_NAMES.read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for key, names in tables.items():
        for name in (key, *names):
            found.setdefault(_plain(name), key)
    return found


def known_field(name: str) -> str | None:
    """The field for which a column name is known."""
    return known_names().get(_plain(name))


def suggest(
    header: Sequence[str],
    values: Callable[[int], list[str]],
    roster: Layout,
    *,
    on_record: Callable[[Collection[str]], int] = lambda _numbers: 0,
    certain: Mapping[str, int] | None = None,
) -> list[Suggestion]:
    """The best suggestions, each column and each field at most once, in the order of the columns.

    `values(place)` are the first values of a column. `on_record(numbers)` counts local numbers that are on record.
    `certain`: fields whose column is certain, from a ready mapping.
    """
    sure_places = dict(certain or {})
    found = [Suggestion(place, key, _KNOWN_NAME) for key, place in sure_places.items()]
    keys = [key for key in roster.fields if key not in sure_places]
    pairs: list[Suggestion] = []
    for place, name in enumerate(header):
        if place in sure_places.values() or not name.strip():
            continue
        texts = values(place)
        numbers = on_record(texts) if texts else 0
        scored = (Suggestion(place, key, _points(name, key, texts, roster, numbers)) for key in keys)
        pairs += [one for one in scored if one.points >= _GUESS]
    for one in sorted(pairs, key=lambda pair: (-pair.points, pair.place)):
        if all(one.place != other.place and one.field != other.field for other in found):
            found.append(one)
    return sorted(found, key=lambda one: one.place)


def _points(name: str, key: str, texts: Sequence[str], roster: Layout, on_record: int) -> float:
    by_name = _name_points(name, key)
    fit = _fit(key, texts, roster)
    if fit is not None and fit < _FIT and key not in TRANSLATED_FIELDS:
        by_name *= _UNFIT
    if fit is not None and fit < _FIT and key in TRANSLATED_FIELDS:
        by_name *= _NEARLY
    if key == "local_number" and texts and on_record * 2 >= len(set(texts)) and len(set(texts)) * 2 > len(texts):
        return max(by_name, _ON_RECORD)
    if by_name < _GUESS and fit is not None and fit >= _MOST_FIT and key in _TOLD_BY_VALUES and len(texts) > 1:
        return _BY_VALUES
    return by_name


def _name_points(name: str, key: str) -> float:
    plain = _plain(name)
    field = known_names().get(plain)
    if field is not None:
        return _KNOWN_NAME if field == key else 0.0
    names = [other for other, field in known_names().items() if field == key and len(other) > 3]
    likeness = max((fuzz.ratio(plain, other) for other in names), default=0.0)
    return _NEARLY * likeness if likeness >= _LEAST_LIKE else 0.0


def _plain(name: str) -> str:
    """The name without number signs, dots and other characters that `normalise_header` keeps."""
    return _SIGNS.sub("", normalise_header(name))


# Fields whose values look like no other field's.
_TOLD_BY_VALUES: Final = ("ssid", "birth_date", "gender", "el_status")


def _fit(key: str, texts: Sequence[str], roster: Layout) -> float | None:
    """Share of the values that are of the field's kind; None where nothing can be determined."""
    if not texts:
        return None
    if key == "local_number":
        return len(set(texts)) / len(texts) if all(len(text) <= _LONGEST_NUMBER for text in texts) else 0.0
    test = _KINDS.get(key)
    if test is None and roster.fields[key].codes is None:
        return None
    right = {text: test(text) if test else not _is_wrong(roster, key, text) for text in set(texts)}
    return sum(right[text] for text in texts) / len(texts)


def _is_wrong(roster: Layout, key: str, text: str) -> bool:
    problem = read_value(roster, roster.fields[key], text)[1]
    return problem is not None and problem.severity is Severity.ERROR


def _is_birth(text: str) -> bool:
    read = parse_date(text)
    if read is None:
        return False
    years = dt.date.today().year - int(read.iso[:4])  # noqa: DTZ011 - whole years tell it
    return _YOUNGEST <= years % 100 <= _OLDEST


def _is_date(text: str) -> bool:
    return parse_date(text) is not None


def _is_name(text: str) -> bool:
    return any(map(str.isalpha, text)) and not any(map(str.isdigit, text))


def _is_ssid(text: str) -> bool:
    return _SSID.match(text) is not None


_KINDS: Final[Mapping[str, Callable[[str], bool]]] = {
    "ssid": _is_ssid,
    "birth_date": _is_birth,
    "last_name": _is_name,
    "first_name": _is_name,
    **dict.fromkeys(
        ("enrollment_start", "enrollment_exit", "el_identified_date", "el_tbd_date", "el_exit_date"), _is_date
    ),
}
