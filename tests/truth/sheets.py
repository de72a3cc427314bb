"""A file as a sheet of cells, and the ways in which the world damages one before it is imported."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

# What is in cells where something else belongs, in any column.
ANYWHERE = (
    "", " ", "ZZ", "?", "NULL", "N/A", "-", "0", "-1", "12", "12345", "x" * 70, "100.0", "'100", "Pe?a", "Pe&ntilde;a", "Ñ",
    "2012-13-01", "31/12/2014", "20990901", "2062-04-15", "1900-01-01", "19000101", "5/6/14", "9.01E+09", "a,b", "a^b", '"',
)  # fmt: skip


@dataclass
class Sheet:
    """Cells of a file. `at`: field -> index of its cell in a record; a header that is None is not written."""

    delimiter: str
    at: dict[str, int]
    records: list[list[str]]
    header: list[str] | None = None

    @property
    def first_line(self) -> int:
        """Number of the line that the first record is on."""
        return 1 if self.header is None else 2

    def text(self) -> str:
        lines = self.records if self.header is None else [self.header, *self.records]
        if self.delimiter != ",":
            return "".join(self.delimiter.join(line) + "\n" for line in lines)
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(lines)
        return out.getvalue()

    def values(self, record: int) -> dict[str, str]:
        """The cells of a record by field, as they are there; a cut one lacks some."""
        cells = self.records[record]
        return {field: cells[at] for field, at in self.at.items() if at < len(cells)}


@dataclass(frozen=True)
class Damage:
    """One damage: what is done, to which record and field (numbers that are taken modulo), and with which value."""

    what: str
    record: int
    field: int
    value: int


def damages(most: int = 5) -> st.SearchStrategy[list[Damage]]:
    one = st.builds(
        Damage,
        what=st.sampled_from(list(WAYS)),
        record=st.integers(0, 30),
        field=st.integers(0, 60),
        value=st.integers(0, 60),
    )
    return st.lists(one, min_size=1, max_size=most)


def damage(sheet: Sheet, done: Sequence[Damage], values: Mapping[str, Sequence[str]]) -> None:
    """Do all of it. `values`: what may be in the columns of a type, beside what may stand anywhere."""
    for one in done:
        if sheet.records:
            WAYS[one.what](sheet, one, values)


def _picked(sheet: Sheet, one: Damage) -> tuple[list[str], str, int]:
    record = sheet.records[one.record % len(sheet.records)]
    fields = sorted(sheet.at)
    field = fields[one.field % len(fields)]
    return record, field, sheet.at[field]


def _put(record: list[str], at: int, value: str) -> None:
    if at < len(record):
        record[at] = value


def _other_value(sheet: Sheet, one: Damage, values: Mapping[str, Sequence[str]]) -> None:
    record, field, at = _picked(sheet, one)
    possible = [*values.get(field, ()), *values.get(field, ()), *ANYWHERE]
    _put(record, at, possible[one.value % len(possible)])


def _blank(sheet: Sheet, one: Damage, _values: Any) -> None:
    record, _field, at = _picked(sheet, one)
    _put(record, at, "")


def _framed(sheet: Sheet, one: Damage, _values: Any) -> None:
    record, _field, at = _picked(sheet, one)
    before, after = [(" ", "  "), ("'", ""), ("\u200b", ""), ("", ".0"), ('="', '"'), ("", "\u00a0")][one.value % 6]
    if at < len(record):
        record[at] = f"{before}{record[at]}{after}"


def _swapped(sheet: Sheet, one: Damage, _values: Any) -> None:
    """Two cells of one record."""
    record, _field, at = _picked(sheet, one)
    other = sheet.at[sorted(sheet.at)[one.value % len(sheet.at)]]
    if max(at, other) < len(record):
        record[at], record[other] = record[other], record[at]


def _swapped_columns(sheet: Sheet, one: Damage, values: Any) -> None:
    """Two columns under the names of each other."""
    for number in range(len(sheet.records)):
        _swapped(sheet, Damage(one.what, number, one.field, one.value), values)


def _moved_columns(sheet: Sheet, one: Damage, values: Any) -> None:
    """Two columns with their names: says the same where columns are found by name."""
    _swapped_columns(sheet, one, values)
    if sheet.header is not None:
        fields = sorted(sheet.at)
        a, b = fields[one.field % len(fields)], fields[one.value % len(fields)]
        i, j = sheet.at[a], sheet.at[b]
        sheet.header[i], sheet.header[j] = sheet.header[j], sheet.header[i]
        sheet.at[a], sheet.at[b] = j, i


def _cut(sheet: Sheet, one: Damage, _values: Any) -> None:
    record, _field, at = _picked(sheet, one)
    del record[at:]


def _longer(sheet: Sheet, one: Damage, _values: Any) -> None:
    record, _field, _at = _picked(sheet, one)
    record.append(ANYWHERE[one.value % 3])


def _repeated(sheet: Sheet, one: Damage, _values: Any) -> None:
    record, _field, _at = _picked(sheet, one)
    sheet.records.append(list(record))


def _repeated_with_another(sheet: Sheet, one: Damage, values: Mapping[str, Sequence[str]]) -> None:
    """The record once more at the end, or before all others, with another value in one column."""
    record, field, at = _picked(sheet, one)
    copy = list(record)
    possible = [*values.get(field, ANYWHERE)]
    _put(copy, at, possible[one.value % len(possible)])
    sheet.records.insert(0 if one.value % 2 else len(sheet.records), copy)


def _of_another(sheet: Sheet, one: Damage, _values: Any) -> None:
    """The value of the next record in this one: equal numbers, UINs, names."""
    record, _field, at = _picked(sheet, one)
    other = sheet.records[(one.record + 1) % len(sheet.records)]
    if at < len(other):
        _put(record, at, other[at])


def _equal_everywhere(sheet: Sheet, one: Damage, _values: Any) -> None:
    _record, _field, at = _picked(sheet, one)
    first = next((record[at] for record in sheet.records if at < len(record)), "")
    for record in sheet.records:
        _put(record, at, first)


def _to_the_end(sheet: Sheet, one: Damage, _values: Any) -> None:
    sheet.records.append(sheet.records.pop(one.record % len(sheet.records)))


def _junk(sheet: Sheet, one: Damage, _values: Any) -> None:
    sheet.records.insert(one.record % (len(sheet.records) + 1), [ANYWHERE[one.value % len(ANYWHERE)]])


def _blank_line(sheet: Sheet, one: Damage, _values: Any) -> None:
    sheet.records.insert(one.record % (len(sheet.records) + 1), [""])


def _header_again(sheet: Sheet, one: Damage, _values: Any) -> None:
    if sheet.header is not None:
        sheet.records.insert(one.record % (len(sheet.records) + 1), list(sheet.header))


def _empty(sheet: Sheet, one: Damage, _values: Any) -> None:
    """Nothing but the header, or a single record."""
    del sheet.records[one.value % 2 :]


WAYS: Mapping[str, Callable[[Sheet, Damage, Any], None]] = {
    "another value": _other_value,
    "repeated with another value": _repeated_with_another,
    "blank": _blank,
    "marks around": _framed,
    "cells swapped": _swapped,
    "columns swapped": _swapped_columns,
    "columns moved with their names": _moved_columns,
    "cut": _cut,
    "longer": _longer,
    "repeated": _repeated,
    "the value of another record": _of_another,
    "equal everywhere": _equal_everywhere,
    "moved to the end": _to_the_end,
    "junk line": _junk,
    "blank line": _blank_line,
    "header again": _header_again,
    "empty": _empty,
}
