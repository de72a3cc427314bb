"""read and stage: the file's lines go into a temporary table, by COPY, block by block.

The table lives in the session: a killed worker or a cut connection leaves nothing behind, and the database does not log it.
Reader and database work at the same time, one at each end of the pipe.
"""

import json
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice, repeat
from typing import IO, Any

from django.conf import settings
from django.db import connection, models

from sisimport.files.detection import Recognition, recognise
from sisimport.files.issues import Severity
from sisimport.files.numbers import is_short_code
from sisimport.files.reader import Block, FileError, Problem, Reader
from sisimport.files.together import Together
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.recognition import without_outgoing
from sisimport.imports.definition.registry import find_layout, layouts_wanted, other_layouts
from sisimport.imports.definition.rules import RECORD, DuplicateCheck
from sisimport.imports.definition.staged_row import StagedRow
from sisimport.imports.engine import accepted_matches, identifiers, name_encoding
from sisimport.imports.engine.sql import column_type, execute, fetch_all, literal, over_one_row, quoted
from sisimport.imports.models import ImportRun
from sisimport.imports.storage.files import open_file
from sisimport.imports.storage.records import LinesReader, as_the_run_read_it
from students.models import LEA

# Control characters that no value contains (see _block_text), so the delimiter never needs quoting.
SEPARATOR, QUOTE = "\x02", "\x01"
_SANITISE = str.maketrans({"\x01": " ", "\x02": " ", "\n": " ", "\r": " "})
_COPY = "WITH (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01', NULL ''{force})"
MAX_PROBLEMS = 40  # per line
SMALL_BYTES = 256 * 1024  # of a file whose table is made with all columns at once
HEAD_BYTES = 4096  # read from a file that was not recognized, for a better explanation
_LINES = 4000
_LINES_LEFT_OUT = "FILE-BLANK-LINES"  # in a file of corrected lines, blank lines are the uncorrected ones


def stage(context: RunContext) -> None:
    """Read the run's file into the staging table of its type. Raises FileError when the file as a whole cannot be used. With
    `context.lines`, only those lines are read, of a file that was read as a whole before.
    """
    run, import_type = context.run, context.import_type
    assert run.file is not None  # noqa: S101 - a revert has no file and never comes here
    context.progress.report("reading")
    with open_file(run.file, rehash=True) as stream:
        recognition = _recognised(context, stream)
        if recognition.error is not None:
            stream.seek(0)
            raise import_type.explain(recognition.error, stream.read(HEAD_BYTES))
        recognition = import_type.as_chosen(_with_the_whole_known(recognition, context, stream), run.options)
        context.recognition, context.layout = recognition, recognition.layout
        assert recognition.layout is not None  # noqa: S101 - a recognition without layout has an error
        # A type may read several layouts: a field that this layout lacks stays blank in the staged rows.
        context.fields = tuple(n for n in import_type.fields_to_read(context) if n in recognition.layout.fields)
        reader: Reader | LinesReader
        if context.lines is None:
            reader = _whole(context, recognition, stream)
        else:
            index, together = run.file.line_index, _together(context)
            reader = LinesReader(
                stream, recognition, context.fields, line_index=index, lines=context.lines, together=together
            )
        unnamed = set(import_type.unnamed_fields(context))
        later = set(import_type.fields).difference(context.fields, unnamed) if _is_large(context) else set()
        computed = import_type.generated_columns(context)
        create_table(import_type.row_model, of_file=context.fields, without={*later, *unnamed}, computed=computed)
        seen = identifiers.Seen()
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as problems:
            _copy_rows(context, reader, problems, seen)
            if isinstance(reader, Reader) and reader.day_first is not None:
                # Dates before the one that settled the column's order were read as month/day or reported as unclear.
                context.recognition = replace(recognition, day_first=reader.day_first)
                reader = _read_again(context, stream, problems, seen)
            add_columns(import_type.row_model, later)
            context.record_count = reader.record_count
            if not reader.record_count:
                raise FileError("FILE-EMPTY")
            restored = identifiers.restore_codes(context, seen)
            _copy_problems(run.pk, problems, [*_archive_notice(context), *_file_notices(run, reader), *restored])
        if isinstance(reader, Reader):
            if run.file.line_index != reader.line_index:  # only then: other runs of the file wait for the row
                run.file.line_index = reader.line_index
                run.file.save(update_fields=["line_index"])
            context.report_facts["encoding"] = reader.encoding  # only now certain
            if reader.spans:
                context.report_facts["several_lines"] = len(reader.spans)
    context.progress.report("indexing", context.record_count, context.record_count)
    of = ", ".join(quoted(model_column(import_type.row_model, name)) for name in import_type.speed.analyze_columns)
    execute(f"ANALYZE {quoted(import_type.row_model._meta.db_table)}{f' ({of})' if of else ''}")
    accepted_matches.use_accepted_matches(context)
    if import_type.matching.lea_field and not import_type.may_create_students:
        find_by_number_alone(import_type.row_model)
    identifiers.read_local_numbers(context, seen)
    for check in import_type.duplicates:
        mark_duplicates(import_type.row_model, check)


def _is_large(context: RunContext) -> bool:
    """Whether columns that stay blank are better added after the rows: to store none costs less than to add them, from some size
    on."""
    assert context.run.file is not None  # noqa: S101 - a run that reads has a file
    return context.lines is None and context.run.file.size > SMALL_BYTES


def _recognised(context: RunContext, stream: IO[bytes]) -> Recognition:
    """What the run's file is. Single lines of a file whose columns people named are read as the whole file was, even if people
    have renamed the columns since."""
    run = context.run
    whole = run if run.layout else run.corrects  # a run has its layout once its file was read
    of_whole = find_layout(whole.layout) if whole is not None else None
    if of_whole is not None and of_whole[0].needs_every_field:
        return recognise(stream, [of_whole[0]], expected=[of_whole[0]])
    wanted = layouts_wanted(context.import_type, run.options, run.schools)
    found = recognise(stream, other_layouts(context.import_type), expected=wanted)
    return found if found.perfect else without_outgoing(found)  # one of `wanted`, without loading all the others


def _gathered(context: RunContext) -> tuple[str, ...]:
    """The fields combined into one column, as far as the file's layout has them."""
    assert context.recognition is not None  # noqa: S101 - a file that was read was recognised
    layout = context.recognition.layout
    return tuple(name for name in context.import_type.gathered_fields if layout is not None and name in layout.fields)


def _together(context: RunContext) -> Sequence[Together]:
    gathered = _gathered(context)
    return context.import_type.read_together(context, gathered) if gathered else ()


def _with_the_whole_known(recognition: Recognition, context: RunContext, stream: IO[bytes]) -> Recognition:
    """Apply what the whole file shows about its encoding and date order, which also holds for single or corrected lines of it."""
    run, whole_file = context.run, context.lines is None
    recognition = name_encoding.settled(recognition, stream) if whole_file else as_the_run_read_it(recognition, run)
    whole = run.corrects if run.corrects is not None else None if whole_file else run
    if whole is None or "day_first" not in whole.facts:
        return recognition
    return replace(recognition, day_first=frozenset(whole.facts["day_first"]))


def _file_notices(run: ImportRun, reader: Reader | LinesReader) -> list[Problem]:
    """Findings about the whole file, except expected ones: blank lines between corrected ones, and how the text of a workbook is
    written."""
    expected_codes = {_LINES_LEFT_OUT} if run.corrects_id else set()
    if run.file is not None and run.file.converted_from_id:
        expected_codes.add("FILE-DELIMITER")
    return [notice for notice in reader.notices if notice.code not in expected_codes]


def _whole(context: RunContext, recognition: Recognition, stream: IO[bytes]) -> Reader:
    limit, together = settings.IMPORT_MAX_LINE_BYTES, _together(context)
    return Reader(stream, recognition, context.fields, together=together, max_line_bytes=limit)


def _read_again(context: RunContext, stream: IO[bytes], problems: IO[str], seen: identifiers.Seen) -> Reader:
    """Empty the staging table and read the file again, using what the first reading showed."""
    assert context.recognition is not None  # noqa: S101 - a file that was read was recognized
    execute(f"TRUNCATE {quoted(context.import_type.row_model._meta.db_table)}")
    problems.seek(0)
    problems.truncate()
    stream.seek(0)
    reader = _whole(context, context.recognition, stream)
    _copy_rows(context, reader, problems, seen)
    return reader


def _archive_notice(context: RunContext) -> list[Problem]:
    """Notices on the archive or workbook from which the text came.

    Reported once for the file, and not again when single lines of it are planned again.
    """
    file = context.run.file
    if file is None or context.lines is not None:
        return []
    seen = [
        Problem(n["code"], Severity(n["severity"]), None, n["found"], n["expected"], n["params"]) for n in file.notices
    ]
    return [*([Problem("FILE-MEMBER", Severity.NOTICE, None, file.member)] if file.member else []), *seen]


def create_table(
    model: type[StagedRow],
    *,
    of_file: Collection[str] = (),
    without: Collection[str] = (),
    computed: Mapping[str, Any] | None = None,
) -> None:
    """CREATE TEMP TABLE from the model's fields; text columns are never null, the rest starts at the field's default.

    of_file: columns that the file fills in every row. They have no default: making and dropping defaults is most of what a table
    of fifty columns costs PostgreSQL. without: left out, or left to `add_columns`. computed: columns that PostgreSQL computes.
    To read a column, PostgreSQL steps over those before it: numbers come first, then short texts of our own, then the file's.
    """

    def place(f: Any) -> int:
        return (1 + (f.name in of_file)) * isinstance(f, models.TextField | models.CharField | models.DateField)

    fields = sorted((f for f in model._meta.concrete_fields if f.name not in without), key=place)
    columns = [_definition(model, f, (computed or {}).get(str(f.name)), is_filled=f.name in of_file) for f in fields]
    given = [f for f in fields if not f.generated and f.name not in (computed or {})]
    if len(given) < len(fields):
        columns.append(_reader_of_all(given))
    execute(f"CREATE TEMP TABLE {quoted(str(model._meta.db_table))} ({', '.join(columns)}) ON COMMIT DROP")


def _reader_of_all(given: Iterable[Any]) -> str:
    """A column that depends on every other one, and is false at the first of them.

    PostgreSQL 18 prepares the expressions of computed columns once per UPDATE, but once per row if none of them depends
    on a column that the UPDATE sets: a millisecond for each row of a score file.
    """
    return f"depends_on_all boolean GENERATED ALWAYS AS ({' AND '.join(f'{quoted(f.column)} IS NULL' for f in given)}) STORED"


def add_columns(model: type[StagedRow], names: Collection[str]) -> None:
    """Add columns that stay blank, after the rows are loaded: the database then stores the default once and rewrites no rows."""
    added = [f"ADD COLUMN {_definition(model, f)}" for f in model._meta.concrete_fields if f.name in names]
    if added:
        execute(f"ALTER TABLE {quoted(str(model._meta.db_table))} {', '.join(added)}")


def _definition(model: type[StagedRow], f: Any, computed: Any = None, *, is_filled: bool = False) -> str:
    return _own_definition(model, f, is_filled=is_filled) if computed is None else _generated(model, f, computed)


@cache  # as many as the models have fields
def _own_definition(model: type[StagedRow], f: Any, *, is_filled: bool) -> str:
    if f.generated:
        return _generated(model, f, f.expression)
    definition = f"{quoted(str(f.column))} {column_type(f)}"
    if f.has_default():
        return f"{definition} NOT NULL DEFAULT {literal(f.get_default())}"
    if isinstance(f, models.TextField | models.CharField):
        return f"{definition} NOT NULL" if is_filled else f"{definition} NOT NULL DEFAULT ''"
    return definition


def _generated(model: type[StagedRow], f: Any, expression: Any) -> str:
    return f"{quoted(str(f.column))} {column_type(f)} GENERATED ALWAYS AS ({over_one_row(model, expression)}) STORED"


def _copy_rows(context: RunContext, reader: Reader | LinesReader, problems: IO[str], repairs: identifiers.Seen) -> None:
    model, fields = context.import_type.row_model, context.fields
    text = [f.column for f in model._meta.concrete_fields if isinstance(f, models.TextField | models.CharField)]
    columns = ["line", "lea_id", "state", "refused", *(model_column(model, name) for name in fields)]
    if _gathered(context):
        columns.append(context.import_type.gathered_column)
    force = [quoted(str(name)) for name in text if name in columns]
    options = _COPY.format(force=f", FORCE_NOT_NULL ({', '.join(force)})" if force else "")
    sql = f"COPY {quoted(str(model._meta.db_table))} ({', '.join(map(quoted, columns))}) FROM STDIN {options}"
    leas = _Leas(context, repairs)
    import_type = context.import_type
    number = fields.index("local_number") if "local_number" in fields else None
    seen = (
        (import_type.matching.school_field, context.school_codes),
        (import_type.speed.collect_values_of, context.collected),
    )
    noted = [(fields.index(name), values) for name, values in seen if name in fields]
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        for block in reader.blocks():
            copy.write(_block_text(block, leas, context, problems, len(columns)))
            for at, values in noted:
                values.update(block.columns[at])
            if number is not None:
                repairs.look_at_numbers(block.columns[number])
            context.progress.report("reading", reader.record_count, 0)
    leas.settle()


def model_column(model: type[models.Model], name: str) -> str:
    return str(model._meta.get_field(name).column)  # type: ignore[union-attr]


_NO_LEA = ("", "CA")


class _Leas:
    """LEA codes of the file -> ids, with the state profile that decides the SSID format."""

    def __init__(self, context: RunContext, repairs: identifiers.Seen) -> None:
        self.context, self.repairs = context, repairs
        name = context.import_type.matching.lea_field
        fields = context.fields
        self.index = fields.index(name) if name in fields else None
        leas = list(LEA.objects.values_list("code", "id", "state"))
        self.by_code = {code: (str(pk), state) for code, pk, state in leas}
        # A file without LEA column, in an installation of one district, is about that district.
        self.only = (str(leas[0][1]), leas[0][2]) if len(leas) == 1 else None
        if self.only is not None and context.import_type.matching.blank_lea:
            self.by_code[""] = self.only
        self.seen: dict[str, str] = {}  # codes of the file, with what is staged of them
        # Read now: once the rows stream in, the connection accepts no other statement.
        self.charters = identifiers.charter_codes() if self.index is not None else {}

    def of(self, columns: Sequence[Sequence[str]]) -> Iterable[str]:
        """LEA id and state of each record of a block, joined by the separator."""
        if self.index is None:
            return repeat(SEPARATOR.join(self.only or _NO_LEA))
        codes = columns[self.index]
        different = set(codes)
        for code in different.difference(self.seen):
            self._look_at(code)
            self.seen[code] = SEPARATOR.join(self.by_code.get(code, _NO_LEA))
        return repeat(self.seen[codes[0]]) if len(different) == 1 else map(self.seen.__getitem__, codes)

    def _look_at(self, code: str) -> None:
        """Resolve a code not seen before; one that lost its zeros means the code on record."""
        full = identifiers.full_code(code, self.by_code)
        if full is not None:
            self.repairs.restored_leas[code] = full
            self.by_code[code] = self.by_code[full]
        elif code and code not in self.by_code:
            lea = self._lea_of_charter(code)
            if lea is not None:
                self.repairs.charters[code] = lea
                self.by_code[code] = self.by_code[lea]
            elif is_short_code(code):
                self.repairs.short_leas = True

    def _lea_of_charter(self, code: str) -> str | None:
        """The LEA of a school on record that reports under its own code; None for all other codes."""
        full = identifiers.full_code(code, self.charters) or code
        return self.charters.get(full)

    def settle(self) -> None:
        """Determine which LEAs the file is about; a file with no known LEA is refused as another district's."""
        context = self.context
        if self.index is None:
            context.lea_ids = {int(self.only[0])} if self.only else set()
            return
        context.lea_ids = {int(self.by_code[code][0]) for code in self.seen if code in self.by_code}
        whole = context.lines is None
        if whole and not context.lea_ids and not context.import_type.may_create_students and any(self.seen):
            codes = ", ".join(sorted(code for code in self.seen if code)[:3])
            raise FileError("FILE-LEA", found=codes, expected=self._known())

    def _known(self) -> str:
        return ", ".join(sorted(self.by_code)[:3]) or "no district yet"


def _block_text(block: Block, leas: _Leas, context: RunContext, problems: IO[str], width: int) -> str:
    """The block as lines of the COPY; what the reader reported about its records goes to `problems`."""
    part_of = context.import_type.part_of_field
    for number, _values, found in block.broken:  # could not be split into columns, so there is nothing to stage
        _write_problems(problems, number, found, part_of)
    count = len(block.numbers)
    if not count:
        return ""
    refused: Iterable[str] = repeat("f")
    if block.problems:
        marks = ["f"] * count
        for at, found in block.problems.items():
            if any(p.severity == Severity.ERROR and part_of.get(p.field or "", RECORD) == RECORD for p in found):
                marks[at] = "t"
            _write_problems(problems, block.numbers[at], found, part_of)
        refused = marks
    numbers, of_leas = list(map(str, block.numbers)), list(islice(leas.of(block.columns), count))
    columns = _with_gathered(block.columns, context)
    text = "\n".join(map(SEPARATOR.join, zip(numbers, of_leas, refused, *columns, strict=False)))
    clean = (
        text.count("\n") == count - 1
        and text.count(SEPARATOR) == count * (width - 1)
        and QUOTE not in text
        and "\r" not in text
    )
    if not clean:  # values hold line ends or our control characters
        columns = [[value.translate(_SANITISE) for value in column] for column in columns]
        text = "\n".join(map(SEPARATOR.join, zip(numbers, of_leas, refused, *columns, strict=False)))
    return text + "\n"


def _with_gathered(columns: Sequence[Sequence[str]], context: RunContext) -> Sequence[Sequence[str]]:
    """The columns of a block as staged: those that were read together, which come last, become one."""
    if not _gathered(context):
        return columns
    own = len(context.fields)
    return [*columns[:own], context.import_type.gather(columns[own:])]


def _write_problems(out: IO[str], line: int, found: Iterable[Problem], part_of: Any) -> None:
    for seq, p in enumerate(found):
        if seq >= MAX_PROBLEMS:
            break
        part = part_of.get(p.field or "", RECORD)
        params = json.dumps(p.params) if p.params else ""
        row = (line, seq, int(p.severity), p.code, part, p.field or "", p.found, p.expected, params)
        out.write(SEPARATOR.join(str(v).translate(_SANITISE) for v in row) + "\n")


def _copy_problems(run_id: int, problems: IO[str], notices: list[Problem]) -> None:
    """Turn reader problems into issues; those about the whole file are on line 0."""
    _write_problems(problems, 0, notices, {})
    if not problems.tell():
        return
    problems.seek(0)
    execute(
        "CREATE TEMP TABLE staged_problem (line int, seq int, severity int, code text, part text, field text, found text,"
        " expected text, params jsonb) ON COMMIT DROP"
    )
    options = _COPY.format(force=", FORCE_NOT_NULL (code, part, field, found, expected)")
    with connection.cursor() as cursor, cursor.copy(f"COPY staged_problem FROM STDIN {options}") as copy:
        while chunk := problems.read(1 << 18):
            copy.write(chunk)
    execute(
        "INSERT INTO imports_importissue (run_id, line, seq, severity, code, part, field, found, expected, params)"
        " SELECT %s, line, seq, severity, code, part, field, found, expected, params FROM staged_problem",
        [run_id],
    )


def find_by_number_alone(model: type[StagedRow]) -> None:
    """Match lines of an unknown LEA to the only student with that local number; several such students are reported (rule D-2)."""
    table = quoted(model._meta.db_table)
    if not fetch_all(f"SELECT 1 FROM {table} WHERE lea_id IS NULL LIMIT 1"):
        return
    execute(
        f"""
        UPDATE {table} r SET lea_id = CASE WHEN c.n = 1 THEN c.lea_id END, candidates = c.n, candidate_text = c.leas
        FROM (
          SELECT s.local_number, count(*) AS n, min(s.lea_id) AS lea_id, string_agg(l.code, ', ' ORDER BY l.code) AS leas
          FROM students_student s JOIN students_lea l ON l.id = s.lea_id
          WHERE s.local_number IN (SELECT local_number FROM {table} WHERE lea_id IS NULL)
          GROUP BY s.local_number
        ) AS c WHERE r.lea_id IS NULL AND c.local_number = r.local_number
        """
    )


def mark_duplicates(model: type[StagedRow], check: DuplicateCheck) -> None:
    """Mark lines that share a key: 1 on the repeats of equal lines, 2 on all lines when they differ (rule D-11)."""
    table = quoted(model._meta.db_table)
    key = ", ".join(quoted(model_column(model, name)) for name in check.key)
    blank = " AND ".join(f"{quoted(model_column(model, name))}::text <> ''" for name in check.key)
    if not fetch_all(f"SELECT 1 FROM {table} WHERE {blank} GROUP BY {key} HAVING count(*) > 1 LIMIT 1"):
        return
    compared = " || chr(31) || ".join(f"coalesce({quoted(model_column(model, n))}::text, '')" for n in check.compared)
    mark, first = quoted(check.name), quoted(f"{check.name}_line")
    execute(
        f"""
        WITH repeated AS (SELECT {key} FROM {table} WHERE {blank} GROUP BY {key} HAVING count(*) > 1),
        hashed AS (
          SELECT line, {key}, hashtextextended({compared}, 0) AS h FROM {table} JOIN repeated USING ({key})
        ),
        judged AS (
          SELECT line, min(line) OVER w AS first_line, min(h) OVER w <> max(h) OVER w AS differ
          FROM hashed WINDOW w AS (PARTITION BY {key})
        )
        UPDATE {table} r
        SET {mark} = CASE WHEN differ THEN 2 WHEN judged.line > first_line THEN 1 ELSE 0 END, {first} = first_line
        FROM judged WHERE judged.line = r.line
        """
    )
