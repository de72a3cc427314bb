"""Columns of split records as clean values, and what is wrong with them."""

from collections.abc import Iterator, Sequence
from functools import partial

from sisimport.files.blocks import Block
from sisimport.files.damage import is_name, without_hidden
from sisimport.files.issues import Problem, Severity
from sisimport.files.layouts import Column, Layout
from sisimport.files.numbers import CODE_LENGTH, district_within
from sisimport.files.repeated_names import RepeatedNames
from sisimport.files.splitters.base import Records
from sisimport.files.tallies import Tallies
from sisimport.files.together import Together, TogetherColumn
from sisimport.files.values import BlockTraits, Finding, MemoColumn, column_reader, in_check_order


class Columns:
    """The requested columns of one file."""

    def __init__(
        self,
        layout: Layout,
        fields: Sequence[str],
        tallies: Tallies,
        column_names: RepeatedNames,
        *,
        day_first: frozenset[str],
        together: Sequence[Together] = (),
    ) -> None:
        """`fields`: those with a column each, before those that are read together. `day_first`: date fields that the beginning of
        the file showed to be day/month."""
        self._layout = layout
        self._day_first = day_first
        self._tallies = tallies
        self._names = column_names
        self._own = len(fields)
        self._together: list[tuple[range, TogetherColumn]] = []
        for one in together:
            self._together.append((range(len(fields), len(fields) + len(one.fields)), TogetherColumn(one)))
            fields = [*fields, *one.fields]
        self._columns = [layout.fields[name] for name in fields]
        self._constants = [layout.constants.get(name, "") for name in fields]
        self._readers = [column_reader(layout, column, day_first=column.field in day_first) for column in self._columns]

    def clean(self, records: Records) -> Block:
        """The block of these records."""
        if not records.numbers:
            return Block([], [[] for _ in range(self._own + len(self._together))], {}, records.broken)
        columns: list[Sequence[str]] = []
        for place, column in enumerate(records.texts[: self._own]):
            if column is None:
                columns.append([self._constants[place]] * len(records.numbers))
                continue
            values, found = self._read(place, records.traits, column)
            columns.append(values)
            if found:
                records.findings.extend(found)
        for places, together in self._together:
            cells = [records.texts[at] or [self._constants[at]] * len(records.numbers) for at in places]
            readers = [partial(self._read, at, records.traits) for at in places]
            values, found = together.read(cells, readers, records.traits)
            columns.append(values)
            records.findings.extend(found)
        if records.findings:
            self._compare_districts(records, columns)
            repeated = self._names.among(records)
            if repeated:
                columns = _without(records, columns, repeated)
        problems: dict[int, list[Problem]] = {}
        for at, problem in records.findings:
            if not self._tallies.counts(problem, records.numbers[at]):
                problems.setdefault(at, []).append(problem)
        return Block(
            records.numbers, columns, {at: in_check_order(of_row) for at, of_row in problems.items()}, records.broken
        )

    def _compare_districts(self, records: Records, columns: list[Sequence[str]]) -> None:
        """A school code within that of another district than the record's is an error: its last digits alone would name a school
        that nobody meant."""
        places = {column.field: place for place, column in enumerate(self._columns[: self._own])}
        if "lea" not in places or "school" not in places:
            return
        districts = columns[places["lea"]]
        wrong = dict(_of_another_district(records.findings, districts, self._columns[places["school"]]))
        if wrong:
            records.findings = [wrong.get(number, one) for number, one in enumerate(records.findings)]
            left_out = {at for at, _problem in wrong.values()}
            schools = columns[places["school"]]
            columns[places["school"]] = ["" if at in left_out else school for at, school in enumerate(schools)]

    def _read(self, place: int, traits: BlockTraits, texts: Sequence[str]) -> tuple[Sequence[str], list[Finding]]:
        if traits.may_hold_hidden:
            return self._read_bared(place, texts, traits)
        return self._readers[place].read(texts, traits)

    def _read_bared(self, place: int, texts: Sequence[str], traits: BlockTraits) -> tuple[Sequence[str], list[Finding]]:
        """A column without invisible characters; a value refused for them is not also reported as missing."""
        column = self._columns[place]
        bared, hidden = without_hidden(column, texts, refuse=self._layout.writes(column) and is_name(column))
        values, found = self._readers[place].read(bared, traits)
        if not hidden:
            return values, found
        refused = {at for at, problem in hidden if problem.severity is Severity.ERROR}
        return values, [*hidden, *(finding for finding in found if finding[0] not in refused)]

    @property
    def day_first(self) -> frozenset[str] | None:
        """After the last block: the date fields that the whole file showed to be day/month, if that changes how it is read.

        None when everything was read correctly: the beginning of the file gave the same result, or no date was unclear.
        """
        seen = {
            column.field: reader.days
            for column, reader in zip(self._columns, self._readers, strict=True)
            if column.field and isinstance(reader, MemoColumn) and reader.days is not None
        }
        shown = frozenset(field for field, days in seen.items() if days.is_day_first)
        unclear = {field for field, days in seen.items() if days.either}
        return shown if (self._day_first ^ shown) & unclear else None


def _of_another_district(
    findings: Sequence[Finding], districts: Sequence[str], column: Column
) -> Iterator[tuple[int, Finding]]:
    """The places of findings on school codes that were extracted from codes of another district, and the text to report
    instead."""
    for number, (at, problem) in enumerate(findings):
        taken_out = problem.code == "FILE-MARKS" and problem.field == "school"
        within = district_within(problem.found) if taken_out else ""
        if within and districts[at] and within != districts[at].zfill(CODE_LENGTH):
            expected = f"seven digits, or fourteen that begin with the district {districts[at]}"
            yield number, (at, Problem("FILE-DIGITS", column.severity, "school", problem.found, expected))


def _without(records: Records, columns: list[Sequence[str]], places: set[int]) -> list[Sequence[str]]:
    """Remove the records at these places from `records`, except its texts, and from the columns that were read from them."""
    kept = [at for at in range(len(records.numbers)) if at not in places]
    new_place = {old: new for new, old in enumerate(kept)}
    records.numbers = [records.numbers[at] for at in kept]
    records.findings = [(new_place[at], problem) for at, problem in records.findings if at in new_place]
    return [[column[at] for at in kept] for column in columns]
