"""hold: whether the changes a run is about to write exceed the limits of its districts.

    plan -> reasons_to_hold -> held -> approved: queued again, writes exactly this plan where it still holds
                                    -> rejected: cancelled, nothing written (approvals.py)

Every limit is a share and a floor, so that ordinary days and small schools are not held; a first load into an empty district or
school is ordinary. The check is made once, by the process that executes the run, regardless of how it was started.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import F

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import ChangeKind, all_kinds
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type
from sisimport.imports.engine.counting import Totals
from sisimport.imports.engine.sql import fetch_all
from sisimport.imports.models import WRITING, HoldDecision, ImportRun, Reverted, RunHold, RunStatus, Work
from sisimport.imports.runs.events import Event, tell
from sisimport.imports.runs.hindrances import RunTakenError
from students.headcounts import count_enrolled
from students.models import DistrictSettings, School

STUDENTS, SSIDS, EL, LINES, MATCHED, DISTRICT = (
    "HOLD-STUDENTS",
    "HOLD-SSIDS",
    "HOLD-EL",
    "HOLD-LINES",
    "HOLD-MATCHED",
    "HOLD-DISTRICT",
)

_BEYOND = "{count:,} of {of:,} students{where}: {found}%, and the limit is {limit}%."
_SENTENCES = {
    STUDENTS: f"It would replace lasting values of {_BEYOND}",
    SSIDS: f"It would overwrite or retire the SSIDs of {_BEYOND}",
    EL: f"It would change the English learner status of {_BEYOND}",
    LINES: "It has {lines}; last time's file had {of:,}: {found}%, and at least {limit}% is usual.",
    MATCHED: "Only {count:,} of its {of:,} lines {are} about students on record: {found}%, and at least {limit}% is usual.",
    DISTRICT: "It would add a district with {students}, in addition to a district that already has students.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One limit that a plan exceeds.

    `found` and `limit` are percentages; `count` of `of` students or lines; `where`: the school, or how many.
    """

    code: str
    found: float
    limit: int
    count: int
    of: int
    where: str = ""

    @property
    def sentence(self) -> str:
        end = "" if self.count == 1 else "s"
        values = asdict(self) | {
            "found": f"{self.found:g}",
            "where": f" of {self.where}" if self.where else "",
            "lines": f"{self.count:,} line{end}",
            "students": f"{self.count:,} student{end}",
            "are": "is" if self.count == 1 else "are",
        }
        return _SENTENCES[self.code].format(**values)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the districts that a run touches: for several districts, the strictest value of each."""

    holds: bool
    floor: int
    students: int
    ssids: int
    el: int
    lines: int
    matched: int


def limits_of(lea_ids: Collection[int]) -> Limits:
    """A district without settings has the defaults; a run of several districts is held if one of them holds."""
    found = list(DistrictSettings.objects.filter(lea__in=lea_ids))
    if len(found) < len(set(lea_ids)) or not found:
        found.append(DistrictSettings())
    holding = [one for one in found if one.holds_updates]
    rows = holding or found
    return Limits(
        holds=bool(holding),
        floor=min(one.hold_floor for one in rows),
        students=min(one.hold_students_percent for one in rows),
        ssids=min(one.hold_ssids_percent for one in rows),
        el=min(one.hold_el_percent for one in rows),
        lines=max(one.hold_lines_percent for one in rows),
        matched=max(one.hold_matched_percent for one in rows),
    )


# ---- which limits a plan exceeds ----


def reasons_to_hold(plan: ImportRun, totals: Totals, *, lea_ids: Collection[int]) -> list[Reason]:
    """Why the plan of this run must wait; empty if it need not. Corrected lines and Reverts are never held.

    Costs two passes over the planned updates, or none if these are fewer than the floor.
    """
    limits = limits_of(lea_ids)
    if not limits.holds or plan.corrects_id is not None or plan.work == Work.REVERT:
        return []
    return [
        *_replaced(plan, totals, limits),
        *_fewer_lines(plan, totals, limits, lea_ids),
        *_unmatched(plan, totals, limits),
        *_other_district(plan, totals, limits),
    ]


def _replaced(plan: ImportRun, totals: Totals, limits: Limits) -> Iterable[Reason]:
    """Students for whom the plan replaces values, by limit: the school that exceeds it most, else all schools together."""
    updates = {entry["kind"]: entry["count"] for entry in totals.changes if entry["operation"] == "update"}
    kinds = [kind for kind in all_kinds() if kind.replaces and updates.get(kind.key)]
    if sum(updates[kind.key] for kind in kinds) < limits.floor:
        return
    by_code: dict[str, dict[int, int]] = {}
    for code, school_id, count in _count_replaced(plan.pk, kinds, limits.floor):
        by_code.setdefault(code, {})[school_id or 0] = count
    if not by_code:
        return
    enrolled = count_enrolled({school for counts in by_code.values() for school in counts})
    for counts in by_code.values():
        for school, count in counts.items():  # a student who left is not enrolled, but may still be in the file
            enrolled[school] = max(enrolled.get(school, 0), count)
    kind = _type_of(plan)
    for code, limit in ((STUDENTS, limits.students), (SSIDS, limits.ssids), (EL, limits.el)):
        if code == SSIDS and kind is not None and kind.names_what_it_replaces:
            continue
        counts = by_code.get(code, {})
        beyond = [
            (_percent(count, enrolled[school]), count, school)
            for school, count in counts.items()
            if count >= limits.floor and count * 100 > limit * enrolled[school]
        ]
        if beyond:
            found, count, school = max(beyond)
            yield Reason(code, found, limit, count, enrolled[school], _school_name(school))
            continue
        count, of = sum(counts.values()), sum(enrolled[school] for school in counts)
        if count >= limits.floor and count * 100 > limit * of:
            yield Reason(code, _percent(count, of), limit, count, of, f"{len(counts)} schools")


def _code_of(kind: ChangeKind) -> str:
    return {"ssid": SSIDS, "el": EL}.get(kind.key, STUDENTS)


def _count_replaced(plan_run_id: int, kinds: list[ChangeKind], floor: int) -> list[tuple[str, int | None, int]]:
    """(code, school, students) of the planned updates that replace something; by school only if there are enough."""
    replacing = " OR ".join(f"(c.kind = '{kind.key}' AND ({kind.replaces}))" for kind in kinds)
    code = "CASE c.kind " + " ".join(f"WHEN '{kind.key}' THEN '{_code_of(kind)}'" for kind in kinds) + " END"
    chosen = (
        f"SELECT {code} AS code, c.student_id FROM imports_importchange c WHERE c.run_id = %s"
        f" AND c.before IS NOT NULL AND c.after IS NOT NULL AND c.student_id IS NOT NULL AND ({replacing})"
    )
    return fetch_all(
        f"""
        WITH replaced AS MATERIALIZED ({chosen}),
        enough AS (SELECT code FROM replaced GROUP BY code HAVING count(*) >= %s)
        SELECT r.code, s.school_id, count(DISTINCT r.student_id) FROM replaced r JOIN students_student s ON s.id = r.student_id
        WHERE r.code IN (SELECT code FROM enough) GROUP BY r.code, s.school_id
        """,
        [plan_run_id, floor],
    )


def _fewer_lines(plan: ImportRun, totals: Totals, limits: Limits, lea_ids: Collection[int]) -> Iterable[Reason]:
    kind = _type_of(plan)
    whole = kind is not None and kind.brings_everyone and not plan.facts.get("partial")
    last = _last_applied(plan, lea_ids) if whole else None
    if last is None:
        return
    count, of = totals.counts["record_count"], last.record_count
    if of - count >= limits.floor and count * 100 < limits.lines * of:
        yield Reason(LINES, _percent(count, of), limits.lines, count, of)


def _type_of(plan: ImportRun) -> ImportType | None:
    try:
        return get_type(plan.import_type)
    except UnknownImportTypeError:
        return None


def _last_applied(plan: ImportRun, lea_ids: Collection[int]) -> ImportRun | None:
    """The newest run that wrote a file of this type for the same districts and schools and was not reverted."""
    runs = ImportRun.objects.filter(
        import_type=plan.import_type,
        status=RunStatus.COMPLETED,
        work__in=set(WRITING) - {Work.REVERT},
        corrects__isnull=True,
        lea_ids=sorted(lea_ids),
    ).exclude(reverted=Reverted.WHOLLY)
    runs = runs.exclude(facts__has_key="partial")
    runs = runs.filter(schools__isnull=True) if plan.schools is None else runs.filter(schools=plan.schools)
    return runs.order_by("-pk").first()


def _unmatched(plan: ImportRun, totals: Totals, limits: Limits) -> Iterable[Reason]:
    """Lines that matched no student, and lines that would create students at schools that have students."""
    of = totals.counts["record_count"]
    kind = _type_of(plan)
    asks = (
        kind.matching.near_codes if kind else ()
    )  # errors of lines for which no student was found, or not certainly the right one
    lost = sum(e["lines"] for e in totals.issues if e["code"] in asks and e["severity"] == Severity.ERROR)
    if ("student", "create") in totals.present:
        lost += _new_at_known_schools(plan.pk, limits.floor)
    lost = min(lost, of)
    if lost >= limits.floor and (of - lost) * 100 < limits.matched * of:
        yield Reason(MATCHED, _percent(of - lost, of), limits.matched, of - lost, of)


def _new_at_known_schools(plan_run_id: int, floor: int) -> int:
    rows = fetch_all(
        "SELECT (c.after->>'school_id')::bigint, count(*) FROM imports_importchange c"
        " WHERE c.run_id = %s AND c.kind = 'student' AND c.before IS NULL GROUP BY 1",
        [plan_run_id],
    )
    enrolled = count_enrolled({school for school, _count in rows if school})
    return sum(count for school, count in rows if enrolled.get(school, 0) >= floor)


def _other_district(plan: ImportRun, totals: Totals, limits: Limits) -> Iterable[Reason]:
    if ("lea", "create") not in totals.present:
        return
    (row,) = fetch_all(
        "SELECT count(*) FROM imports_importchange c WHERE c.run_id = %s AND c.kind = 'student' AND c.before IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM students_lea l WHERE l.id = (c.after->>'lea_id')::bigint)",
        [plan.pk],
    )
    count = int(row[0])
    if count >= limits.floor and fetch_all("SELECT 1 FROM students_student LIMIT 1"):
        yield Reason(DISTRICT, 100, 0, count, count)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 100


def _school_name(pk: int) -> str:
    school = School.objects.filter(pk=pk).first()
    return str(school) if school else "no school"


# ---- what happens to a held run ----


def hold(run: ImportRun, reasons: Collection[Reason], **values: object) -> None:
    """Hold the run, inside the transaction that found the reasons. The attempt does not count as a broken one."""
    RunHold.objects.update_or_create(run_id=run.pk, defaults={"reasons": [asdict(reason) for reason in reasons]})
    ours = ImportRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, attempts=run.attempts)
    message = " ".join(["Held until a second person approves it; nothing was changed.", *(r.sentence for r in reasons)])
    held = ours.update(status=RunStatus.HELD, phase="", message=message, interruptions=F("interruptions") + 1, **values)
    if not held:
        raise RunTakenError
    tell(run.pk, Event.HELD)


def is_approved(run: ImportRun) -> bool:
    return RunHold.objects.filter(run=run, decision=HoldDecision.APPROVED).exists()


def reasons_of(run: ImportRun) -> list[Reason]:
    """Why the run was held, whatever has happened to it since."""
    return reasons_in(RunHold.objects.filter(run_id=run.pk).first())


def reasons_in(held: RunHold | None) -> list[Reason]:
    return [Reason(**reason) for reason in held.reasons] if held else []


def is_own(run: ImportRun, user: Any) -> bool:
    """Whether the user started the run; if so, another person has to decide."""
    return user is not None and run.created_by_id == user.pk


def hold_json(run: ImportRun) -> list[Mapping[str, Any]]:
    """The reasons in the format of the command contract."""
    return [asdict(reason) | {"message": reason.sentence} for reason in reasons_of(run)]
