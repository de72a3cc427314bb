"""The match desk: lines of a completed Test that nearly match a student, with candidates from our records.

    issues of the run -> lines to decide on -> values of the file + candidates, scored -> a person decides (imports.decisions)

Nothing is accepted without a person; many at once only at or above the threshold that the person sets, after a preview.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import or_

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from sisimport.files.issues import Severity
from sisimport.imports.definition.registry import all_types, get_type
from sisimport.imports.engine.accepted_matches import IDENTITY
from sisimport.imports.models import ImportIssue, ImportRun, MatchDecision, RememberedMatch
from sisimport.imports.runs.decisions import ACCEPT, MATCH, REFUSE, Decision, decide
from sisimport.imports.runs.scope import Scope, in_scope, tests_with
from sisimport.imports.storage.records import chunked, read_records
from sisimport.web.moments import day_text
from students.matching.candidates import JUDGED, Candidate, find_candidates, identity_of
from students.matching.scores import DEFAULT_THRESHOLD, Comparison, FieldScore, Identity, compare, safe_best
from students.models import Student
from students.models.identifiers import mask_ssid
from students.search import find_students

ACCEPTED_CODES = ("MATCH-ACCEPTED", "MATCH-REMEMBERED")
MAX_AT_ONCE = 20_000
_BLOCK = 250
_SEARCHED = 300
LEAST_SHOWN = 50.0  # below this is not a candidate; the search finds all students
FIELD_LABELS = {
    "local_number": "Local number",
    "last_name": "Last name",
    "first_name": "First name",
    "middle_name": "Middle name",
    "birth_date": "Birth date",
    "gender": "Gender",
    "birth_country": "Birth country",
    "birth_state": "Birth state",
}
BIRTH_PLACE = ("birth_country", "birth_state")  # compared only if file and record have them


# A score in words, with the lowest score for each; accepting many at once starts with the first.
LIKENESS = ((DEFAULT_THRESHOLD, "very similar"), (80.0, "similar"), (65.0, "somewhat similar"))
_DIFFERS = {name: label.lower() for name, label in FIELD_LABELS.items()} | {
    "birth_date": "born",
    "local_number": "number",
}
_SHORT = {"differs": "", "missing": ": on one side only"}  # the values say the rest


def _how(kind: str) -> str:
    return _SHORT.get(kind, f": {kind}")


class LineState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate as the page shows it."""

    student: Student
    comparison: Comparison

    @property
    def total(self) -> float:
        return self.comparison.total

    @property
    def likeness(self) -> str:
        """The score in words, for people to whom the number means nothing."""
        return next((words for least, words in LIKENESS if self.total >= least), "slightly similar")

    @property
    def differences(self) -> list[str]:
        """Where the student differs from the line, in words: `last name García-López: part of a compound name`."""
        held = identity_of(self.student)
        texts = []
        for score in self.comparison.fields:
            if score.kind:
                value = shown_value(held, score.field, with_ssid=bool(held.ssids) and "SSID" in score.kind)
                texts.append(f"{_DIFFERS[score.field]} {value or 'blank'}{_how(score.kind)}")
        return texts

    def values(self, names: Sequence[str], *, with_ssid: bool = False) -> list[tuple[str, FieldScore]]:
        """The student's value and the score, in the order of `names`."""
        scores = {score.field: score for score in self.comparison.fields}
        held = identity_of(self.student)
        return [
            (shown_value(held, name, with_ssid=with_ssid), scores.get(name, FieldScore(name, 0.0, "missing")))
            for name in names
        ]


@dataclass(slots=True)
class DeskLine:
    """One line to decide on, with the file's values and the possible students."""

    line: int
    state: LineState
    given: Identity
    codes: tuple[str, ...] = ()
    decision: MatchDecision | None = None
    student: Student | None = None  # the student it was accepted for
    offers: list[Offer] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.given.last_name}, {self.given.first_name} {self.given.middle_name}".strip()

    def _label(self, name: str) -> str:
        return "Number" if name == "local_number" and self.given.ssids else FIELD_LABELS[name]

    def rows(self) -> list[tuple[str, str, list[tuple[str, FieldScore, str]]]]:
        """Label, value of the file, and value, score and name of each candidate: the rows of the side-by-side table."""
        with_ssid = bool(self.given.ssids)
        compared = {score.field for offer in self.offers for score in offer.comparison.fields}
        names = [name for name in FIELD_LABELS if name not in BIRTH_PLACE or name in compared]
        by_offer = [offer.values(names, with_ssid=with_ssid) for offer in self.offers]
        return [
            (
                self._label(name),
                shown_value(self.given, name, with_ssid=with_ssid),
                [(*values[at], offer.student.full_name) for offer, values in zip(self.offers, by_offer, strict=True)],
            )
            for at, name in enumerate(names)
        ]


def shown_value(identity: Identity, name: str, *, with_ssid: bool) -> str:
    """A value for the page. Identifying numbers: the local one, and the current SSID masked."""
    value = getattr(identity, name)
    if with_ssid and name == "local_number" and identity.ssids and identity.ssids[0]:
        return " · ".join(filter(None, [str(value), mask_ssid(identity.ssids[0])]))
    return day_text(value) if isinstance(value, dt.date) else str(value or "")


# -- which runs, which lines -------------------------------------------------------------------------------------------


def _near(import_type: str) -> Q:
    """Issues of runs of this type that are about whose record a line is."""
    matching = get_type(import_type).matching
    return Q(code__in=matching.near_codes, severity=Severity.ERROR) | Q(code__in=matching.near_warnings)


def waiting_tests(tests: Sequence[ImportRun]) -> list[tuple[ImportRun, int]]:
    """The Tests among these that have lines to match, with the number of such issues."""
    asking = {
        code
        for t in all_types()
        if t.matching.remembers_matches
        for code in (*t.matching.near_codes, *t.matching.near_warnings)
    }
    return tests_with(tests, asking)


def number_shown(match: RememberedMatch) -> str:
    """The number of a remembered match; an SSID is masked."""
    if match.run is not None and get_type(match.run.import_type).matching.number_field == "local_number":
        return match.local_number
    return mask_ssid(match.local_number) if len(match.local_number) == 10 else match.local_number


def line_numbers(run: ImportRun, state: LineState, scope: Scope) -> list[int]:
    """Lines of one state, in file order."""
    issues = ImportIssue.objects.filter(scope.of_issues(), run=run, line__gt=0)
    if state == LineState.ACCEPTED:
        issues = issues.filter(code__in=ACCEPTED_CODES)
        return sorted(set(issues.values_list("line", flat=True)))
    near = set(issues.filter(_near(run.import_type)).values_list("line", flat=True))
    refused = near & set(_refused(run).values_list("line", flat=True))
    return sorted(refused if state == LineState.REFUSED else near - refused)


def _refused(run: ImportRun) -> QuerySet[MatchDecision]:
    return MatchDecision.objects.filter(run=run, subject=MATCH, answer=REFUSE)


def open_count(run: ImportRun, scope: Scope) -> int:
    """How many lines wait, in one statement: for pages that only show the number."""
    near = ImportIssue.objects.filter(_near(run.import_type), scope.of_issues(), run=run, line__gt=0)
    return near.exclude(line__in=_refused(run).values("line")).values("line").distinct().count()


def open_lines(runs: Sequence[ImportRun], shown: Q, most: int) -> int:
    """The number of waiting lines of these Tests that match `shown`; no more than `most` are counted."""
    return _open(runs, shown).values("run_id", "line").distinct()[:most].count()


def open_by_run(runs: Sequence[ImportRun], shown: Q) -> dict[int, int]:
    """How many lines of each of these Tests wait, by run id; a run without any is left out."""
    return dict(_open(runs, shown).values_list("run_id").annotate(lines=Count("line", distinct=True)))


def _open(runs: Sequence[ImportRun], shown: Q) -> QuerySet[ImportIssue]:
    # A condition for each type, not for each Test: the menu of every page runs this, for up to fifty Tests.
    of_type: dict[str, list[int]] = {}
    for run in runs:
        of_type.setdefault(run.import_type, []).append(run.pk)
    near = reduce(or_, (Q(run_id__in=ids) & _near(key) for key, ids in of_type.items()), Q())
    refused = MatchDecision.objects.filter(
        run_id=OuterRef("run_id"), line=OuterRef("line"), subject=MATCH, answer=REFUSE
    )
    return ImportIssue.objects.filter(near, shown, ~Exists(refused), line__gt=0).order_by()


def counts(run: ImportRun, scope: Scope) -> dict[str, int]:
    return {state.value: len(line_numbers(run, state, scope)) for state in LineState}


def identities(run: ImportRun, lines: Iterable[int]) -> dict[int, Identity]:
    """What the file says about the person in each line."""
    by_ssid = get_type(run.import_type).matching.number_field == "ssid"
    fields = (*IDENTITY, *BIRTH_PLACE, "ssid", "local_student_id") if by_ssid else (*IDENTITY, *BIRTH_PLACE)
    return {number: _identity(record, by_ssid=by_ssid) for number, record in read_records(run, lines, fields).items()}


def _identity(record: dict[str, str | None], *, by_ssid: bool) -> Identity:
    born = record.get("birth_date")
    return Identity(
        last_name=record.get("last_name") or "",
        first_name=record.get("first_name") or "",
        middle_name=record.get("middle_name") or "",
        birth_date=dt.date.fromisoformat(born) if born else None,
        gender=record.get("gender") or "",
        birth_country=record.get("birth_country") or "",
        birth_state=record.get("birth_state") or "",
        local_number=record.get("local_number") or record.get("local_student_id") or "",
        ssids=(record.get("ssid") or "",) if by_ssid else (),
    )


def desk_lines(run: ImportRun, lines: Sequence[int], state: LineState, scope: Scope) -> list[DeskLine]:
    """The lines of one page with their candidates: a handful of queries, however many lines."""
    given = identities(run, lines)
    decisions = {
        d.line: d
        for d in MatchDecision.objects.filter(run=run, subject=MATCH, line__in=lines).select_related("made_by")
    }
    limit = scope.limit(run)
    found = find_candidates(given, schools=limit) if state != LineState.ACCEPTED else {}
    accepted = _accepted_students(run, lines) if state == LineState.ACCEPTED else {}
    wanted = {c.student_id for offers in found.values() for c in offers} | set(accepted.values())
    students = in_scope(limit).select_related("school", "lea").prefetch_related("ssids").in_bulk(list(wanted))
    causes_of = causes(run, lines)
    result = []
    for number in lines:
        if number not in given:
            continue
        entry = DeskLine(number, state, given[number], causes_of[number][0], decisions.get(number))
        entry.student = students.get(accepted.get(number, 0))
        near = [c for c in found.get(number, []) if c.student_id in students and c.total >= LEAST_SHOWN]
        entry.offers = [_offer(students, c) for c in near]
        if entry.student is not None:
            entry.offers = [Offer(entry.student, compare(entry.given, identity_of(entry.student)))]
        result.append(entry)
    return result


def _offer(students: dict[int, Student], candidate: Candidate) -> Offer:
    return Offer(students[candidate.student_id], candidate.comparison)


def causes(run: ImportRun, lines: Sequence[int]) -> dict[int, tuple[tuple[str, ...], int | None]]:
    """Why each of these lines is on the desk: codes in the order of the report, and the school that they are about."""
    by_line: dict[int, tuple[tuple[str, ...], int | None]] = dict.fromkeys(lines, ((), None))
    issues = ImportIssue.objects.filter(
        _near(run.import_type) | Q(code__in=[*ACCEPTED_CODES, "MATCH-OUTDATED"]), run=run, line__in=lines
    )
    for line, code, school in issues.order_by("line", "seq").values_list("line", "code", "school_id"):
        found, known_school = by_line[line]
        by_line[line] = (found if code in found else (*found, code), known_school or school)
    return by_line


def _accepted_students(run: ImportRun, lines: Sequence[int]) -> dict[int, int]:
    issues = ImportIssue.objects.filter(run=run, line__in=lines, code__in=ACCEPTED_CODES, student_id__isnull=False)
    return {line: student or 0 for line, student in issues.values_list("line", "student_id")}


def likeness(run: ImportRun, lines: Sequence[int], state: LineState, scope: Scope) -> dict[int, float]:
    """How alike (0 to 100) the student is to each line: the most alike one, or the one it was accepted for. Two queries
    and one read of the file for a block of lines; it shows no record. A line without a candidate is left out."""
    alike: dict[int, float] = {}
    accepted = _accepted_students(run, lines) if state == LineState.ACCEPTED else None
    for block in chunked(list(lines), _BLOCK):
        found = find_candidates(identities(run, block), schools=scope.limit(run), limit=JUDGED)
        for line, candidates in found.items():
            totals = [c.total for c in candidates if accepted is None or c.student_id == accepted.get(line)]
            if totals and (accepted is not None or totals[0] >= LEAST_SHOWN):
                alike[line] = totals[0]
    return alike


# -- search ------------------------------------------------------------------------------------------------------------


def search_students(text: str, given: Identity, *, schools: Collection[int] | None, limit: int = 20) -> list[Offer]:
    """Students by local number, SSID, birth date or the beginning of names, those most like the line first."""
    ids = find_students(schools, text, limit=_SEARCHED).ids() if text.strip() else []
    students = Student.objects.filter(pk__in=ids).select_related("school").prefetch_related("ssids")
    offers = [Offer(student, compare(given, identity_of(student))) for student in students]
    return sorted(offers, key=lambda offer: -offer.total)[:limit]


def score_of(given: Identity | None, student: Student) -> Decimal | None:
    """How alike a student is to a line, as stored with a decision; None if the line has no record."""
    return Decimal(str(round(compare(given, identity_of(student)).total, 1))) if given else None


# -- many at once ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line that would be accepted for a student."""

    line: int
    student_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Proposals:
    """What accepting all at or above a threshold would do now. `digest` tells whether a later look finds the same."""

    threshold: float
    found: tuple[Proposal, ...]
    looked_at: int
    left_out: int

    @property
    def digest(self) -> str:
        text = ";".join(f"{p.line}:{p.student_id}" for p in self.found)
        return hashlib.sha256(f"{self.threshold}|{text}".encode()).hexdigest()


def propose(run: ImportRun, threshold: float, scope: Scope) -> Proposals:
    """The open lines with one candidate that is safe to accept at this threshold (see matching.safe_best). A student is
    proposed for one line only: a person must judge two lines that mean the same student."""
    decided = set(MatchDecision.objects.filter(run=run, subject=MATCH).values_list("line", flat=True))
    lines = [line for line in line_numbers(run, LineState.OPEN, scope) if line not in decided]
    chosen: list[Proposal] = []
    for block in chunked(lines[:MAX_AT_ONCE], _BLOCK):
        found = find_candidates(identities(run, block), schools=scope.limit(run), limit=JUDGED)
        for number, candidates in found.items():
            best = safe_best([candidate.comparison for candidate in candidates], threshold=threshold)
            if best is not None:
                chosen.append(Proposal(number, candidates[best].student_id, candidates[best].total))
    times: dict[int, int] = {}
    for proposal in chosen:
        times[proposal.student_id] = times.get(proposal.student_id, 0) + 1
    single = tuple(sorted((p for p in chosen if times[p.student_id] == 1), key=lambda p: p.line))
    return Proposals(threshold, single, min(len(lines), MAX_AT_ONCE), max(len(lines) - MAX_AT_ONCE, 0))


def accept_all(run: ImportRun, proposals: Proposals, *, user: object, scope: Scope) -> ImportRun:
    """Accept what a preview showed. Raises DecisionRefusedError like `decide`."""
    reason = f"Accepted with all others at {proposals.threshold:g} or above"
    decisions = [
        Decision(
            line=p.line,
            subject=MATCH,
            answer=ACCEPT,
            student_id=p.student_id,
            score=Decimal(str(p.score)),
            reason=reason,
            seen=0,
        )
        for p in proposals.found
    ]
    return decide(run_id=run.pk, decisions=decisions, user=user, schools=scope.limit(run))  # type: ignore[arg-type]
