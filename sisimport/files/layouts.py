"""File layouts as data: one TOML file describes one published format (and year).

    title = "CALPADS SSID Download File"
    source = "the published document the layout follows"
    delimiter = "^"
    header = "none"                      # none | optional | required
    date_formats = ["CCYYMMDD"]          # read without a notice; lenient_date_formats are read with a notice
    columns = ["Name as published", { name = "SSID", field = "ssid", kind = "text", required = true }, …]

    [fields]                             # for wide layouts: the same facts, outside the list of names
    scale_score = "ScaleScore"           # or { column = "ScaleScore", kind = "number" } or { position = 12, … }
    [aliases]                            # other spellings of a column's name
    ScaleScore = ["Scale Score"]
    [hints]                              # what to say when a file has this many columns
    14 = "the middle name column is missing"

Code sets are in `codes.toml` next to the layouts (`[gender] M = "Male"`) and are named from a column. Loading is
strict: an unknown key, a column or field named twice, a field on a missing column, or an unknown code set is an error when the
program starts, not at line 4,000.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import field as default
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from sisimport.files.issues import Severity
from sisimport.files.spellings import set_of, spellings_of

CODES_FILE = "codes.toml"

_Choice = TypeVar("_Choice", bound=StrEnum)

CodeSets = Mapping[str, Mapping[str, str]]


class LayoutError(ValueError):
    """A layout file is wrong; the message names the file and the key."""


class ColumnKind(StrEnum):
    """What a column holds. CODE values are matched ignoring case and, if digits, lost leading zeros."""

    TEXT = "text"
    DATE = "date"
    CODE = "code"
    DIGITS = "digits"
    NUMBER = "number"


class Header(StrEnum):
    """Does the first line hold column names? Columns of a `required` header are found by name, others by position."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


# Date forms a layout may name. M/D means one or two digits, with slashes or hyphens; YY is a year without century.
DATE_FORMATS = frozenset({"CCYYMMDD", "CCYY-MM-DD", "M/D/CCYY", "D/M/CCYY", "M/D/YY", "CCYY-MM-DD with time"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `position` counts from 1; `field` is its key in our code (None: not read).

    `severity` is that of a value that is missing, not a date, not a number or an unknown code; `length_severity` that of a value
    longer than `length`. `translations` give the declared meaning of a value (casefolded) in this particular file, read without a
    notice. `spellings` are everyday words for codes, `unclear` the ambiguous ones, as text (both casefolded). `written`: its
    names go on record in a layout whose other names are only compared. `span` holds first and last character in the fixed-width
    twin, counted from 1; None if that twin has no place for the column.
    """

    position: int
    name: str
    field: str | None = None
    label: str = ""
    kind: ColumnKind = ColumnKind.TEXT
    length: int | None = None
    length_severity: Severity = Severity.WARNING
    severity: Severity = Severity.ERROR
    codes: Mapping[str, str] | None = None
    required: bool = False
    written: bool = False
    spellings: Mapping[str, str] = default(default_factory=dict)
    unclear: Mapping[str, str] = default(default_factory=dict)
    translations: Mapping[str, str] = default(default_factory=dict)
    aliases: tuple[str, ...] = ()
    span: tuple[int, int] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Normalized spellings, the published one first."""
        return _normalised((self.name, *self.aliases))


@dataclass(frozen=True, slots=True)
class Layout:
    """One file format. `fields` maps field keys to columns; `code_sets` are those of `codes.toml` next to the file.

    `optional_columns`: columns of a header may be missing unless required, and unknown ones are ignored with a notice.
    `fixed_columns`: this many columns go by position even if a header gives the rest by name.
    `same_file_as`: another layout of the same file, which is used when none is chosen.
    `any_newline`: CRLF is as common here as LF and gives no notice.
    `marker_columns`: names, as written here, that a header must hold before a file is assigned to this layout without being
    chosen.
    `spaced`: blank lines replace lines of the original that are not records, and give no notice.
    `own_export`: a file that we wrote ourselves, so that text is read as `cells.safe_cell` wrote it.
    `answers`: a person's statements about the file when the layout was added; code that reads them knows the keys.
    `writes_names`: its names go on record, so that a damaged one is an error; elsewhere names are only compared.
    `needs_every_field`: people said which columns it is read from, so each of them must be present.
    `constants`: field -> the value that every record has; such fields are in `fields`, and have no column.
    """

    key: str
    title: str
    source: str
    delimiter: str
    header: Header
    columns: tuple[Column, ...]
    date_formats: tuple[str, ...] = ("CCYYMMDD",)
    lenient_date_formats: tuple[str, ...] = ("CCYYMMDD", "CCYY-MM-DD", "M/D/CCYY", "M/D/YY")
    column_hints: Mapping[int, str] = field(default_factory=dict)
    column_counts: tuple[int, ...] = ()
    fixed_columns: int = 0
    same_file_as: str | None = None
    end_marker: str | None = None
    optional_columns: bool = False
    any_newline: bool = False
    spaced: bool = False
    marker_columns: tuple[str, ...] = ()
    own_export: bool = False
    writes_names: bool = False
    needs_every_field: bool = False
    constants: Mapping[str, str] = field(default_factory=dict)
    record_length: int | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    code_sets: CodeSets = field(default_factory=dict)
    fields: Mapping[str, Column] = field(default_factory=dict)

    def writes(self, column: Column) -> bool:
        """Do names of this column go on record?"""
        return self.writes_names or column.written

    @property
    def counts(self) -> tuple[int, ...]:
        """Column counts a file of this layout may have, the published one first."""
        return self.column_counts or (len(self.columns),)

    @property
    def period(self) -> tuple[str, str] | None:
        """First and last day of the school year that a yearly layout is named for, as CCYY-MM-DD."""
        match = _YEAR.search(self.key)
        return (f"{match[1]}-07-01", f"{int(match[1]) + 1}-06-30") if match else None

    @property
    def fixed_width(self) -> bool:
        """Is the fixed-width twin known?"""
        return self.record_length is not None

    def __hash__(self) -> int:
        return hash(self.key)


_YEAR = re.compile(r"-(\d{4})-\d{2}(?:-|\Z)")
_DROPPED = re.compile(r"[\s_\-–—/()#\u00ad\u200b-\u200f\u2060\ufeff]+")  # invisible ones as well
_BLANK = re.compile(r"blank\d+\Z")
_AROUND: Final = (
    " \t\r\n\xa0\u200b\u2060\ufeff=;\"'“”„‘’`´«»"  # not part of a name: surrounding marks, or an extra separator
)


def normalise_header(name: str) -> str:
    """A column name without details that vary between copies of a file: case, spaces, hyphens, dashes, slashes, brackets, `#`.

    Numbered filler columns (`Blank12`) are one name, as their numbers differ between editions of one layout.
    """
    plain = _DROPPED.sub("", name.strip(_AROUND).lower())
    return "blank" if _BLANK.match(plain) else plain


@lru_cache(maxsize=16_384)  # names of declared columns, which every file is compared with
def _normalised(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(normalise_header(name) for name in names)


_PLAIN_OPTIONS = (
    "fixed_columns",
    "same_file_as",
    "end_marker",
    "optional_columns",
    "any_newline",
    "spaced",
    "own_export",
    "writes_names",
)
_LAYOUT_KEYS = {
    *_PLAIN_OPTIONS, "marker_columns",
    "title", "source", "delimiter", "header", "date_formats", "lenient_date_formats", "columns", "fields", "aliases",
    "hints", "column_counts", "record_length", "spans", "answers",
}  # fmt: skip
_COLUMN_KEYS = {
    "name", "field", "label", "kind", "length", "length_severity", "severity", "codes", "required", "aliases",
    "written",
}  # fmt: skip
_FIELD_KEYS = (_COLUMN_KEYS - {"name", "field", "aliases"}) | {"column", "position"}
_DELIMITERS = {"^", ",", "\t", "|", ";"}
_SEVERITIES = {severity.label: severity for severity in Severity}


def load_layouts(folder: Path, *, own: Path | None = None) -> dict[str, Layout]:
    """All layouts of a folder by key (the file name without ending). Raises LayoutError.

    `own`: a folder whose files replace those of the same name, or add a year to their family (caaspp-2025-26 next to
    caaspp-2024-25); a code set of its `codes.toml` replaces the set of the same name.
    """
    code_sets = load_code_sets(folder / CODES_FILE)
    if own is not None:
        code_sets = {**code_sets, **load_code_sets(own / CODES_FILE)}
    layouts = {}
    for path in sorted(path for path in folder.glob("*.toml") if path.name != CODES_FILE):
        mine = own / path.name if own is not None else path
        layouts[path.stem] = load_layout(mine if mine.exists() else path, code_sets=code_sets)
    families = {name for key in layouts if (name := _family(key))}
    for path in sorted(own.glob("*.toml")) if own is not None else ():
        if path.stem not in layouts and _family(path.stem) in families:
            layouts[path.stem] = load_layout(path, code_sets=code_sets)
    return layouts


def _family(key: str) -> str:
    """The common part of the names of one file's yearly layouts: `caaspp-` of caaspp-2023-24; empty for names without year."""
    match = re.match(r"(.*?)(?=\d{4}-\d{2})", key)
    return match[1] if match else ""


def load_code_sets(path: Path) -> CodeSets:
    """Code sets of a `codes.toml` (set -> code -> meaning); empty when there is no such file. Raises LayoutError."""
    if not path.exists():
        return {}
    sets: dict[str, Mapping[str, str]] = {}
    for name, entries in _read_toml(path).items():
        if not isinstance(entries, dict) or not all(isinstance(meaning, str) for meaning in entries.values()):
            raise LayoutError(f"{path.name}: {name} is not a table of code = meaning")
        sets[name] = MappingProxyType(dict(entries))
    return MappingProxyType(sets)


def load_layout(path: Path, *, code_sets: CodeSets | None = None) -> Layout:
    """Read and check one layout file. Raises LayoutError."""
    sets = load_code_sets(path.with_name(CODES_FILE)) if code_sets is None else code_sets
    return _Loader(path.name, sets).load(path.stem, _read_toml(path))


def parse_layout(key: str, text: str, *, code_sets: CodeSets | None = None) -> Layout:
    """The layout in the text of a layout file, checked. Raises LayoutError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LayoutError(f"{key}: {error}") from error
    return _Loader(f"{key}.toml", code_sets or {}).load(key, data)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LayoutError(f"{path.name}: {error}") from error


class _Loader:
    """Turns the tables of one file into a Layout; every error names file and key."""

    def __init__(self, file: str, code_sets: CodeSets) -> None:
        self.file = file
        self.code_sets = code_sets

    def fail(self, key: str, reason: str) -> LayoutError:
        return LayoutError(f"{self.file}: {key}: {reason}")

    def load(self, key: str, data: dict[str, Any]) -> Layout:
        self.refuse_unknown_keys(data, _LAYOUT_KEYS, "layout")
        for name in ("title", "source", "delimiter", "header", "columns"):
            if not data.get(name):
                raise self.fail(name, "is missing")
        if data["delimiter"] not in _DELIMITERS:
            raise self.fail("delimiter", f"{data['delimiter']!r} is not one of {sorted(_DELIMITERS)}")
        columns = self.columns(data)
        record_length = data.get("record_length")
        if "spans" in data and record_length is None:
            record_length = max(column.span[1] for column in columns if column.span)
        elif record_length is not None and "spans" not in data:
            raise self.fail("record_length", "needs spans")
        options: dict[str, Any] = {name: data[name] for name in _PLAIN_OPTIONS if name in data}
        if "marker_columns" in data:
            options["marker_columns"] = tuple(data["marker_columns"])
            unknown = set(options["marker_columns"]) - {column.name for column in columns}
            if unknown:
                raise self.fail("marker_columns", f"no column has the name {min(unknown)!r}")
        for name in ("date_formats", "lenient_date_formats"):
            if name in data:
                options[name] = self.date_forms(name, data[name])
        return Layout(
            key=key,
            title=data["title"],
            source=data["source"],
            delimiter=data["delimiter"],
            header=self.choice(Header, data["header"], "header"),
            columns=columns,
            column_hints=self.hints(data.get("hints", {})),
            column_counts=tuple(data.get("column_counts", ())),
            record_length=record_length,
            answers=MappingProxyType(dict(data.get("answers", {}))),
            code_sets=self.code_sets,
            fields=MappingProxyType({column.field: column for column in columns if column.field}),
            **options,
        )

    def columns(self, data: dict[str, Any]) -> tuple[Column, ...]:
        entries: list[dict[str, Any]] = [
            {"name": entry} if isinstance(entry, str) else dict(entry) for entry in data["columns"]
        ]
        by_name: dict[str, int] = {}
        for position, entry in enumerate(entries):
            self.refuse_unknown_keys(entry, _COLUMN_KEYS, f"columns[{position}]")
            if not entry.get("name"):
                raise self.fail(f"columns[{position}]", "has no name")
            name = normalise_header(entry["name"])
            if name in by_name and name != "blank":
                raise self.fail(entry["name"], "column is listed twice")
            by_name[name] = position
        self.spread_fields(entries, by_name, data.get("fields", {}))
        for column_name, aliases in data.get("aliases", {}).items():
            entry = entries[self.position_of(column_name, by_name, len(entries))]
            entry["aliases"] = [*entry.get("aliases", ()), *aliases]
        spans = data.get("spans")
        if spans is not None and len(spans) != len(entries):
            raise self.fail("spans", f"{len(spans)} spans for {len(entries)} columns")
        columns = tuple(
            self.column(position, entry, (tuple(spans[position - 1]) or None) if spans else None)
            for position, entry in enumerate(entries, 1)
        )
        self.check_unique(columns)
        return columns

    def spread_fields(self, entries: list[dict[str, Any]], by_name: dict[str, int], fields: dict[str, Any]) -> None:
        """Write the facts of the `[fields]` table to the columns they are about."""
        for name, value in fields.items():
            settings = {"column": value} if isinstance(value, str) else dict(value)
            self.refuse_unknown_keys(settings, _FIELD_KEYS, f"fields.{name}")
            if ("column" in settings) == ("position" in settings):
                raise self.fail(f"fields.{name}", "names a column or a position, one of them")
            target = str(settings.pop("position")) if "position" in settings else settings.pop("column")
            entry = entries[self.position_of(target, by_name, len(entries))]
            if entry.get("field"):
                raise self.fail(f"fields.{name}", f"column {entry['name']} already is {entry['field']}")
            entry.update(settings, field=name)

    def position_of(self, target: str, by_name: dict[str, int], count: int) -> int:
        if target.isdigit() and 1 <= int(target) <= count:
            return int(target) - 1
        name = normalise_header(target)
        if name not in by_name or name == "blank":
            raise self.fail(target, "no such column (filler columns go by position)")
        return by_name[name]

    def column(self, position: int, entry: dict[str, Any], span: tuple[int, int] | None) -> Column:
        name = entry["name"]
        codes = None
        if "codes" in entry:
            if entry["codes"] not in self.code_sets:
                raise self.fail(name, f"code set {entry['codes']!r} is not in {CODES_FILE}")
            codes = self.code_sets[entry["codes"]]
        spellings, unclear = spellings_of(set_of(entry.get("codes"), entry.get("field")), codes, self.code_sets)
        kind = entry.get("kind", ColumnKind.CODE if codes is not None else ColumnKind.TEXT)
        length = entry.get("length")
        if length is not None and (not isinstance(length, int) or length < 1):
            raise self.fail(name, "length is not a positive number")
        return Column(
            position=position,
            name=name,
            field=entry.get("field"),
            label=entry.get("label", name),
            kind=self.choice(ColumnKind, kind, name),
            length=length,
            length_severity=self.severity(entry.get("length_severity", "warning"), name),
            severity=self.severity(entry.get("severity", "error"), name),
            codes=codes,
            required=bool(entry.get("required", False)),
            spellings=spellings,
            unclear=unclear,
            written=bool(entry.get("written")),
            aliases=tuple(entry.get("aliases", ())),
            span=span,
        )

    def check_unique(self, columns: Sequence[Column]) -> None:
        fields: set[str] = set()
        spans = Counter(column.span for column in columns if column.span)
        for column in columns:
            if column.field in fields:
                raise self.fail(str(column.field), "field is given twice")
            if column.field:
                fields.add(column.field)
                if column.span and spans[column.span] > 1:
                    raise self.fail(column.field, "shares its span with another column")

    def refuse_unknown_keys(self, table: Mapping[str, Any], keys: set[str], where: str) -> None:
        for key in table:
            if key not in keys:
                raise self.fail(where, f"unknown key {key!r}")

    def hints(self, table: Mapping[str, str]) -> Mapping[int, str]:
        if not all(count.isdigit() for count in table):
            raise self.fail("hints", "keys are column counts")
        return MappingProxyType({int(count): hint for count, hint in table.items()})

    def date_forms(self, key: str, forms: list[str]) -> tuple[str, ...]:
        for form in forms:
            if form not in DATE_FORMATS:
                raise self.fail(key, f"{form!r} is not one of {sorted(DATE_FORMATS)}")
        return tuple(forms)

    def severity(self, name: str, where: str) -> Severity:
        if name not in _SEVERITIES:
            raise self.fail(where, f"{name!r} is not a severity")
        return _SEVERITIES[name]

    def choice(self, kind: type[_Choice], value: str, where: str) -> _Choice:
        try:
            return kind(value)
        except ValueError:
            raise self.fail(where, f"{value!r} is not one of {[choice.value for choice in kind]}") from None
