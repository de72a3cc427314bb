"""Planning some lines of a score file again: what its Test said about the whole file is corrected, not recounted.

A Test keeps what this needs in its facts: no file values or students, only codes of tests, counts and line numbers.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assessments.models import ScoreRow
from assessments.scores.change_kinds import SCORES
from assessments.scores.encoding import CELL, SCORE, count_sql
from assessments.scores.setups import Target, targets
from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.progress import Progress
from sisimport.imports.definition.registry import find_layout
from sisimport.imports.engine.sql import fetch_all, fetch_one
from sisimport.imports.models import ImportRun

FACT: Final = "to_plan_lines_anew"
ALONE: Final = "alone"  # among the notes of a context
_MOST_SHARED: Final = 500  # UINs; a file with more of them shared by several students is planned as a whole
_DEFERS: Final = ("AMB-REPEAT", "AMB-REPEAT-OTHER")  # nothing is planned for such lines

# Planned lines by assessment of their first score, grade, and result of that score: (lines, scores, scores that replace one).
Spread = dict[tuple[int, str, str], tuple[int, int, int]]
Shared = list[list[int]]  # of each UIN that is on several students: its first line, and on how many lines


@dataclass(slots=True, frozen=True)
class Alone:
    """What remains of a Test when some of its lines are planned again. `kept`: its fact; `was`: the spread of these
    lines before; `out`: those of them that no scores were planned for."""

    kept: Mapping[str, Any]
    was: Spread
    out: frozenset[int]
    lines: frozenset[int]

    def corrected(self, now: Spread) -> Spread:
        """The spread of the whole file."""
        total: Counter[tuple[tuple[int, str, str], int]] = Counter()
        kept = {
            (pk, grade, result): (n, planned, updated) for pk, grade, result, n, planned, updated in self.kept["spread"]
        }
        for sign, spread in ((1, kept), (-1, self.was), (1, now)):
            for key, counts in spread.items():
                total.update({(key, at): sign * count for at, count in enumerate(counts)})
        return {
            key: (total[key, 0], total[key, 1], total[key, 2]) for key, at in sorted(total) if not at and total[key, 0]
        }

    def others(self) -> tuple[int, int]:
        """How many other lines have scores, and how many scores these are."""
        lines, scores = fetch_one(
            f"SELECT count(*), coalesce(sum({count_sql('packed')}), 0) FROM {ScoreRow._meta.db_table}"
            " WHERE packed <> '' AND NOT refused AND skipped = 0 AND line <> ALL(%s)",
            [sorted(self.out)],
        )
        return self.kept["lines"] - lines, self.kept["scores"] - scores

    def shared(self, now: Shared) -> Shared:
        """Shared UINs of the whole file. All lines that share a UIN are planned again together."""
        return sorted([*(group for group in self.kept["shared"] if group[0] not in self.lines), *now])


def before(import_type: ImportType, run: ImportRun, lines: Collection[int]) -> dict[str, Any] | None:
    """Notes to plan these lines by, see `ImportType.plan_alone`. None for a Test of an earlier release, one whose
    set-ups have changed, or one with too many shared UINs."""
    kept, found = run.facts.get(FACT), find_layout(run.layout)
    if kept is None or kept["shared"] is None or found is None:
        return None
    context = RunContext(run=run, import_type=import_type, progress=Progress(run.pk), layout=found[0], lines=lines)
    if not set(run.facts.get("targets", ())) <= {pk for target in targets(context) for pk in target.ids.values()}:
        return None
    alone = Alone(kept=kept, was=spread_of(run.pk, lines), out=_out(run.pk, lines), lines=frozenset(lines))
    return {**context.notes, ALONE: alone}


def present_targets(context: RunContext) -> list[Target]:
    """Targets of the tests that the file has records of."""
    alone = context.notes.get(ALONE)
    if alone is not None:
        return [target for target in targets(context) if target.test.code in alone.kept["tests"]]
    return [target for target in targets(context) if context.collected.intersection(target.test.record_types)]


def spread_of(run_id: int, lines: Collection[int] | None) -> Spread:
    """The spread of the changes that a run plans, of some lines or of all."""
    where, params = ("", []) if lines is None else (" AND line = ANY(%s)", [sorted(lines)])
    planned = f"""(
      SELECT after->>'grade' AS grade, after->>'scores' AS scores, before->>'scores' AS before
      FROM imports_importchange WHERE run_id = %s AND kind = '{SCORES}'{where} OFFSET 0) AS c"""
    return spread(planned, [run_id, *params])


def spread(planned: str, params: Iterable[Any] = ()) -> Spread:
    """The spread of planned lines; `planned`: SQL of their grade, scores, and the scores they replace, as `c`."""
    rows = fetch_all(
        f"""
        SELECT split_part(p.score, '{CELL}', 1)::bigint, p.grade, split_part(p.score, '{CELL}', 4), count(*),
          {count("p.scores")}, {count("p.before")}
        FROM (SELECT c.scores, c.before, c.grade, split_part(c.scores, '{SCORE}', 1) AS score FROM {planned}) AS p
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        """,
        list(params),
    )
    return {(int(pk), grade, result): tuple(map(int, counts)) for pk, grade, result, *counts in rows}  # type: ignore[misc]


def count(packed: str) -> str:
    """SQL of the number of scores in packed texts."""
    return f"coalesce(sum({count_sql(packed)}), 0)"


def fact(context: RunContext, found: Spread, *, lines: int, scores: int) -> dict[str, Any]:
    """What a Test keeps for decisions on its lines."""
    shared: Shared = context.notes.get("shared_uins", [])
    return {
        FACT: {
            "tests": sorted(target.test.code for target in present_targets(context)),
            "spread": [[*key, *counts] for key, counts in found.items()],
            "lines": lines,
            "scores": scores,
            "shared": shared if len(shared) <= _MOST_SHARED else None,
        }
    }


def _out(run_id: int, lines: Collection[int]) -> frozenset[int]:
    rows = fetch_all(
        "SELECT DISTINCT line FROM imports_importissue WHERE run_id = %s AND line = ANY(%s)"
        " AND (code = ANY(%s) OR (severity = %s AND part <> 'el'))",
        [run_id, sorted(lines), list(_DEFERS), int(Severity.ERROR)],
    )
    return frozenset(line for (line,) in rows)
