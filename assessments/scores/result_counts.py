"""How many students of each school, grade and student group got each result: the table that the results pages read.

The statements that write scores also count them, in the same transaction: scores written are added, scores removed are
subtracted. So the table is never older than the scores, and costs a run one statement for each side of its changes. A
student counts once per test and school year, since there is one score for each; the file's include indicator says
whether the score counts at all.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.db import IntegrityError, connection, transaction

from assessments.models import Assessment, ResultCount, ResultVersion, Score
from assessments.scores.as_tested import COUNTED, FACTS, TESTED, fact_sql
from assessments.scores.encoding import AS_TESTED, CELL, CELLS, SCORE, side_sql
from sisimport.imports.engine.sql import execute, fetch_all

TABLE = ResultCount._meta.db_table
VERSIONS = ResultVersion._meta.db_table
SCORES = Score._meta.db_table
LEVELS = 5
ALL = "all"
_KEY = ("assessment_id", "school_year", "student_group", "lea", "school", "grade")
# Tests, school years and LEAs as a table, from one list of each.
_ABOUT = "unnest(%s::bigint[], %s::smallint[], %s::text[]) AS about (assessment_id, school_year, lea)"
_SUMS = ("tested", "scored", *(f"level_{n}" for n in range(1, LEVELS + 1)), "scale_count", "scale_sum")
_COLUMNS = (*_KEY, *_SUMS)

# test, scale score, result, who was tested, school year, grade
TestScore = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
# test, school year, district, school, grade, include indicator, result, whether there is a scale score
_Alike = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bool]
_Place = tuple[bytes, bytes, bytes, bytes, bytes]  # the first five

# Prefix of a group -> the fact it comes from, and the values that form a group.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "g": ("gender", ("F", "M", "X")),
    "e": ("ethnicity", ("100", "200", "300", "400", "500", "600", "700", "800")),
    "l": ("elas", ("EO", "IFEP", "EL", "RFEP", "TBD", "ADEL")),
    "s": ("disadvantaged", ("Y", "N")),
    "d": ("disability", ("Y", "N")),
    "h": ("homeless", ("Y",)),
    "f": ("foster", ("Y",)),
    "m": ("migrant", ("Y",)),
    "a": ("military", ("Y",)),
}
# Level of a result: its number, or the number for the words of the Initial ELPAC.
LEVEL_SQL = """CASE WHEN {0} ~ '^[1-5]$' THEN {0}::int WHEN starts_with({0}, 'Initial Fluent') THEN 3
      WHEN {0} = 'Intermediate English Learner' THEN 2 WHEN {0} = 'Novice English Learner' THEN 1 END"""


def count_changes(where: str, side: str, *, sign: int) -> None:
    """Add (`sign` 1) or subtract (-1) the scores in one side of the changes `c` that `where` selects."""
    tally = Tally()
    with connection.cursor() as cursor:
        planned = f"SELECT p.school_year, p.scores, p.grade FROM ({side_sql(side, where)}) AS p"
        with cursor.copy(f"COPY ({planned}) TO STDOUT") as out:
            for line in map(bytes, out):
                year, scores, grade = line.rstrip(b"\n").split(_TAB)
                for score in scores.split(_SCORE):
                    # Most scores are of parts, and are not split.
                    if tally.counts(score.partition(_CELL)[0]):
                        cells = score.split(_CELL)
                        tally.add(cells, year, cells[_GRADE] if grade == _NULL else grade)
    tally.store(sign=sign)


def take_off_run(of_run: str) -> None:
    """Subtract the scores `t` of a run that are all about to be removed. `of_run`: SQL condition. Scores of parts are
    not read."""
    tally = Tally()
    tests = f"SELECT a.id FROM {Assessment._meta.db_table} a WHERE a.parent_id IS NULL"
    held = f"SELECT t.assessment_id, t.school_year, t.grade, t.scale_score, t.result, t.as_tested FROM {SCORES} AS t"
    with connection.cursor() as cursor:
        written = f"{held} WHERE {of_run} AND t.assessment_id IN ({tests})"
        with cursor.copy(f"COPY ({written}) TO STDOUT") as out:
            for line in map(bytes, out):
                test, year, grade, scale, result, tested = line.rstrip(b"\n").split(_TAB)
                tally.add_test(test, (scale, result, tested), year, grade)
    tally.store(sign=-1)


class Tally:
    """Counts scores one by one while they are written: spreading them over their groups in the database takes ten times
    as long.

    Scores of one place (test, year, school, grade) with the same result are kept as one integer: each student group has
    64 bits of it, the upper bits for the number of scores and the lower 40 for the sum of their scale scores. Adding a
    score is one multiplication, (a 1 for each of its groups) times (one score and its scale), however many groups there
    are.
    """

    def __init__(self) -> None:
        tests = Assessment.objects.filter(parent__isnull=True).values_list("pk", flat=True)
        self.tests = {str(pk).encode() for pk in tests}
        self._sums: defaultdict[_Alike, int] = defaultdict(int)
        self._groups_of = _GroupsOf()
        self._weights = _Weights()

    def counts(self, test: bytes) -> bool:
        """Whether scores of this set-up count: true for a test, not for a part of one."""
        return test in self.tests

    def add(self, cells: Sequence[bytes], year: bytes, grade: bytes) -> None:
        """Add one score, its cells as in the plan (see encoding.py); scores of parts are not counted."""
        if not self.counts(cells[0]):
            return
        scale, _raw, result = [*cells[1:4], b"", b"", b""][:3]
        tested = cells[AS_TESTED] if len(cells) > AS_TESTED else b""
        self.add_test(cells[0], (scale, result, tested), year, grade)

    def add_test(self, test: bytes, held: tuple[bytes, bytes, bytes], year: bytes, grade: bytes) -> None:
        """Add the score of a test itself. `held`: its scale score, its result, and who was tested as one text."""
        self.add_tests([(test, *held, year, grade)])

    def add_tests(self, scores: Iterable[TestScore]) -> None:
        """Many of them."""
        sums, groups_of, weights = self._sums, self._groups_of, self._weights
        for test, scale, result, tested, year, grade in scores:
            lea, school, _at, include, groups = tested.split(b",", 4) if tested else _NOBODY
            weight, has_scale = weights[scale]
            sums[test, year, lea, school, grade, include, result, has_scale] += groups_of[groups] * weight

    def store(self, *, sign: int) -> None:
        """Add what was counted to the table, or subtract it."""
        places = _summed_places(self._sums)
        self._sums.clear()
        if not places:
            return
        rows, about = _counted_rows(places), _about(places)
        if sign < 0 or not _are_first(rows, about):
            _add(rows, sign=sign)
        raise_versions(_ABOUT, about)
        if sign < 0:
            execute(f"DELETE FROM {TABLE} WHERE tested = 0 AND scored = 0")


def _about(places: Iterable[_Place]) -> list[list[Any]]:
    """Tests, school years and LEAs of these places, as _ABOUT takes them."""
    found = sorted({(int(test), int(year), lea.decode()) for test, year, lea, *_ in places})
    return [list(values) for values in zip(*found, strict=True)]


def _are_first(rows: list[str], about: list[list[Any]]) -> bool:
    """Write the rows if none of their tests, years and LEAs is counted yet, at a third of the cost of adding them.

    Returns False if one is, or if another process counted one in the meantime: then nothing was written.
    """
    counted = f"{TABLE} JOIN {_ABOUT} USING (assessment_id, school_year, lea) WHERE student_group = '{ALL}'"
    if fetch_all(f"SELECT 1 FROM {counted} LIMIT 1", about):
        return False
    with suppress(IntegrityError), transaction.atomic():
        _copy(TABLE, rows)
        return True
    return False


def _add(rows: list[str], *, sign: int) -> None:
    """Add the rows to the existing ones, or subtract them."""
    columns = ", ".join(_COLUMNS)
    execute("DROP TABLE IF EXISTS result_change")
    execute(f"CREATE TEMP TABLE result_change ON COMMIT DROP AS SELECT {columns} FROM {TABLE} LIMIT 0")
    _copy("result_change", rows)
    changed = ", ".join(f"{sign} * {name}" for name in _SUMS)
    execute(
        f"""
        INSERT INTO {TABLE} AS held ({columns}) SELECT {", ".join(_KEY)}, {changed} FROM result_change
        ORDER BY {", ".join(_KEY)} ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
          SET {", ".join(f"{name} = held.{name} + excluded.{name}" for name in _SUMS)}
        """
    )


def _copy(table: str, rows: list[str]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(_COLUMNS)}) FROM STDIN") as into:
        into.write("".join(rows))


def raise_versions(changed: str, params: list[Any] | tuple[Any, ...] = ()) -> None:
    """Record that the counts of the tests, years and LEAs in the table `changed` have changed."""
    execute(
        f"""
        INSERT INTO {VERSIONS} AS held (assessment_id, school_year, lea, version)
        SELECT DISTINCT assessment_id, school_year, lea, 1 FROM {changed} ORDER BY 1, 2, 3
        ON CONFLICT (assessment_id, school_year, lea) DO UPDATE SET version = held.version + 1
        """,
        params,
    )


_CELL, _SCORE, _TAB, _NULL = CELL.encode(), SCORE.encode(), b"\t", b"\\N"  # as in the text format of COPY
_GRADE = 1 + CELLS.index("grade")
_BITS, _SCALE_BITS = 64, 40  # of each group in the integer
_MOST_KEPT = 20_000  # different values whose result is cached
_LEVELS_IN_WORDS = {b"Intermediate English Learner": 2, b"Novice English Learner": 1}
_TESTED, _COUNTED = (frozenset(value.encode() for value in values) for values in (TESTED, COUNTED))
_NOBODY = (b"", b"", b"", b"", b"")
_AT = {fact.name: at for at, fact in enumerate(FACTS)}
_FIRST_OF_GROUPS = _AT["include"] + 1  # the facts after it, and only these, make groups
_CODES = [ALL, *(f"{prefix}:{value}" for prefix, (_fact, values) in GROUPS.items() for value in values)]
_GROUPS = struct.Struct(f"<{len(_CODES)}Q")
_EACH_GROUP = sum(1 << _BITS * at for at in range(len(_CODES)))
_ALL_SCALES, _ALL_COUNTS = (((1 << bits) - 1) * _EACH_GROUP for bits in (_SCALE_BITS, _BITS - _SCALE_BITS))
_BITS_OF = [
    (_AT[fact] - _FIRST_OF_GROUPS, {v.encode(): 1 << (_BITS * _CODES.index(f"{prefix}:{v}")) for v in values})
    for prefix, (fact, values) in GROUPS.items()
]


class _GroupsOf(dict[bytes, int]):
    """Text of who was tested -> a 1 for each group it belongs to; each text is worked out once."""

    def __missing__(self, student_facts: bytes) -> int:
        if len(self) > _MOST_KEPT:
            self.clear()
        values = student_facts.split(b",") if student_facts else []
        found = 1 + sum(bits.get(values[at], 0) for at, bits in _BITS_OF if at < len(values))
        self[student_facts] = found
        return found


class _Weights(dict[bytes, tuple[int, bool]]):
    """Scale score -> one score and its scale as one number, and whether it is a scale score."""

    def __missing__(self, scale: bytes) -> tuple[int, bool]:
        if len(self) > _MOST_KEPT:
            self.clear()
        is_number = scale.isdigit() and len(scale) <= 4
        self[scale] = found = ((1 << _SCALE_BITS) + (int(scale) if is_number else 0), is_number)
        return found


def _level(result: bytes) -> int:
    """The level, as in LEVEL_SQL; 0 without one."""
    if len(result) == 1:
        return int(result) if b"1" <= result <= b"5" else 0
    return 3 if result.startswith(b"Initial Fluent") else _LEVELS_IN_WORDS.get(result, 0)


def _summed_places(alike: Mapping[_Alike, int]) -> dict[_Place, list[int]]:
    """For each place an integer for each of `_SUMS`, with all groups in it: numbers of scores or, in the last, sums of
    scale scores."""
    places: dict[_Place, list[int]] = {}
    for (test, year, lea, school, grade, include, result, has_scale), number in alike.items():
        if include not in _TESTED:
            continue
        place = (test, year, lea, school, grade)
        sums = places.get(place) or places.setdefault(place, [0] * len(_SUMS))
        scores = number >> _SCALE_BITS & _ALL_COUNTS
        sums[0] += scores
        if include in _COUNTED:
            level = _level(result)
            for at in (1, 1 + level) if level else (1,) if has_scale else ():
                sums[at] += scores
            if has_scale:
                sums[-2] += scores
                sums[-1] += number & _ALL_SCALES
    return places


def _counted_rows(places: Mapping[_Place, Sequence[int]]) -> list[str]:
    """The rows of the table in COPY format: for each place one per group that has students."""
    rows: list[str] = []
    for (test, year, *place), sums in places.items():
        before, after = b"\t".join((test, year, b"")).decode(), b"\t".join((b"", *place)).decode()
        by_group = zip(*(_GROUPS.unpack(number.to_bytes(_GROUPS.size, "little")) for number in sums), strict=True)
        rows += [
            f"{before}{code}{after}\t" + "\t".join(map(str, counts)) + "\n"
            for code, counts in zip(_CODES, by_group, strict=True)
            if counts[0]
        ]
    return rows


def recount_all() -> None:
    """Count all existing scores from scratch. For scores without counts yet, and for the tests that compare the two."""
    raise_versions(TABLE)
    execute(f"DELETE FROM {TABLE}")
    execute(_adding(EVERYTHING), [])
    raise_versions(TABLE)


EVERYTHING = """
    SELECT r.assessment_id, r.school_year, r.grade, r.as_tested, r.scale_score, r.result
    FROM assessments_score r JOIN assessments_assessment a ON a.id = r.assessment_id WHERE a.parent_id IS NULL
"""


def _adding(source: str) -> str:
    """SQL that adds up scores and their groups: `source` gives one row per score of a test.

    Equal scores are combined before they are spread over their groups, also by result (`kind`: a level, 0 without one,
    -1 if it does not count): a fraction of the sums remains, in integers.
    """
    columns = ", ".join(f"{fact_sql(name, 't.as_tested')} AS {name}" for name in ("lea", "school", *_facts_of_groups()))
    groups = [f"'{ALL}'"]
    groups += [
        f"CASE WHEN f.{fact} IN ({_listed(values)}) THEN '{prefix}:' || f.{fact} END"
        for prefix, (fact, values) in GROUPS.items()
    ]
    levels = [f"coalesce(sum(f.n) FILTER (WHERE f.kind = {n}), 0)" for n in range(1, LEVELS + 1)]
    scored = "coalesce(sum(CASE WHEN f.kind > 0 THEN f.n WHEN f.kind = 0 THEN f.scales END), 0)"
    counted = "FILTER (WHERE f.kind >= 0)"
    sums = [
        "sum(f.n)",
        scored,
        *levels,
        f"coalesce(sum(f.scales) {counted}, 0)",
        f"coalesce(sum(f.scale) {counted}, 0)",
    ]
    return f"""
        INSERT INTO {TABLE} AS held ({", ".join((*_KEY, *_SUMS))})
        SELECT f.assessment_id, f.school_year, g.code, f.lea, f.school, f.grade, {", ".join(sums)}
        FROM (
          SELECT t.*, {columns} FROM (
            SELECT s.assessment_id, s.school_year, s.grade, s.as_tested, s.kind,
              count(*)::int AS n, count(s.scale)::int AS scales, coalesce(sum(s.scale), 0)::int AS scale
            FROM (
              SELECT r.assessment_id, r.school_year, r.grade, r.as_tested,
                CASE WHEN r.scale_score ~ '^[0-9]{{1,4}}$' THEN r.scale_score::int END AS scale,
                CASE WHEN r.include IN ({_listed(COUNTED)}) THEN coalesce({LEVEL_SQL.format("r.result")}, 0) ELSE -1 END AS kind
              FROM (SELECT i.*, {fact_sql("include", "i.as_tested")} AS include FROM ({source}) AS i OFFSET 0) AS r
              WHERE r.include IN ({_listed(TESTED)}) OFFSET 0
            ) AS s GROUP BY 1, 2, 3, 4, 5
          ) AS t OFFSET 0
        ) AS f CROSS JOIN LATERAL unnest(ARRAY[{", ".join(groups)}]) AS g(code)
        WHERE g.code IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
          SET {", ".join(f"{name} = held.{name} + excluded.{name}" for name in _SUMS)}
    """


def _facts_of_groups() -> list[str]:
    return [fact for fact, _values in GROUPS.values()]


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
