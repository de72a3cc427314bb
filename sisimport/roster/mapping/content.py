"""What a mapping says, its form as a file, and what is wrong with it.

    format = "sis-import column mapping"
    version = 1
    name = "Student export of PowerSchool"
    lea = "1234567"                          # the district that it is for
    delimiter = "\t"
    dates = ["M/D/CCYY"]                     # read without a notice
    header = ["Student_Number", …]           # all columns of the file, in its order

    [columns]                                # field of the roster = column of the file
    local_number = "Student_Number"
    [constants]                              # field = the value that every line has
    lea = "1234567"
    [values.school]                          # of a field: what the file says = what the roster says
    101 = "0123456"

JSON of the same form is read too. It contains no student data.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.layouts import DATE_FORMATS, ColumnKind, Layout, normalise_header
from sisimport.files.values import read_value

FORMAT: Final = "sis-import column mapping"
VERSION: Final = 1
# Fields that may have one value for a whole file: none that tells one student from another.
CONSTANT_FIELDS: Final = ("lea", "school", "grade", "enrollment_start", "birth_country", "birth_state", "home_language")
# Fields with few different values, which another system may write in its own way.
TRANSLATED_FIELDS: Final = (
    "lea", "school", "grade", "gender", "legal_gender", "home_language", "birth_country", "birth_state", "el_status",
    "ethnicity", "enrollment_exit_reason",
)  # fmt: skip
CODE_LENGTH: Final = 7
CODE_FIELDS: Final = ("lea", "school")
MOST_COLUMNS: Final = 600
MOST_VALUES: Final = 2000
_LONGEST_NAME: Final = 80
_LONGEST_COLUMN: Final = 120
_LONGEST_VALUE: Final = 120
_KEYS: Final = frozenset(
    {"format", "version", "name", "lea", "delimiter", "dates", "header", "columns", "constants", "values"}
)


class MappingError(ValueError):
    """A mapping cannot be used; the text names the cause and what to do."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a mapping: the field or column that it is about (blank: the whole), and the sentence."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """Field names are the roster's, column names the file's; values are compared without regard to case."""

    name: str
    lea: str = ""
    delimiter: str = ","
    header: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dates: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """The form in which it is stored and shared; equal contents give equal data."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "lea": self.lea,
            "delimiter": self.delimiter,
            "dates": list(self.dates),
            "header": list(self.header),
            "columns": dict(sorted(self.columns.items())),
            "constants": dict(sorted(self.constants.items())),
            "values": {name: dict(sorted(texts.items())) for name, texts in sorted(self.values.items()) if texts},
        }

    @property
    def sha(self) -> str:
        """Identifies this exact content: sixteen hexadecimal digits."""
        text = json.dumps(self.data(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns of the file from which nothing is read."""
        read = {normalise_header(name) for name in self.columns.values()}
        return tuple(name for name in self.header if name.strip() and normalise_header(name) not in read)


# ---- as a file ----


def to_toml(content: Content) -> str:
    data = content.data()
    tables = {name: data.pop(name) for name in ("columns", "constants", "values")}
    lines = [f"{key} = {_toml(value)}" for key, value in data.items()]
    for name in ("columns", "constants"):
        if tables[name]:
            lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in tables[name].items())]
    for name, texts in tables["values"].items():
        lines += ["", f"[values.{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in texts.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A TOML value: as in JSON, except for the DEL character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def from_text(text: str) -> Content:
    """The mapping in the text of a file, TOML or JSON. Raises MappingError for anything else; says nothing about its flaws."""
    try:
        data = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise MappingError(
            f"This is not a column mapping: it is neither TOML nor JSON ({str(error)[:80]}). Use the file as it was exported."
        ) from error
    return from_data(data)


def from_data(data: Any) -> Content:
    """Raises MappingError if the form is a different one."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise MappingError(
            f"This is not a column mapping: it does not have format = {FORMAT}. Use an exported mapping."
        )
    if data.get("version") != VERSION:
        raise MappingError(
            f"The mapping is of version {str(data.get('version'))[:10]}; this program reads version {VERSION}."
            " Export it again from a program of this version."
        )
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise MappingError(f"The mapping has an entry that is not known here: {unknown[0][:40]}. Remove it.")
    name = _text(data.get("name", ""), "name").strip()
    columns = _table(data.get("columns", {}), "columns")
    values = data.get("values", {})
    if not isinstance(values, dict):
        raise _wrong("values", "a table for each field")
    return Content(
        name=name,
        lea=_text(data.get("lea", ""), "lea").strip(),
        delimiter=_text(data.get("delimiter", ","), "delimiter"),
        header=_list(data.get("header", list(columns.values())), "header"),
        columns=columns,
        constants=_table(data.get("constants", {}), "constants"),
        values={_text(key, "values"): _table(texts, f"values.{key}") for key, texts in values.items()},
        dates=_list(data.get("dates", []), "dates"),
    )


def _wrong(name: str, expected: str) -> MappingError:
    return MappingError(f"The mapping's {name[:60]} is not {expected}. Use the file as it was exported.")


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise _wrong(name, "text")
    return value


def _list(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(name, "a list of texts")
    return tuple(_text(one, name) for one in value)


def _table(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _wrong(name, "a table of texts")
    return {_text(key, name).strip(): _text(text, name).strip() for key, text in value.items()}


# ---- what is wrong with it ----


def flaws(content: Content, roster: Layout) -> list[Flaw]:
    """Why a mapping cannot be used, most important first; `roster` is the layout whose fields it names."""
    return [*_of_the_whole(content), *_of_columns(content, roster), *_of_values(content, roster)]


def _of_the_whole(content: Content) -> Iterator[Flaw]:
    if not content.name or len(content.name) > _LONGEST_NAME or not content.name.isprintable():
        yield Flaw("name", f"Give the mapping a name of up to {_LONGEST_NAME} characters.")
    if content.lea and not _is_code(content.lea):
        yield Flaw("lea", f"The district's code has {CODE_LENGTH} digits; “{content.lea[:20]}” does not. Correct it.")
    if content.delimiter not in DELIMITERS:
        yield Flaw("", f"The separator is not one of {', '.join(DELIMITERS.values())}. Use the mapping as exported.")
    if len(content.header) > MOST_COLUMNS:
        yield Flaw(
            "", f"The file has {len(content.header):,} columns; {MOST_COLUMNS} can be mapped. Export fewer columns."
        )
    if any(len(name) > _LONGEST_COLUMN for name in content.header):
        yield Flaw("", f"A column name is longer than {_LONGEST_COLUMN} characters. Shorten it in the file.")
    wrong = sorted(set(content.dates) - DATE_FORMATS)
    if wrong:
        yield Flaw("dates", f"No date format is called {wrong[0][:20]}. Use {', '.join(sorted(DATE_FORMATS))}.")


def _of_columns(content: Content, roster: Layout) -> Iterator[Flaw]:
    names = [normalise_header(name) for name in content.header]
    field_of: dict[str, str] = {}
    for key, column in content.columns.items():
        plain = normalise_header(column)
        if key not in roster.fields:
            yield Flaw(key, f"The roster has no field {key[:40]}. Its fields: {', '.join(roster.fields)}.")
        elif plain not in names or not plain:
            yield Flaw(key, f"The file has no column “{column[:60]}”. Choose one that it has.")
        elif names.count(plain) > 1:
            yield Flaw(
                key, f"The column “{column[:60]}” appears twice in the file. Give one of them another name in the file."
            )
        elif plain in field_of:
            yield Flaw(
                key,
                f"“{column[:60]}” is chosen for {_label(roster, field_of[plain])} and for {_label(roster, key)}. Choose one.",
            )
        field_of.setdefault(plain, key)
    for key, value in content.constants.items():
        yield from _of_constant(content, roster, key, value)
    for key, needed in roster.fields.items():
        if needed.required and key not in content.columns and key not in content.constants:
            or_value = " or give its value for all lines" if key in CONSTANT_FIELDS else ""
            yield Flaw(key, f"{needed.label} is not read from any column. Choose the column that has it{or_value}.")


def _of_constant(content: Content, roster: Layout, key: str, value: str) -> Iterator[Flaw]:
    if key not in CONSTANT_FIELDS:
        yield Flaw(key, f"{_label(roster, key)} cannot be the same for all lines. Choose the column that has it.")
    elif key in content.columns:
        yield Flaw(key, f"{_label(roster, key)} has a column and a value for all lines. Choose one of them.")
    elif wrong := _unfit(roster, key, value):
        yield Flaw(key, wrong)


def _of_values(content: Content, roster: Layout) -> Iterator[Flaw]:
    if sum(map(len, content.values.values())) > MOST_VALUES:
        yield Flaw("", f"More than {MOST_VALUES:,} values are translated. Keep those that the file has.")
    for key, texts in content.values.items():
        if key not in TRANSLATED_FIELDS:
            yield Flaw(key, f"The values of {_label(roster, key)} cannot be translated. Remove them from the mapping.")
            continue
        folded = [text.casefold() for text in texts]
        if len(set(folded)) < len(folded):
            yield Flaw(key, f"A value of {_label(roster, key)} is translated twice. Keep one of the two.")
        for text, value in texts.items():
            if len(text) > _LONGEST_VALUE or not text:
                yield Flaw(key, f"A value of {_label(roster, key)} is blank or too long to be translated. Remove it.")
            elif wrong := _unfit(roster, key, value, blank=not roster.fields[key].required):
                yield Flaw(key, f"“{text[:40]}”: {wrong}")


def _unfit(roster: Layout, key: str, value: str, *, blank: bool = False) -> str:
    """Why a field cannot have this value; blank if it can."""
    column = roster.fields[key]
    if not value:
        return "" if blank else f"{column.label} cannot be blank. Give its value."
    if key in CODE_FIELDS and not _is_code(value):
        return f"“{value[:20]}” is not a code of {CODE_LENGTH} digits for {column.label}. Enter all digits, including zeros."
    read, problem = read_value(roster, column, value)
    if column.kind is ColumnKind.DATE:
        return "" if read == value else f"“{value[:20]}” is not a date. Enter it as CCYY-MM-DD."
    if column.codes is not None and read != value:
        return f"“{value[:20]}” is not a code of {column.label}. Use {', '.join(list(column.codes)[:24])}."
    return f"{problem}" if problem is not None else ""


def _is_code(text: str) -> bool:
    return len(text) == CODE_LENGTH and text.isascii() and text.isdigit()


def _label(roster: Layout, key: str) -> str:
    return roster.fields[key].label if key in roster.fields else key[:40]
