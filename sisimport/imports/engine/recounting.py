"""Counts of a few lines of a run, so that planning them again does not mean counting half a million others again."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sisimport.files.issues import Severity
from sisimport.imports.engine.counting import skipping_codes
from sisimport.imports.engine.sql import fetch_all, fetch_one
from sisimport.imports.models import ImportRun


@dataclass(slots=True)
class Tally:
    """The result of counting.count_test for some lines only."""

    planned: int = 0
    refused: int = 0
    skipped: int = 0
    issues: Counter[tuple[str, int]] = field(default_factory=Counter)
    issue_lines: Counter[tuple[str, int]] = field(default_factory=Counter)
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)


def tally(run_id: int, lines: Collection[int]) -> Tally:
    """Count these lines of a run as they are now."""
    numbers = sorted(lines)
    result = Tally()
    result.planned, result.refused, result.skipped = fetch_one(
        """
        SELECT count(*) FILTER (WHERE planned), count(*) FILTER (WHERE NOT planned AND wrong),
          count(*) FILTER (WHERE NOT planned AND NOT wrong AND passed)
        FROM (
          SELECT n.line,
            EXISTS (SELECT 1 FROM imports_importchange c WHERE c.run_id = %s AND c.line = n.line) AS planned,
            coalesce(bool_or(i.severity = %s), false) AS wrong, coalesce(bool_or(i.code = ANY(%s)), false) AS passed
          FROM unnest(%s::int[]) AS n(line) LEFT JOIN imports_importissue i ON i.run_id = %s AND i.line = n.line
          WHERE n.line > 0 GROUP BY n.line
        ) AS l
        """,
        [run_id, int(Severity.ERROR), skipping_codes(), numbers, run_id],
    )
    for code, severity, count, of_lines in fetch_all(
        "SELECT code, severity, count(*), count(DISTINCT line) FROM imports_importissue"
        " WHERE run_id = %s AND line = ANY(%s) GROUP BY code, severity",
        [run_id, numbers],
    ):
        result.issues[code, severity] = count
        result.issue_lines[code, severity] = of_lines
    for kind, operation, count in fetch_all(
        "SELECT kind, CASE WHEN before IS NULL THEN 'create' WHEN after IS NULL THEN 'remove' ELSE 'update' END, count(*)"
        " FROM imports_importchange WHERE run_id = %s AND line = ANY(%s) GROUP BY 1, 2",
        [run_id, numbers],
    ):
        result.changes[kind, operation] = count
    return result


def corrected(run: ImportRun, before: Tally, after: Tally) -> dict[str, object]:
    """Counts and summary of the run with some lines recounted."""
    planned = run.planned_count + after.planned - before.planned
    refused = run.refused_count + after.refused - before.refused
    skipped = run.skipped_count + after.skipped - before.skipped
    issues: Counter[tuple[str, int]] = Counter()
    lines: Counter[tuple[str, int]] = Counter()
    for entry in run.summary.get("issues", []):
        issues[entry["code"], entry["severity"]] = entry["count"]
        lines[entry["code"], entry["severity"]] = entry["lines"]
    changes: Counter[tuple[str, str]] = Counter()
    for entry in run.summary.get("changes", []):
        changes[entry["kind"], entry["operation"]] = entry["count"]
    for total, new, old in (
        (issues, after.issues, before.issues),
        (lines, after.issue_lines, before.issue_lines),
        (changes, after.changes, before.changes),
    ):
        total.update(new)  # type: ignore[arg-type]
        total.subtract(old)  # type: ignore[arg-type]
    by_severity = Counter[int]()
    for (_code, severity), count in issues.items():
        by_severity[severity] += count
    return {
        "planned_count": planned,
        "refused_count": refused,
        "skipped_count": skipped,
        "unchanged_count": run.record_count - planned - refused - skipped,
        "error_count": by_severity[Severity.ERROR],
        "warning_count": by_severity[Severity.WARNING],
        "notice_count": by_severity[Severity.NOTICE],
        "summary": _summary(issues, lines, changes),
    }


def _summary(
    issues: Counter[tuple[str, int]], lines: Counter[tuple[str, int]], changes: Counter[tuple[str, str]]
) -> dict[str, Any]:
    """The summary as in counting.Totals, in the same order."""
    order = sorted(issues.items(), key=lambda item: (-item[0][1], -item[1], item[0][0]))
    return {
        "issues": [
            {"code": code, "severity": severity, "count": count, "lines": lines[code, severity]}
            for (code, severity), count in order
            if count
        ],
        "changes": [
            {"kind": kind, "operation": operation, "count": count}
            for (kind, operation), count in sorted(changes.items())
            if count
        ],
    }
