"""From a column's text to clean values: trimmed, NFC, blank as "", dates in ISO form, codes as in their set.

Values are checked column by column over a block of records, which makes it quick: columns with few different values (dates,
codes, schools) are checked once per distinct text and looked up after that.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sisimport.files.damage import (
    LONGEST_PLACEHOLDER,
    PLACEHOLDERS,
    has_doubtful_names,
    is_name,
    looked_at_name,
    placeholder,
    placeholders_in,
)
from sisimport.files.dates import DateCheck, DaysSeen
from sisimport.files.formula_guard import plain_cell
from sisimport.files.grade_forms import plain_grade
from sisimport.files.issues import Problem, Severity, shown
from sisimport.files.layouts import Column, ColumnKind, Layout
from sisimport.files.numbers import (
    FORMULA,
    FRAMES,
    LOST_CELL,
    NO_SSID,
    ROUNDED,
    SSID_FIELDS,
    bare_code,
    bare_number,
    bare_ssid,
    bare_value,
    bare_whole,
    unframed,
)
from sisimport.files.spellings import is_grade
from sisimport.files.stray_marks import has_marks_at_an_edge, without_stray_marks

# A value without a published length is limited to this: no name or code is a thousand characters long.
MAX_VALUE_LENGTH: Final = 1000
_MEMO_SIZE: Final = 50_000
_NAMES_KEPT: Final = 10_000  # of each column
_LISTED_CODES: Final = 24
_JOINT: Final = "\x00"  # occurs in no text
_EDGES: Final = [edge for space in " \t\n\r" for edge in (f"{_JOINT}{space}", f"{space}{_JOINT}")]

# (position in the block, what is wrong)
Finding = tuple[int, Problem]
Check = Callable[[str], tuple[str | None, Problem | None]]

# The order in which checks of one record are reported (CALPADS error codes FRMT0001 to GERR0002, rule F-8).
CHECK_ORDER: Final = {
    code: rank
    for rank, code in enumerate(
        ("FILE-COLUMNS", "FILE-LENGTH", "FILE-DATE", "FILE-DATE-FORM", "FILE-DIGITS", "FILE-CODE", "FILE-REQUIRED")
    )
}


@dataclass(frozen=True, slots=True)
class BlockTraits:
    """What a block of text may contain, so that most blocks need no work on each value."""

    may_hold_space: bool
    needs_nfc: bool
    may_hold_hidden: bool = True
    may_be_damaged: bool = True
    may_hold_formula: bool = True


class _Memo(dict[str, str]):
    """Text -> clean value ("" for none), each text checked once.

    `bad` holds the problems of texts that have one, `plain` the texts that are already clean: a block of only those is processed
    three times as fast.
    """

    def __init__(self, check: Check, *, most: int = _MEMO_SIZE) -> None:
        super().__init__()
        self.check, self._most = check, most
        self.bad: dict[str, Problem] = {}
        self.plain: set[str] = set()

    def __missing__(self, text: str) -> str:
        value, problem = self.check(text)
        if problem is not None:
            self.bad[text] = problem
        elif text == (value or ""):
            self.plain.add(text)
        self[text] = value or ""
        return value or ""

    def shrink(self) -> None:
        if len(self) > self._most:
            self.clear()
            self.bad.clear()
            self.plain.clear()


class MemoColumn:
    """A column with few different values: date, code, number, school. `days`: the kinds of dates seen in a column of dates."""

    def __init__(self, check: Check, days: DaysSeen | None = None) -> None:
        self._memo = _Memo(check)
        self.days = days

    def accepts(self, text: str) -> bool:
        """Can the text be read, if only with a notice?"""
        _, problem = self._memo.check(text)
        return problem is None or problem.severity is Severity.NOTICE

    def read(self, texts: Sequence[str], _traits: BlockTraits) -> tuple[Sequence[str], list[Finding]]:
        if self._memo.plain.issuperset(texts):
            return texts, []
        memo = self._memo
        memo.shrink()
        first = texts[0]
        if texts[-1] == first and texts.count(first) == len(texts):
            values: Sequence[str] = [memo[first]] * len(texts)
        else:
            values = list(map(memo.__getitem__, texts))
        bad = memo.bad
        if not bad:
            return values, []
        return values, [(at, bad[text]) for at, text in enumerate(texts) if text in bad]


class TextColumn:
    """A column of free text, most values different: names and numbers of students."""

    def __init__(self, column: Column, *, own_export: bool = False, writes_names: bool = False) -> None:
        self._column = column
        self._is_name, self._writes_names = is_name(column), writes_names
        self._is_ssid = column.field in SSID_FIELDS
        self._is_number = self._is_ssid or column.field in _CODE_FIELDS
        self._may_be_framed = not self._is_name and column.field not in _KEPT_AS_WRITTEN
        self._limit = column.length or MAX_VALUE_LENGTH
        self._own_export = own_export
        self._placeholders = placeholders_in(column)
        # Names are cached because they repeat: in a file with a few unusual ones, each block would be examined name by name.
        self._names = _Memo(partial(looked_at_name, column, written=writes_names), most=_NAMES_KEPT)
        self._unmarked = _Memo(partial(without_stray_marks, column), most=_NAMES_KEPT)

    def read(self, texts: Sequence[str], traits: BlockTraits) -> tuple[Sequence[str], list[Finding]]:
        first = texts[0]
        if len(texts) > 1 and texts[-1] == first and texts.count(first) == len(texts):
            # All values are the same, mostly blank: checked once for the whole block.
            values, findings = self._read([first], traits)
            if not findings:
                return [values[0]] * len(texts), []
        return self._read(texts, traits)

    def _read(self, texts: Sequence[str], traits: BlockTraits) -> tuple[Sequence[str], list[Finding]]:
        if self._own_export:
            texts = [plain_cell(text.strip()) for text in texts]
        if traits.may_hold_space or traits.needs_nfc:
            # One look at all of them together shows what work the column needs.
            joined = _JOINT.join(texts)
            exotic = traits.needs_nfc and not joined.isascii()
            framed = f"{_JOINT}{joined}{_JOINT}"
            if traits.may_hold_space and (exotic or any(edge in framed for edge in _EDGES)):
                texts = list(map(str.strip, texts))
            # The joint composes with nothing, so the values are in normal form if they are together.
            if exotic and not unicodedata.is_normalized("NFC", joined):
                texts = [text if text.isascii() else unicodedata.normalize("NFC", text) for text in texts]
        findings: list[Finding] = []
        if self._column.required and "" in texts:
            problem = _missing(self._column)
            findings += [(at, problem) for at, text in enumerate(texts) if not text]
        texts = self._without_formulas(texts, findings) if traits.may_hold_formula else texts
        # Students' numbers are longer than any placeholder; checking the length is quicker than comparing the words.
        words = self._placeholders
        short = self._is_name or min(map(len, texts)) <= LONGEST_PLACEHOLDER
        if words and short and not words.isdisjoint(texts):
            findings = [(at, placeholder(self._column, text)) for at, text in enumerate(texts) if text in words]
            texts = ["" if text in words else text for text in texts]
        texts = self._cleaned(texts, findings, traits)
        if max(map(len, texts)) > self._limit:
            texts = self._shortened(texts, findings)
        return texts, findings

    def _cleaned(self, texts: Sequence[str], findings: list[Finding], traits: BlockTraits) -> Sequence[str]:
        """The texts without what programs put around them, each kind of column in its own way."""
        if self._is_number:
            return self._as_number(texts, findings)
        if self._is_name:
            return self._as_names(texts, findings, doubtful=traits.may_be_damaged)
        return self._without_frames(texts, findings) if self._may_be_framed else texts

    def _without_formulas(self, texts: Sequence[str], findings: list[Finding]) -> Sequence[str]:
        found = [(at, text) for at, text in enumerate(texts) if text.startswith(LOST_CELL)]
        findings += [(at, _lost(self._column, text)) for at, text in found]
        return ["" if text.startswith(LOST_CELL) else text for text in texts] if found else texts

    def _as_names(self, texts: Sequence[str], findings: list[Finding], *, doubtful: bool) -> Sequence[str]:
        if doubtful and has_doubtful_names(texts):
            texts, found = _looked_up(self._names, texts)
            findings += found
        # The names in our own export are those on record, whatever they begin and end with.
        if not self._own_export and has_marks_at_an_edge(texts):
            texts, found = _looked_up(self._unmarked, texts)
            findings += found
        return texts

    def _as_number(self, texts: Sequence[str], findings: list[Finding]) -> Sequence[str]:
        """The numbers without programs' marks; an SSID of only zeros is blank."""
        joined = "".join(texts)
        if not (joined.isalnum() and joined.isascii()):
            texts, found = _without_marks(self._column, texts)
            findings += found
        if self._is_ssid and NO_SSID in texts:
            findings += [(at, placeholder(self._column, text)) for at, text in enumerate(texts) if text == NO_SSID]
            texts = ["" if text == NO_SSID else text for text in texts]
        return texts

    def _without_frames(self, texts: Sequence[str], findings: list[Finding]) -> Sequence[str]:
        """Text without the marks that keep a spreadsheet from changing it: '1045L, ="90000123"."""
        joined = _JOINT.join(texts)
        if not any(mark in joined for mark in FRAMES):
            return texts
        bare = [unframed(text) for text in texts]
        findings += [
            (at, _marked(self._column, text, value))
            for at, (text, value) in enumerate(zip(texts, bare, strict=True))
            if text != value
        ]
        return bare

    def _shortened(self, texts: Sequence[str], findings: list[Finding]) -> list[str]:
        values = list(texts)
        for at, text in enumerate(texts):
            if len(text) > self._limit:
                too_long = _too_long(self._column, text)
                findings.append((at, too_long))
                values[at] = "" if too_long.severity is Severity.ERROR else text
        return values


def _looked_up(memo: _Memo, texts: Sequence[str]) -> tuple[Sequence[str], list[Finding]]:
    """Names as stored in the memo, and what is wrong with them."""
    if memo.plain.issuperset(texts):
        return texts, []
    memo.shrink()
    names = list(map(memo.__getitem__, texts))
    bad = memo.bad
    return names, [(at, bad[text]) for at, text in enumerate(texts) if text in bad] if bad else []


def column_reader(layout: Layout, column: Column, *, day_first: bool = False) -> MemoColumn | TextColumn:
    """The reader for this column. `day_first`: other dates of the column can only be day/month, so 3/4/2015 is unclear."""
    if column.kind is ColumnKind.TEXT and (column.spellings or column.translations):
        return MemoColumn(_framed(column, _SpelledCheck(column)))
    if column.kind is ColumnKind.TEXT:
        return TextColumn(column, own_export=layout.own_export, writes_names=layout.writes(column))
    if column.kind is ColumnKind.DATE:
        check = DateCheck(layout, column, day_first=day_first)
        return MemoColumn(_framed(column, check), check.days)
    checks: Mapping[ColumnKind, Check] = {
        ColumnKind.CODE: _CodeCheck(column),
        ColumnKind.DIGITS: _digits_check(column),
        ColumnKind.NUMBER: _number_check(column),
    }
    return MemoColumn(_framed(column, checks[column.kind]))


def read_value(layout: Layout, column: Column, text: str) -> tuple[str, Problem | None]:
    """One value, read like a column of the layout, and what is wrong with it."""
    traits = BlockTraits(may_hold_space=True, needs_nfc=True)
    values, findings = column_reader(layout, column).read([text], traits)
    return values[0], findings[0][1] if findings else None


def _framed(column: Column, check: Check) -> Check:
    """Trimming, blank and length are the same for every kind."""

    def framed(text: str) -> tuple[str | None, Problem | None]:
        text = unicodedata.normalize("NFC", text.strip())
        text = column.translations.get(text.casefold(), text)
        if not text:
            return None, _missing(column) if column.required else None
        if text.startswith(LOST_CELL):
            return None, _lost(column, text)
        value, problem = check(text)
        if problem is not None and problem.severity is not Severity.NOTICE and not value:
            value, problem = _unmarked(column, check, text) or (value, problem)
        if text in PLACEHOLDERS and not column.required and (problem is not None or column.codes is None):
            return None, placeholder(column, text)
        unmarked = problem is not None and problem.code == "FILE-MARKS"  # there is a value, shorter than the text
        if problem is not None and not unmarked and column.length is not None and len(text) > column.length:
            # A word from the tables is longer than its code and needs its own answer.
            return (value, problem) if _spelled(column, text) else (None, _too_long(column, text))
        if (problem is None or unmarked) and column.kind is not ColumnKind.DATE and value is not None:
            limit = column.length or MAX_VALUE_LENGTH
            if len(value) > limit:
                too_long = _too_long(column, value)
                return (None if too_long.severity is Severity.ERROR else value), too_long
        return value, problem

    return framed


def _unmarked(column: Column, check: Check, text: str) -> tuple[str, Problem] | None:
    """The value between a spreadsheet's marks if it can be read, else None."""
    bare = bare_value(text)
    if bare == text:
        return None
    value, problem = check(bare)
    read = value and (problem is None or problem.severity is Severity.NOTICE)
    return (value, _marked(column, text, value)) if value and read else None


def _missing(column: Column) -> Problem:
    return Problem("FILE-REQUIRED", column.severity, column.field, "", "a value")


def _lost(column: Column, text: str) -> Problem:
    """What is in a workbook's text where a cell holds no value that can be read."""
    if text.startswith(FORMULA):
        return Problem("FILE-FORMULA", column.severity, column.field, text.removeprefix(FORMULA).removesuffix(")"))
    cell, _, value = text.removeprefix(ROUNDED).removesuffix(")").rpartition(": ")
    return Problem("FILE-ROUNDED", column.severity, column.field, shown(value), cell)


def _too_long(column: Column, text: str) -> Problem:
    limit = column.length or MAX_VALUE_LENGTH
    severity = column.length_severity if len(text) <= MAX_VALUE_LENGTH else Severity.ERROR
    return Problem(
        "FILE-LENGTH", severity, column.field, shown(text), f"at most {limit:,}", {"length": f"{len(text):,}"}
    )


# -- codes and numbers -------------------------------------------------------------------------------------------------


class _CodeCheck:
    """The code as spelled in its set, ignoring case and leading zeros that a spreadsheet removed from a number.

    Everyday words for a code are read with a notice; ambiguous ones are refused, naming the choices.
    """

    def __init__(self, column: Column) -> None:
        self._column = column
        codes = column.codes or {}
        self._spellings = {code.lstrip("0"): code for code in codes if code.isdigit() and code.strip("0")}
        self._spellings |= {code.casefold(): code for code in codes} | {code: code for code in codes}
        self._expected = _one_of(codes)

    def __call__(self, text: str) -> tuple[str | None, Problem | None]:
        column = self._column
        code = self._spellings.get(text) or self._spellings.get(text.casefold())
        if code is not None:
            return code, None
        spelled = _spelled(column, text)
        if spelled is not None:
            return spelled
        if column.codes is None:
            return self._of_any(text)
        bare = bare_number(text)  # '09 and 9.0, as spreadsheets keep or turn them
        code = self._spellings.get(bare) if bare != text and bare.isdigit() and bare.strip("0") else None
        if code is not None:
            return code, _marked(column, text, code)
        return None, Problem("FILE-CODE", column.severity, column.field, shown(text), self._expected)

    def _of_any(self, text: str) -> tuple[str | None, Problem | None]:
        """A code without a list; a score or level that a spreadsheet wrote in its own way becomes a whole number again."""
        if not text.isalnum() and _WHOLE.match(self._column.field or ""):
            bare = bare_whole(text)
            if bare != text and bare.isascii() and bare.isdigit():
                return bare, _marked(self._column, text, bare)
        bare = bare_value(text)
        if bare != text and (bare.isalnum() or unframed(text) != text):
            return bare.upper(), _marked(self._column, text, bare.upper())
        return text.upper(), None


class _SpelledCheck:
    """Free text, except words that stand for a code, and codes written in capitals."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._codes = frozenset(column.spellings.values())

    def __call__(self, text: str) -> tuple[str | None, Problem | None]:
        if text not in self._codes and text.lower() in self._codes:
            return text.lower(), None
        if spelled := _spelled(self._column, text):
            return spelled
        bare = bare_value(text)
        if bare != text and (code := bare.lower() if bare.lower() in self._codes else None):
            return code, _marked(self._column, text, code)
        return text, None


def _spelled(column: Column, text: str) -> tuple[str | None, Problem | None] | None:
    """The code that an everyday word stands for, or its choices if ambiguous; None for a word in no table."""
    folded = text.casefold()
    spelled = [folded, plain_grade(text)] if is_grade(column.spellings) else [folded]
    for spelling in spelled:
        code = column.spellings.get(spelling)
        if code is None and spelling is not folded:
            codes = column.codes or set(column.spellings.values())
            code = next((code for code in codes if code.casefold() == spelling), None)
        if code == text:
            return code, None
        if code is not None:
            return code, Problem("FILE-CODE-SPELLING", Severity.NOTICE, column.field, shown(text), code)
        if spelling in column.unclear:
            return None, Problem("FILE-CODE", column.severity, column.field, shown(text), column.unclear[spelling])
    return None


def _one_of(codes: Mapping[str, str]) -> str:
    names = list(codes)
    if len(names) > _LISTED_CODES:
        return f"a code of its list ({', '.join(names[:3])} …)"
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))


# Whole numbers of scores: scale_score, achievement_level, record_type, raw_score_1, percent_correct, oral_csem.
_WHOLE: Final = re.compile(
    r"(?:.*_)?(?:score(?:_[0-9]+)?|level|preliminary_indicator|record_type|percent_correct|c?sem)\Z"
)
_CODE_FIELDS: Final = ("lea", "school")
_LONGEST_CODE: Final = 7
# Sentences of a file, and numbers that are first looked up as they are.
_KEPT_AS_WRITTEN: Final = frozenset({"message", "detail", "problem", "mode", "marked", "user_id", "local_number"})


def _marked(column: Column, text: str, bare: str) -> Problem:
    return Problem("FILE-MARKS", Severity.NOTICE, column.field, shown(text), bare)


def _without_marks(column: Column, texts: Sequence[str]) -> tuple[Sequence[str], list[Finding]]:
    """Identifiers without the marks that keep a spreadsheet from changing them, and the places where there were some."""
    undo = bare_ssid if column.field in SSID_FIELDS else bare_number
    bare = [text if not text or (text.isascii() and text.isalnum()) else undo(text) for text in texts]
    findings = [
        (at, _marked(column, text, value))
        for at, (text, value) in enumerate(zip(texts, bare, strict=True))
        if text != value
    ]
    return bare, findings


def _digits_check(column: Column) -> Check:
    expected = f"{column.length} digits" if column.length else "digits only"

    def check(text: str) -> tuple[str | None, Problem | None]:
        is_long_code = column.field in _CODE_FIELDS and len(text) > _LONGEST_CODE
        if text.isascii() and text.isdigit() and not is_long_code:
            return text, None
        bare = bare_code(text, column.field) if column.field in _CODE_FIELDS else bare_number(text)
        if bare != text and bare.isascii() and bare.isdigit():
            return bare, _marked(column, text, bare)
        if text.isascii() and text.isdigit():
            return text, None
        return None, Problem("FILE-DIGITS", column.severity, column.field, shown(text), expected)

    return check


_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?\Z")


def _number_check(column: Column) -> Check:
    def check(text: str) -> tuple[str | None, Problem | None]:
        number = text.removesuffix("%").rstrip()
        if _NUMBER.match(number):
            return number, None
        return None, Problem("FILE-DIGITS", column.severity, column.field, shown(text), "a number")

    return check


def in_check_order(findings: Iterator[Problem] | Sequence[Problem]) -> tuple[Problem, ...]:
    """Problems of one record in the order of rule F-8."""
    return tuple(sorted(findings, key=lambda problem: CHECK_ORDER.get(problem.code, len(CHECK_ORDER))))
