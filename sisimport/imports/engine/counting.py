"""count: the outcome of the lines of a run, computed once, so that no report page has to count half a million rows."""

from dataclasses import dataclass, field, replace
from typing import Any

from sisimport.files.issues import Severity, codes
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import fetch_all, fetch_one
from sisimport.imports.engine.statistics import hash_joins_only


@dataclass(slots=True, frozen=True)
class Totals:
    """`counts`: outcome and severity counts, named as the fields of ImportRun; the outcomes add up to the record count.
    `issues` by cause and `changes` by kind and operation, as report pages show them."""

    counts: dict[str, int]
    issues: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def summary(self) -> dict[str, Any]:
        return {"issues": self.issues, "changes": self.changes}

    @property
    def present(self) -> set[tuple[str, str]]:
        """Kinds and operations that the plan holds."""
        return {(entry["kind"], entry["operation"]) for entry in self.changes}

    def with_issues(self, issues: list[dict[str, Any]]) -> "Totals":
        """These totals after further issues were written."""
        return replace(self, counts=self.counts | severity_counts(issues), issues=issues)


def count_test(context: RunContext) -> Totals:
    """Totals of a run that has its issues and plan."""
    run_id = context.run.pk
    issues = issues_by_cause([run_id])
    changes, planned = changes_by_kind(run_id)
    severities = severity_counts(issues)
    # The planner has no statistics yet on rows just written, and would otherwise compare every line with every other.
    with hash_joins_only():
        refused, skipped = _kept_out(run_id, issues, severities)
    outcomes = {
        "record_count": context.record_count,
        "planned_count": planned,
        "refused_count": refused,
        "skipped_count": skipped,
        "unchanged_count": context.record_count - planned - refused - skipped,
    }
    return Totals(counts=outcomes | severities, issues=issues, changes=changes)


def _kept_out(run_id: int, issues: list[dict[str, Any]], severities: dict[str, int]) -> tuple[int, int]:
    """Numbers of lines with nothing planned: those refused for errors, and those skipped by a rule of the type."""
    refused = skipped = 0
    if severities["error_count"]:
        (refused,) = fetch_one(
            "SELECT count(DISTINCT line) FROM imports_importissue i WHERE run_id = %s AND severity = %s AND line > 0"
            " AND NOT EXISTS (SELECT 1 FROM imports_importchange c WHERE c.run_id = i.run_id AND c.line = i.line)",
            [run_id, int(Severity.ERROR)],
        )
    skip_codes = sorted({entry["code"] for entry in issues} & set(skipping_codes()))
    if skip_codes:
        (skipped,) = fetch_one(
            "SELECT count(DISTINCT line) FROM imports_importissue i WHERE run_id = %s AND code = ANY(%s) AND line > 0"
            " AND NOT EXISTS (SELECT 1 FROM imports_importchange c WHERE c.run_id = i.run_id AND c.line = i.line)"
            " AND NOT EXISTS (SELECT 1 FROM imports_importissue e WHERE e.run_id = i.run_id AND e.line = i.line"
            "   AND e.severity = %s)",
            [run_id, skip_codes, int(Severity.ERROR)],
        )
    return refused, skipped


def skipping_codes() -> list[str]:
    return [code.code for code in codes.all() if code.skips]


def issues_by_cause(run_ids: list[int]) -> list[dict[str, Any]]:
    """Issues of these runs: code, severity, their count and the number of lines that have them; the worst first."""
    rows = fetch_all(
        "SELECT code, severity, count(*), count(DISTINCT line) FROM imports_importissue WHERE run_id = ANY(%s)"
        " GROUP BY code, severity ORDER BY severity DESC, count(*) DESC, code",
        [run_ids],
    )
    return [{"code": c, "severity": s, "count": n, "lines": lines} for c, s, n, lines in rows]


def severity_counts(issues: list[dict[str, Any]]) -> dict[str, int]:
    named = {"error_count": Severity.ERROR, "warning_count": Severity.WARNING, "notice_count": Severity.NOTICE}
    return {name: sum(e["count"] for e in issues if e["severity"] == severity) for name, severity in named.items()}


def changes_by_kind(plan_run_id: int) -> tuple[list[dict[str, Any]], int]:
    """Changes of a plan by kind and operation, and how many lines they come from."""
    rows = fetch_all(
        "SELECT kind, before IS NULL, after IS NULL, seq, count(*), count(*) FILTER (WHERE line > 0)"
        " FROM imports_importchange WHERE run_id = %s GROUP BY 1, 2, 3, 4",
        [plan_run_id],
    )
    totals: dict[tuple[str, str], int] = {}
    for kind, is_new, is_gone, _seq, count, _on_lines in rows:
        operation = "create" if is_new else "remove" if is_gone else "update"
        totals[kind, operation] = totals.get((kind, operation), 0) + count
    if len({seq for _kind, _new, _gone, seq, _count, on_lines in rows if on_lines}) <= 1:
        lines = sum(on_lines for *_what, on_lines in rows)  # one change per line: no sorting needed to count the lines
    else:
        (lines,) = fetch_one(
            "SELECT count(*) FROM (SELECT line FROM imports_importchange WHERE run_id = %s AND line > 0 GROUP BY line) AS l",
            [plan_run_id],
        )
    changes = [{"kind": k, "operation": op, "count": n} for (k, op), n in sorted(totals.items())]
    return changes, lines
