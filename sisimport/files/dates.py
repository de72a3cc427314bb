"""Dates as written in files: read if their form leaves no doubt, and checked against the forms of the layout."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from sisimport.files.issues import Problem, Severity, shown
from sisimport.files.layouts import Column, Layout
from sisimport.files.numbers import bare_number

_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})\Z")
YEAR_FIRST = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}\Z")  # CCYY-MM-DD, as nearly all files have it
_COMPACT_YEAR_LAST = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})\Z")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})\Z")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})\Z")
# English month names, which spreadsheets use to show dates: 14-Feb-09, Feb 14, 2009.
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED = r"(?P<month>[A-Za-z]{3,9})\.?"
_DAY_NAME = re.compile(rf"(?P<day>[0-9]{{1,2}})[- /]?{_NAMED}[- /,]*(?P<year>[0-9]{{4}}|[0-9]{{2}})\Z")
_NAME_DAY = re.compile(rf"{_NAMED}[- /](?P<day>[0-9]{{1,2}})(?:,? |[-/])(?P<year>[0-9]{{4}})\Z")
_YEAR_NAME = re.compile(rf"(?P<year>[0-9]{{4}})[- /]{_NAMED}[- /](?P<day>[0-9]{{1,2}})\Z")
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +(?=[A-Za-z0-9])", re.IGNORECASE)
_FULL_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
# A time of day after a space, T or colon; the state's files of 2015-16 have it immediately after the date.
_TIME = re.compile(
    r"(?:[ T:][0-9]{1,2}|(?<=-[0-9]{2})[0-2][0-9])[:.][0-9]{2}(?:[:.][0-9]{2}(?:\.[0-9]+)?)?"
    r"(?: ?[AaPp][Mm]| ?Z| ?[-+][0-9]{2}:?[0-9]{2})?\Z|(?<=[0-9]{8})T[0-9]{6}Z?\Z"
    r"|(?<=\A[12][0-9]{7})(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]\Z"
)
_DATE_AND_TIME: Final = len("20140302235959")
# A spreadsheet's day number, from a date saved as a plain number: five digits, 1927 to 2099.
_DAY_NUMBER = re.compile(r"[1-7][0-9]{4}\Z")
_DAY_NULL: Final = date(1899, 12, 30)
_DAY_NUMBER_FORM: Final = "day number"
_POINTS = re.compile(r"(?:0?[1-9]|1[0-2])\.(?:0?[1-9]|1[0-2])\.(?:[0-9]{4}|[0-9]{2})\Z")
_TWO_YEARS = re.compile(r"(?:1[3-9]|2[0-9]|3[01])([-/])(?:0?[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])\Z")
_YEARS: Final = range(1900, 2100)
# Dates of past events: a date after today is a mistake in any file.
PAST_DATES: Final = frozenset({"birth_date", "elas_date", "el_identified_date", "el_tbd_date", "el_exit_date"})
# Years before and after this one in which a date written without its century may lie.
_REACH_OF_BIRTHS: Final = (99, 0)
_REACH_OF_EVENTS: Final = (60, 2)
# A file has a few thousand different dates, and tomorrow's file has the same. A longer text is not a date and is not cached.
_DAYS_KEPT, _LONGEST_KEPT = 1 << 15, 32


@dataclass(frozen=True, slots=True)
class ReadDate:
    """A date as written in a file. `ambiguous`: it could also be day/month and was read as month/day."""

    iso: str
    form: str
    ambiguous: bool = False


def parse_date(text: str) -> ReadDate | None:
    """Read a date in any form that leaves no doubt (month/day/year is the rule in the files' country), else None."""
    # Most dates hold no time, which this test shows more quickly than the pattern.
    plain = _TIME.sub("", text) if ":" in text or "." in text or "T" in text or len(text) == _DATE_AND_TIME else text
    with_time = " with time" if plain != text else ""
    if match := _COMPACT.match(plain):
        read = _date(match[1], match[2], match[3], f"CCYYMMDD{with_time}")
        return read or _compact_year_last(plain)
    if match := _YEAR_FIRST.match(plain):
        full = len(match[3]) == len(match[4]) == 2 and match[2] == "-"
        form = f"CCYY-MM-DD{with_time}" if full else f"CCYY{match[2]}M{match[2]}D{with_time}"
        return _date(match[1], match[3], match[4], form)
    if match := _YEAR_LAST.match(plain):
        return _year_last(match, with_time)
    if _DAY_NUMBER.match(text):
        day = _DAY_NULL + timedelta(days=int(text))
        return ReadDate(day.isoformat(), _DAY_NUMBER_FORM) if day.year in _YEARS else None
    plain = _WEEKDAY.sub("", plain, count=1)
    if match := _DAY_NAME.match(plain) or _NAME_DAY.match(plain) or _YEAR_NAME.match(plain):
        return _date_of_name(match, with_time)
    return None


_kept_date = lru_cache(maxsize=_DAYS_KEPT)(parse_date)


def read_date(text: str) -> ReadDate | None:
    """Like `parse_date`, for a cell in a column of dates."""
    return _kept_date(text) if len(text) <= _LONGEST_KEPT else parse_date(text)


def _year_last(match: re.Match[str], with_time: str) -> ReadDate | None:
    """Day, month and year, or month, day and year, with one sign between them."""
    first, sign, second, year = match.groups()
    years = "CCYY" if len(year) == 4 else "YY"
    month_first = _date(_full(year), first, second, f"M/D/{years}{with_time}")
    day_first = _date(_full(year), second, first, f"D/M/{years}{with_time}")
    if month_first and day_first and month_first.iso != day_first.iso:
        # Periods are used in dates of other countries, which begin with the day, so it is unclear which kind this is.
        return None if sign == "." else ReadDate(month_first.iso, month_first.form, ambiguous=True)
    if month_first is None and years == "YY" and _may_be_year_first(first, sign, second, year):
        return None  # 15-03-04 and 14/11/12: the year may also come first
    return month_first or day_first


def _may_be_year_first(first: str, sign: str, second: str, last: str) -> bool:
    """Dates with hyphens often begin with the year. With slashes, a year yet to come leaves no doubt: 30/11/14."""
    is_day = sign in "-/" and _date(_full(first), second, last, "") is not None
    return is_day and (sign == "-" or int(_full(first)) <= datetime.now(tz=UTC).year)


def _compact_year_last(text: str) -> ReadDate | None:
    """Read 02142009 like 02/14/2009. No such number is also a date with the year first."""
    match = _COMPACT_YEAR_LAST.match(text)
    return parse_date("/".join(match.groups())) if match else None


def _date_of_name(match: re.Match[str], with_time: str) -> ReadDate | None:
    name, year = match["month"].casefold(), match["year"]
    is_month = name[:3] in _MONTHS and (name in _MONTHS or name == "sept" or name in _FULL_MONTHS)
    if not is_month:
        return None
    month = str(_MONTHS.index(name[:3]) + 1)
    form = "D-Mon-CCYY" if len(year) == 4 else "D-Mon-YY"
    return _date(_full(year), month, match["day"], f"{form}{with_time}")


def _full(year: str) -> str:
    """The year with its century; two-digit years as POSIX reads them: 69 to 99 are the 1900s."""
    if len(year) == 4:
        return year
    return f"19{year:0>2}" if int(year) >= 69 else f"20{year:0>2}"


def _date(year: str, month: str, day: str, form: str) -> ReadDate | None:
    if int(year) not in _YEARS:
        return None
    try:
        return ReadDate(date(int(year), int(month), int(day)).isoformat(), form)
    except ValueError:
        return None


@dataclass(slots=True)
class DaysSeen:
    """Which kinds of dates a column held: those that can only be day/month, only month/day, or either."""

    day_first: bool = False
    month_first: bool = False
    either: bool = False

    def note(self, read: ReadDate) -> None:
        self.either |= read.ambiguous
        self.day_first |= read.form.startswith("D/M")
        self.month_first |= not read.ambiguous and read.form.startswith("M/D") and read.iso[5:7] != read.iso[8:]

    @property
    def is_day_first(self) -> bool:
        return self.day_first and not self.month_first


def _exists(iso: str) -> bool:
    try:
        date.fromisoformat(iso)
    except ValueError:
        return False
    return True


class DateCheck:
    """Forms of the layout pass without a notice, its lenient forms with a notice; all others are errors."""

    def __init__(self, layout: Layout, column: Column, *, day_first: bool) -> None:
        self._column = column
        self._native = frozenset(layout.date_formats)
        lenient = frozenset(layout.lenient_date_formats) | self._native
        self._forms = lenient
        self._day_first = day_first
        self.days = DaysSeen()
        self._is_past = column.field in PAST_DATES
        self._today = datetime.now(tz=UTC).astimezone().date()
        self._expected = f"a day that exists, written {layout.date_formats[0]}"
        # The last day that needs no closer look if it is written CCYY-MM-DD: as a text, such days are in order.
        last = self._today.isoformat() if self._is_past else "9999"
        self._last_usual = last if "CCYY-MM-DD" in self._native else ""

    def __call__(self, text: str) -> tuple[str | None, Problem | None]:
        if text <= self._last_usual and YEAR_FIRST.match(text) and _exists(text):
            return text, None
        read = read_date(text) or read_date(bare_number(text.rstrip(".")))  # '2/14/2009, 2/14/2009. and 20090214.0
        if read is None or not self._allowed(read.form):
            return None, self._refuse(text, self._expected_instead_of(text))
        self.days.note(read)
        if read.ambiguous and self._day_first:
            reason = (
                f"{self._expected} (other dates here have the day before the month, so this one can be read two ways)"
            )
            return None, self._refuse(text, reason)
        iso: str | None = read.iso
        if read.form.removesuffix(" with time").endswith(("/YY", "-YY")):
            iso = self._with_century(read.iso)
            if iso is None:
                return None, self._refuse(text, "a year of four digits (the century is missing)")
        if self._is_past and iso is not None and iso > self._today.isoformat():
            problem = Problem(
                "FILE-DATE-FUTURE", self._column.severity, self._column.field, shown(text), "a date no later than today"
            )
            return None, problem
        if iso is not None and iso != read.iso:
            read = replace(read, iso=iso)
        return read.iso, self._notice_on(text, read)

    def _notice_on(self, text: str, read: ReadDate) -> Problem | None:
        if read.form == _DAY_NUMBER_FORM:
            return Problem("FILE-DAY-NUMBER", Severity.WARNING, self._column.field, shown(text), read.iso)
        if read.form in self._native and read_date(text) is not None:
            return None
        return Problem("FILE-DATE-FORM", Severity.NOTICE, self._column.field, text, read.iso, {"form": read.form})

    def _with_century(self, iso: str) -> str | None:
        """The date in the only century possible for this kind of date; None if that is unclear."""
        first, last = _REACH_OF_BIRTHS if self._column.field == "birth_date" else _REACH_OF_EVENTS
        years = range(self._today.year - first, self._today.year + last + 1)
        days = [f"{century}{iso[2:]}" for century in ("19", "20") if int(f"{century}{iso[2:4]}") in years]
        if self._is_past:
            days = [day for day in days if day <= self._today.isoformat()]
        return days[0] if len(days) == 1 else None

    def _allowed(self, form: str) -> bool:
        """Along with an allowed form, equally clear ones are allowed: D/M if only that fits, year first with slashes, a time of
        day."""
        base = form.removesuffix(" with time")
        if base in self._forms or base.startswith("D-Mon") or base == _DAY_NUMBER_FORM:
            return True
        if base.startswith("CCYY"):
            return "CCYY-MM-DD" in self._forms
        return base.replace("D/M", "M/D") in self._forms

    def _expected_instead_of(self, text: str) -> str:
        """The form to use and, for an existing date, why it is not read."""
        if _POINTS.match(text):
            return f"{self._expected} (with periods it can be read two ways: day or month first)"
        if _TWO_YEARS.match(text):
            return f"{self._expected} (day or year may come first)"
        return self._expected

    def _refuse(self, text: str, expected: str) -> Problem:
        return Problem("FILE-DATE", self._column.severity, self._column.field, shown(text), expected)
