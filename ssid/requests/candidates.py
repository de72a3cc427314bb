"""Choosing candidates of a match results file on the screen: requests side by side with what the state offers."""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet

from sisimport.imports.models import ImportIssue, ImportRun, MatchDecision
from sisimport.imports.runs.decisions import ACCEPT, CANDIDATE, REFUSE, Decision, decide
from sisimport.imports.runs.scope import Scope, in_scope, tests_with
from sisimport.imports.storage.records import read_records
from ssid.imports.match_results_staging import YES
from ssid.models import MatchRequest
from ssid.models.request_rows import TAKEN, Pick
from students.matching.scores import fold
from students.models import Student
from students.models.identifiers import mask_ssid

MAX_AT_ONCE = 20_000
# What a request and a candidate have in common: label, field submitted, field of the candidate, attribute of our student.
COMPARED = (
    ("Last name", "last_name", "result_last_name", "match_last_name"),
    ("First name", "first_name", "result_first_name", "match_first_name"),
    ("Middle name", "middle_name", "result_middle_name", "match_middle_name"),
    ("Alias last name", "alias_last_name", "result_alias_last_name", "alias_last_name"),
    ("Alias first name", "alias_first_name", "result_alias_first_name", "alias_first_name"),
    ("Birth date", "birth_date", "result_birth_date", "birth_date"),
    ("Gender", "gender", "result_gender", "gender"),
    ("Birth country", "birth_country", "result_birth_country", "birth_country"),
    ("Birth state", "birth_state", "result_birth_state", "birth_state"),
)
# Columns that every file has; the others may be missing.
ALWAYS_SENT = frozenset({"last_name", "first_name", "middle_name", "birth_date", "gender"})
# Columns that only the candidate has.
OFFERED = (
    ("Last known school", ("result_lea", "result_school")),
    ("Local number there", ("result_local_number",)),
    ("Grade", ("grade",)),
    ("Enrolled", ("result_enrollment_start", "result_enrollment_exit")),
    ("Exit reason", ("result_exit_reason",)),
    ("English learner", ("elas", "elas_date")),
    ("Primary language", ("language",)),
    ("Guardian 1", ("guardian1_first_name", "guardian1_last_name")),
    ("Guardian 2", ("guardian2_first_name", "guardian2_last_name")),
    ("SSID created", ("ssid_created",)),
)
_FIELDS = tuple(
    dict.fromkeys(
        [
            *(name for _label, submitted, result, _own in COMPARED for name in (submitted, result)),
            *(name for _label, names in OFFERED for name in names),
            *("local_number", "ssid", "score", "category", "selection"),
        ]
    )
)
STATES = {
    "open": (Pick.OPEN, Pick.MANY),
    "chosen": (Pick.CHOSEN, Pick.SCORE),
    "refused": (Pick.REFUSED,),
    "none": (Pick.NONE,),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a candidate and the submitted one: `differs` if both have a value and the two are not equal."""

    value: str
    differs: bool = False
    nearly: bool = False


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate: its line, masked SSID, the score as delivered."""

    line: int
    masked: str
    score: str
    marked: bool
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class RequestCard:
    """One request with its candidates, as the page shows it."""

    request: MatchRequest
    submitted: dict[str, str]
    student: Student | None
    candidates: list[CandidateRow]
    decision: MatchDecision | None
    problems: tuple[str, ...]

    def rows(self) -> list[tuple[str, str, Cell, list[Cell]]]:
        """Label, submitted value, current value on record, and the value of each candidate."""
        rows = []
        for label, submitted, result, own in COMPARED:
            sent = self.submitted.get(submitted, "")
            held = str(getattr(self.student, own) or "") if self.student else ""
            cells = [_cell(row.values.get(result, ""), sent) for row in self.candidates]
            if sent or held or any(cell.value for cell in cells):
                compared = self.student is not None and (sent or submitted in ALWAYS_SENT)
                rows.append((label, sent, Cell(held, *_difference(held, sent)) if compared else Cell(held), cells))
        for label, names in OFFERED:
            cells = [
                Cell(" ".join(row.values.get(n, "") for n in names if row.values.get(n))) for row in self.candidates
            ]
            if any(cell.value for cell in cells):
                rows.append((label, "", Cell(""), cells))
        return rows


def _cell(value: str, sent: str) -> Cell:
    """A candidate's value; a blank one from the state does not count as a difference."""
    return Cell(value, *_difference(value, sent)) if value else Cell(value)


def _difference(value: str, sent: str) -> tuple[bool, bool]:
    """Whether they differ, and if so, whether only by case, accents and the like."""
    return value != sent, value != sent and fold(value) == fold(sent)


def _is_yes(mark: str) -> bool:
    return re.match(YES, mark, re.IGNORECASE) is not None


def requests_of(run: ImportRun, state: str, scope: Scope) -> QuerySet[MatchRequest]:
    """Requests of one state that the reader may see, in file order."""
    requests = MatchRequest.objects.filter(run=run, state__in=STATES[state]).order_by("line")
    return requests.filter(scope.of_issues())


def open_requests(runs: Sequence[ImportRun], shown: Q, most: int) -> int:
    """The number of requests of these Tests without a choice that match `shown`; no more than `most` are counted."""
    return _open(runs, shown)[:most].count()


def open_by_run(runs: Sequence[ImportRun], shown: Q) -> dict[int, int]:
    """How many requests of each of these Tests wait for a choice, by run id; a run without any is left out."""
    return dict(_open(runs, shown).values_list("run_id").annotate(requests=Count("line")))


def _open(runs: Sequence[ImportRun], shown: Q) -> QuerySet[MatchRequest]:
    ids = [run.pk for run in runs]
    return MatchRequest.objects.filter(shown, run_id__in=ids, state__in=STATES["open"]).order_by()


def waiting_tests(tests: Sequence[ImportRun]) -> list[tuple[ImportRun, int]]:
    """The Tests of match results, among these, that wait for choices, with the number of waiting lines."""
    return tests_with(tests, ("SEL-NONE", "SEL-MANY", "SEL-MARK"))


def requests_in(run: ImportRun, lines: Collection[int], scope: Scope) -> QuerySet[MatchRequest]:
    """Requests by their first lines, if the reader may see them."""
    return MatchRequest.objects.filter(scope.of_issues(), run=run, line__in=lines)


def counts(run: ImportRun, scope: Scope) -> dict[str, int]:
    return {state: requests_of(run, state, scope).count() for state in STATES}


def cards(run: ImportRun, requests: Sequence[MatchRequest], scope: Scope) -> list[RequestCard]:
    """Everything for one page, in a handful of queries and one read of the file."""
    lines = [line for request in requests for line in request.lines]
    records = read_records(run, lines, _FIELDS)
    students = (
        in_scope(scope.limit(run)).select_related("school").in_bulk([r.student_id for r in requests if r.student_id])
    )
    decisions = {
        d.line: d
        for d in MatchDecision.objects.filter(run=run, subject=CANDIDATE, line__in=lines).select_related("made_by")
    }
    problems: dict[int, list[str]] = {}
    issues = ImportIssue.objects.filter(run=run, line__in=lines, severity__gt=1).exclude(
        code__in=["SEL-NONE", "SEL-MANY", "SEL-MARK"]
    )
    for line, code in issues.order_by("line", "seq").values_list("line", "code"):
        problems.setdefault(line, []).append(code)
    result = []
    for request in requests:
        held = {line: {k: v or "" for k, v in records[line].items()} for line in request.lines if line in records}
        if not held:
            continue
        result.append(
            RequestCard(
                request=request,
                submitted=next(iter(held.values())),
                student=students.get(request.student_id or 0),
                candidates=[
                    CandidateRow(
                        line, mask_ssid(v.get("ssid", "")), v.get("score", ""), _is_yes(v.get("selection") or ""), v
                    )
                    for line, v in held.items()
                    if v.get("ssid") or request.state != Pick.NONE
                ],
                decision=next((decisions[line] for line in request.lines if line in decisions), None),
                problems=tuple(dict.fromkeys(code for line in request.lines for code in problems.get(line, []))),
            )
        )
    return result


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to one request: the line of the candidate, or None when none of them is the student."""

    request_line: int
    candidate_line: int | None
    reason: str = ""
    seen: int | None = None  # the decision that the person saw, as in imports.decisions.Decision


def choose(run: ImportRun, choices: Sequence[Choice], *, user: object, scope: Scope) -> ImportRun:
    """Save choices for requests that the reader may see. Raises DecisionRefusedError like `decide`, and KeyError for a
    line that is not a candidate of its request."""
    wanted = {choice.request_line for choice in choices}
    requests = {r.line: r for r in requests_in(run, wanted, scope)}
    decisions = []
    for choice in choices:
        request = requests[choice.request_line]
        line = choice.candidate_line if choice.candidate_line is not None else request.line
        if line not in request.lines:
            raise KeyError(line)
        answer = ACCEPT if choice.candidate_line is not None else REFUSE
        decisions.append(
            Decision(
                line=line,
                subject=CANDIDATE,
                answer=answer,
                reason=choice.reason,
                over=tuple(request.lines),
                seen=choice.seen,
            )
        )
    return decide(run_id=run.pk, decisions=decisions, user=user, schools=scope.limit(run))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Picks:
    """The best candidates of all waiting requests at or above a score: each the only best one of its request."""

    score: int
    found: tuple[MatchRequest, ...]

    @property
    def digest(self) -> str:
        text = ";".join(f"{r.line}:{r.best_line}" for r in self.found)
        return hashlib.sha256(f"{self.score}|{text}".encode()).hexdigest()


def propose(run: ImportRun, score: int, scope: Scope) -> Picks:
    """What choosing all at or above this score would do now; requests with other errors are left to a person, and so is
    an SSID that is best for two requests or already chosen."""
    requests = list(
        requests_of(run, "open", scope)
        .filter(best_score__gte=score, best_line__isnull=False, has_errors=False)
        .order_by("line")[:MAX_AT_ONCE]
    )
    decided = MatchRequest.objects.filter(run=run, state__in=TAKEN).annotate(at=F("chosen_line"))
    lines = [r.best_line for r in requests if r.best_line] + list(decided.values_list("at", flat=True))
    ssids = {line: v.get("ssid") or "" for line, v in read_records(run, [n for n in lines if n], ["ssid"]).items()}
    times: dict[str, int] = {}
    for ssid in ssids.values():
        times[ssid] = times.get(ssid, 0) + 1
    return Picks(score, tuple(r for r in requests if times.get(ssids.get(r.best_line or 0, ""), 0) == 1))


def choose_all(run: ImportRun, picks: Picks, *, user: object, scope: Scope) -> ImportRun:
    """Choose what a preview showed."""
    reason = f"Chosen with all others at {picks.score}% or above"
    return choose(run, [Choice(r.line, r.best_line, reason, seen=0) for r in picks.found], user=user, scope=scope)
