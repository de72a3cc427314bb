"""Names that a program damaged in transfer: a character that names do not have, or a capital inside a word, where the
record has an accent; and words for "none" in place of a name.

`Raœl` alone may be a name. With `Raúl` on record it is what Windows makes of a Mac file, and the record stays.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from django.db import models
from django.db.models import Case, CharField, F, Func, Q, Value, When
from django.db.models.functions import Lower
from django.db.models.lookups import In

from sisimport.files.damage import PLACEHOLDERS
from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule
from students.models.people import NAME_FIELDS
from students.patterns import NAME_SUFFIX

_FIELDS: Final = tuple(name for name in NAME_FIELDS if name.endswith("_name"))
_SIGNS: Final = "‘’“”´œŒšŠžŽŸ–—…ˆ‡†ƒ„‰‹›˜™•€¡_*#@$~|<>=^+ß·ńŃæÆþÞðÐ"
_NEEDED: Final = ("last_name", "first_name")
# What programs and people write for an unknown name. Some are also names, though seldom in place of another.
_WORDS: Final = frozenset(word.casefold() for word in PLACEHOLDERS) | {
    "na", "n.a.", "n.a", "n/k", "unknown", "unk", "not available", "not applicable", "not provided", "missing", "blank", "empty",
    "tbd", "tba", "test", "no name", "noname", "no last name", "no first name", "lnu", "fnu", "nln", "nfn", "xx", "xxx",
    "true", "false", "nmn", "nmi", "no middle name", "no middle", "none given", "not given", "not known", "no data",
    "ninguno", "ninguna", "sin nombre", "no aplica",
}  # fmt: skip
_NOBODY: Final = sorted(word for word in PLACEHOLDERS if not word.isalpha())  # no one is called #N/A
_NO_LETTER: Final = r"^[\x20-\x40\x5b-\x60\x7b-\x7e]+$"
_INNER_CAPITAL: Final = "[a-zß-öø-ÿ][À-ÖØ-Þ]|[A-Z][À-ÖØ-Þ][a-z]"
_LONE_MARK: Final = r"^[^\x22]*\x22[^\x22]*$"
# If no record tells: keyboard symbols, digits, quotation marks, two names in one cell, a form of address, and capitals where
# files of Macs and old programs have accents.
_ODD: Final = (
    r"[][0-9_*#@$~|<>=^+{}%\\,;/()\x22“”„«»]|^(Mr|Mrs|Ms|MR|MRS|MS|Miss|MISS|Dr|DR|Jr|JR|Sr|SR)[. ]"
    r"|(^|[- ])(NULL|N/A)($|[- ])|[a-zß-öø-ÿ][À-ÖØ-ÞŒŠŽŸ]|[A-Z][À-ÖØ-ÞŒŠŽŸ][a-zß-öø-ÿ]|œ’"
    r"|[A-Za-z]œ(?!u)|[a-z]’[a-z]|(^| )['‘][^'‘’]+['’]( |$)|(^| )(aka|AKA|a[.]k[.]a[.])( |$)"
)
_INITIAL: Final = r"^[[:alpha:]][.]?$"
_PLAIN: Final = r"lower(regexp_replace({}, '[^A-Za-z0-9 .,''()/-]', '_', 'g'))"
_COUNT: Final = f"length({{0}}) - length(translate({{0}}, '{_SIGNS}', ''))"
_LETTERS_BEYOND: Final = "[À-ÖØ-öø-ʯḀ-ỿ]"
_WHAT: Final = "a sign in place of the letter with an accent on record"


class _OfTwoColumns(Func):
    """A condition about a name in two columns."""

    output_field = models.BooleanField()
    conditional = True
    arity = 2

    @staticmethod
    def of(one: str, other: str) -> str:
        """SQL of the condition, given that of the columns, which have no parameters."""
        raise NotImplementedError

    def as_sql(self, compiler: Any, *_args: Any, **_kwargs: Any) -> tuple[str, Any]:
        one, other = (compiler.compile(e)[0] for e in self.source_expressions)
        return self.of(one, other), ()


class _Lost(_OfTwoColumns):
    """`file, record`: the name on record without its letters beyond ASCII, or with spaces for them: Jos for José, Garc a."""

    @staticmethod
    def of(file: str, record: str) -> str:
        gone, spaced = (f"regexp_replace({record}, '{_LETTERS_BEYOND}', '{sign}', 'g')" for sign in ("", " "))
        return f"(CASE WHEN {file} IN ('', {record}) THEN false ELSE {file} IN ({gone}, {spaced}) END)"


class _Damages(_OfTwoColumns):
    """`file, record`: equal except for letters beyond ASCII, where those of the file are not letters of a name; or
    equal except for a lone quotation mark in the file."""

    @staticmethod
    def of(file: str, record: str) -> str:
        return (
            f"(CASE WHEN {file} <> {record} THEN {_PLAIN.format(file)} = {_PLAIN.format(record)} AND ("
            f"{_COUNT.format(file)} > {_COUNT.format(record)}"
            f" OR ({file} ~ '{_INNER_CAPITAL}' AND {record} !~ '{_INNER_CAPITAL}'))"
            f" OR ({file} ~ '{_LONE_MARK}' AND trim(replace({file}, '\"', '')) = {record}) ELSE false END)"
        )


class _BeginsWith(_OfTwoColumns):
    """`record, initial`: the record is a longer name with that first letter, regardless of case and accent."""

    @staticmethod
    def of(record: str, initial: str) -> str:
        return f"(length({record}) > 2 AND sis_loose(left({record}, 1)) = sis_loose(left({initial}, 1)))"


def part_sql(file: str, record: str) -> str:
    """SQL: the file's name is that on record cut off within a word, or twice: Rodrig for Rodríguez, Peña Peña for Peña."""
    cut = f"left({record}, length({file})) = {file} AND substr({record}, length({file}) + 1, 1) ~ '[[:alpha:]]'"
    twice = f"{file} = concat({record}, ' ', {record})"
    return f"(CASE WHEN {file} = {record} OR '' IN ({file}, {record}) THEN false ELSE {cut} OR {twice} END)"


class _IsPart(_OfTwoColumns):
    """`file, record`: see `part_sql`."""

    @staticmethod
    def of(file: str, record: str) -> str:
        return part_sql(file, record)


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules."""
    return [
        *(_damaged(rule, name) for name in _FIELDS),
        *(one for name in _FIELDS for one in _words(rule, name)),
        *(_odd(rule, name) for name in _FIELDS),
        *(_suffixed(rule, name) for name in _NEEDED),
        *(_initial(rule, name) for name in _NEEDED),
        *(_part(rule, name) for name in _FIELDS),
    ]


def _suffixed(rule: Callable[..., Rule], name: str) -> Rule:
    """`Peña Jr.` as last name: the suffix would become part of a name that is compared."""
    new_or_other = Q(is_new=True) | Q(Differs(F(name), F(f"student__{name}")))
    return rule("roster", "NAME-SUFFIX", Severity.WARNING, name, Q(**{f"{name}__iregex": NAME_SUFFIX}) & new_or_other)


def _initial(rule: Callable[..., Rule], name: str) -> Rule:
    """`I` or `I.` where the record has `Ilse`."""
    record = F(f"student__{name}")
    when = Q(is_new=False) & Q(**{f"{name}__regex": _INITIAL}) & Q(_BeginsWith(record, F(name)))
    return rule("roster", "NAME-INITIAL", Severity.WARNING, name, when, expected=record)


def _part(rule: Callable[..., Rule], name: str) -> Rule:
    """It may be a short form, such as Rob for Robert: a person checks it."""
    record = F(f"student__{name}")
    when = Q(is_new=False) & Q(_IsPart(F(name), record)) & ~Q(**{f"{name}__regex": _INITIAL}) & ~is_kept_out(name)
    return rule("roster", "NAME-PART", Severity.WARNING, name, when, expected=record)


def _odd(rule: Callable[..., Rule], name: str) -> Rule:
    """A text that no record contradicts may be a name: a person checks it."""
    record = F(f"student__{name}")
    other = Q(is_new=False) & Q(Differs(F(name), record)) & ~Q(_Damages(F(name), record))
    # Cheapest checks first: nearly all names of a file are those on record, and most of these columns are blank.
    when = (Q(is_new=True) | other) & ~Q(**{name: ""}) & Q(**{f"{name}__regex": _ODD})
    return rule("roster", "NAME-ODD", Severity.WARNING, name, when & ~_stays(name) & ~_is_nobody(name))


def _damaged(rule: Callable[..., Rule], name: str) -> Rule:
    lost = Q(_Lost(F(name), F(f"student__{name}")))
    base = rule(
        "roster",
        "FILE-DAMAGED",
        Severity.ERROR,
        name,
        Q(_Damages(F(name), F(f"student__{name}"))) | lost,
        expected=F(f"student__{name}"),
    )
    what = Case(
        When(**{f"{name}__regex": _LONE_MARK}, then=Value("a quotation mark without its second one")),
        When(lost, then=Value("nothing where the record has a letter with an accent")),
        default=Value(_WHAT),
        output_field=CharField(),
    )
    return replace(base, params={"what": what})


def _words(rule: Callable[..., Rule], name: str) -> list[Rule]:
    """People named Null exist: a new student's name is kept, and a person checks it. A name on record stays."""
    other = Q(is_new=False) & Q(Differs(F(name), F(f"student__{name}")))
    warned = (Q(is_new=True) | (other & ~_has_name(name))) & _is_word(name)
    return [
        rule("roster", "NAME-WORD", Severity.ERROR, name, _stays(name), expected=F(f"student__{name}")),
        rule("roster", "FILE-REQUIRED", Severity.ERROR, name, _is_nobody(name), expected=Value("a value")),
        rule("roster", "NAME-WORD", Severity.WARNING, name, warned & ~_is_nobody(name)),
    ]


def _is_nobody(name: str) -> Q:
    return Q(is_new=True) & Q(In(F(name), _NOBODY))


def _is_word(name: str) -> Q:
    return Q(In(Lower(F(name)), sorted(_WORDS))) | Q(**{f"{name}__regex": _NO_LETTER})


def _has_name(name: str) -> Q:
    return ~Q(**{f"student__{name}": ""}) & ~Q(In(Lower(F(f"student__{name}")), sorted(_WORDS)))


def _stays(name: str) -> Q:
    """A word for "none" in place of a name on record."""
    return Q(is_new=False) & Q(Differs(F(name), F(f"student__{name}"))) & _is_word(name) & _has_name(name)


def is_kept_out(name: str) -> Q:
    """An error already says that the record keeps its name: no other issue says that this one is written."""
    return Q(_Damages(F(name), F(f"student__{name}"))) | _stays(name)
