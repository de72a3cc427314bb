"""Finding students by what a user typed: the one search behind every page, the admin and the match desk.

    digits            local number in any LEA, or an SSID: current, former, or one the state has replaced since
    A123              local number
    2011-08-12        birth date
    Diaz              beginning of a last or first name: everyday, legal or alias; case, accents and hyphens do not count
    Eva Luz Diaz      first (and middle) name, then last name; or the reverse
    Diaz, Eva         last name, first name
    Diaz 100234       all parts have to match the same student

Each reading of the text is one scan of one index that ends after a few hundred students, however large the district is.
"""

import datetime as dt
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any, overload

from django.db import connection, models
from django.db.models import Exists, F, Func, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.expressions import OrderBy

from students.missing import enrolled_today, gone
from students.models import SSID, StateProfile, Student, WithoutSSID
from students.paging import LISTED
from students.ssids import successors

MOST_FOUND = 500  # by a text; no one pages through more: type more of the name

BY_NAME = ("last_key", "first_key", "pk")
_BY_FIRST_NAME = ("first_key", "last_key", "pk")
_MOST_WORDS = 5
_SSID_LENGTH = 10
_LAST = "\U0010ffff"
_DAY = re.compile(r"(?P<year>\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class StudentSearch:
    """What to search for. `ssid`: `missing` (enrolled today and without), `gone` (without, but left), `present` or
    all."""

    text: str = ""
    school: int | None = None
    grade: str = ""
    ssid: str = ""


class FoundStudents(Sequence[Student]):
    """The students of these schools (None: all) that a search finds, by name; a paginator cuts the page.

    Never more than `limit`; `is_cut`: there are more. Then those whose last name begins with the text come first.
    `order`: other student fields to sort by, used only if few are sorted (`may_sort`): found by a text, or in one
    school.
    """

    def __init__(
        self,
        schools: Collection[int] | None,
        wanted: StudentSearch,
        *,
        limit: int | None = None,
        order: Sequence[OrderBy] = (),
    ) -> None:
        self._among, self._text = _Among(schools, wanted), wanted.text.strip()
        self.may_sort = bool(self._text or wanted.school is not None)
        self._order: list[Any] = [*order, "pk"] if order and self.may_sort else []
        self._limit = limit or (MOST_FOUND if self._text else LISTED)

    @cached_property
    def _found(self) -> list[int]:
        return _find(self._among, self._text, self._limit + 1)

    @cached_property
    def _counted(self) -> int:
        return len(self._found) if self._text else self._among.count(self._limit + 1)

    @property
    def is_cut(self) -> bool:
        return self._counted > self._limit

    def __len__(self) -> int:
        return min(self._counted, self._limit)

    @overload
    def __getitem__(self, wanted: int) -> Student: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Student]: ...
    def __getitem__(self, wanted: int | slice) -> Student | list[Student]:
        if isinstance(wanted, int):
            return self[range(len(self))[wanted] : range(len(self))[wanted] + 1][0]
        start, stop, _step = wanted.indices(len(self))
        ids = self.ids(start, stop)
        current = Prefetch("ssids", queryset=SSID.objects.filter(retired_at__isnull=True))
        by_id = Student.objects.select_related("school").prefetch_related(current).in_bulk(ids)
        return [by_id[pk] for pk in ids if pk in by_id]

    def ids(self, start: int = 0, stop: int = MOST_FOUND) -> list[int]:
        """Ids of the students from `start` to before `stop`."""
        if self._order:
            found: Any = self._found[: self._limit] if self._text else self._among.students().order_by().values("pk")
            return list(
                Student.objects.filter(pk__in=found).order_by(*self._order).values_list("pk", flat=True)[start:stop]
            )
        if self._text:
            return self._found[: self._limit][start:stop]
        return list(self._among.named().order_by(*BY_NAME).values_list("pk", flat=True)[start:stop])


def find_students(schools: Collection[int] | None, text: str, *, limit: int = MOST_FOUND) -> FoundStudents:
    """Students of these schools (None: all) that a text matches."""
    return FoundStudents(schools, StudentSearch(text=text), limit=limit)


def named(text: str) -> Q:
    """Condition on students, to search within a list: a name begins with each word, or the word is the local number."""
    condition = Q()
    for word in text.split():
        condition &= Q(last_name__istartswith=word) | Q(first_name__istartswith=word) | Q(local_number=word)
    return condition


def without_ssid(students: QuerySet[Student]) -> QuerySet[Student]:
    """The students among these who have no current SSID."""
    return students.filter(Exists(WithoutSSID.objects.filter(student=OuterRef("pk"))))


def with_ssid(students: QuerySet[Student]) -> QuerySet[Student]:
    return students.filter(Exists(SSID.objects.filter(student=OuterRef("pk"), retired_at__isnull=True)))


class _Among:
    """The students to search: those of the reader's schools, limited by the other choices besides the text."""

    def __init__(self, schools: Collection[int] | None, wanted: StudentSearch) -> None:
        self._where = Q() if schools is None else Q(school_id__in=sorted(schools))
        if wanted.school is not None:
            self._where &= Q(school_id=wanted.school)
        if wanted.grade:
            self._where &= Q(grade=wanted.grade)
        self._present = wanted.ssid == "present"
        self._missing: Callable[..., QuerySet[Any]] | None = {"missing": enrolled_today, "gone": gone}.get(wanted.ssid)

    def students(self) -> QuerySet[Student]:
        students = Student.objects.filter(self._where)
        if self._missing:
            return self._missing(without_ssid(students))
        return with_ssid(students) if self._present else students

    def named(self) -> QuerySet[Any]:
        """Like `students`, but only their search keys; students without SSID come from their own table."""
        if self._missing:
            return self._missing(WithoutSSID.objects.filter(self._where))
        return self.students().order_by()

    def count(self, most: int) -> int:
        """How many there are, at most `most`. Those with SSID are all minus those without: both counts read only
        indexes."""
        if self._present:
            missing = WithoutSSID.objects.filter(self._where)[:most].count()
            if missing < most:
                return Student.objects.filter(self._where).order_by()[: most + missing].count() - missing
        return self.named()[:most].count()


def _find(among: _Among, text: str, most: int) -> list[int]:
    """Ids of at most `most` students, by name. Each reading of the text is tried separately, until there are enough."""
    found: dict[int, tuple[str, str]] = {}
    for way in _ways(text):
        students = among.named() if way.by_key else among.students()
        rows = students.filter(way.condition).order_by(*way.order).values_list("pk", "last_key", "first_key")
        for pk, last, first in rows[:most]:
            found.setdefault(pk, (last, first))
        if len(found) >= most:
            break
    return sorted(list(found)[:most], key=lambda pk: (found[pk], pk))


# ---- reading a text ----


@dataclass(frozen=True, slots=True)
class _Way:
    """One reading of a text: a condition that one index answers, and the order of that index.

    `by_key`: it uses only search keys.
    """

    condition: Q
    order: tuple[str, ...] = ()
    by_key: bool = False


def _ways(text: str) -> list[_Way]:
    text = " ".join(text.replace("\0", "").split())
    words = text.replace(",", " ").split()
    days = [day for word in words if (day := _day(word)) is not None]
    digits = re.sub("[ -]", "", text)
    if digits.isdecimal() and not days:
        return _number_ways(digits, text)
    numbers = [word for word in words if _has_digit(word) and _day(word) is None]
    if days or numbers:
        names = " ".join(word for word in words if not _has_digit(word))
        return _mixed_ways(days, numbers, names)
    single = [] if " " in text else [_Way(Q(local_number__iexact=text))]
    return [*_name_ways(text), *single]


def _has_digit(word: str) -> bool:
    return any(character.isdecimal() for character in word)


def _day(word: str) -> dt.date | None:
    """`2011-08-12` or `8/12/2011` as a date."""
    found = _DAY.fullmatch(word)
    if found is None:
        return None
    year, month, day = found.group(1, 2, 3) if found["year"] else found.group(6, 4, 5)
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _number_ways(*spellings: str) -> list[_Way]:
    ways = [_Way(Q(local_number__iexact=number)) for number in dict.fromkeys(spellings)]
    ssid = spellings[0]
    if ssid.isdecimal() and len(ssid) <= _SSID_LENGTH:
        held = SSID.objects.filter(state__in=StateProfile.values, ssid__in=successors(ssid))
        ways.append(_Way(Q(pk__in=held.values("student_id"))))
    return ways


def _mixed_ways(days: list[dt.date], numbers: list[str], names: str) -> list[_Way]:
    """Numbers and dates are looked up; the names with them are compared with the few remaining students."""
    condition = Q()
    for day in days:
        condition &= Q(birth_date=day)
    if names:
        named = _name_ways(names)
        if not named:
            return []
        condition &= reduce(or_, (way.condition for way in named))
    if not numbers:
        return [_Way(condition)]
    for number in numbers[1:]:
        condition &= reduce(or_, (way.condition for way in _number_ways(number.replace("-", ""), number)))
    return [_Way(way.condition & condition) for way in _number_ways(numbers[0].replace("-", ""), numbers[0])]


def _name_ways(text: str) -> list[_Way]:
    """The last name alone comes first."""
    ways, lexemes = [], []
    for last, first in _readings(text):
        conditions = Q()
        if last:
            conditions &= _begins("last_key", last)
        if first:
            conditions &= _begins("first_key", first)
        ways.append(_Way(conditions, BY_NAME if last else _BY_FIRST_NAME, by_key=True))
        lexemes.append(" & ".join(_lexeme(mark, key) for mark, key in (("l", last), ("f", first)) if key))
    if ways:
        ways.append(_Way(Q(_Matches(F("other_names"), Value(" | ".join(lexemes))))))
    return ways


def _readings(text: str) -> list[tuple[str, str]]:
    """Pairs of last and first name keys that a text may mean; either may be blank, but not both."""
    before, comma, after = text.partition(",")
    if comma:
        pairs = [(before, after)]
    else:
        words = text.split()[:_MOST_WORDS]
        cuts = [(" ".join(words[:at]), " ".join(words[at:])) for at in range(1, len(words))]
        pairs = [(text, ""), ("", text), *(pair for one, two in cuts for pair in ((one, two), (two, one)))]
    keys = _loose_keys(sorted({part for pair in pairs for part in pair}))
    key_pairs = [(keys[last], keys[first]) for last, first in pairs]
    return [pair for pair in dict.fromkeys(key_pairs) if any(pair)]


def _loose_keys(texts: list[str]) -> dict[str, str]:
    """The keys as stored in the columns, computed by the same function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT t, sis_loose(t) FROM unnest(%s::text[]) AS t", [texts])
        return dict(cursor.fetchall())


def _begins(field: str, key: str) -> Q:
    return Q(**{f"{field}__gte": key, f"{field}__lt": key + _LAST})


class _Matches(Func):
    """A text vector matches a query."""

    template = "(%(expressions)s::tsquery)"
    arg_joiner = " @@ "
    output_field = models.BooleanField()
    conditional = True


def _lexeme(mark: str, key: str) -> str:
    quoted = key.replace("\\", "\\\\").replace("'", "''")
    return f"'{mark}{quoted}':*"
