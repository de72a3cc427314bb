"""Operations of the REST API: whose record a line of a Test is. What the match desk shows and accepts, for programs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from django.db import transaction
from django.http import Http404, HttpRequest
from ninja import Path, Query, Schema
from pydantic import Field

from sisimport.accounts.access import Capability, may_decide, sees_whole_run
from sisimport.accounts.scopes import Scope as TokenScope
from sisimport.api.application import operation
from sisimport.api.cursors import cursor, place
from sisimport.api.problems import ProblemError
from sisimport.api.runs import RUNS, find_run
from sisimport.api.schemas import Page, Plain, RunOut
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.decisions import (
    ACCEPT,
    MATCH,
    MAX_REASON,
    REFUSE,
    Decision,
    DecisionRefusedError,
    Seen,
    decide,
    take_back,
)
from sisimport.imports.runs.report import run_facts
from sisimport.imports.runs.scope import Scope, in_scope, matching_types
from sisimport.matching import desk
from sisimport.matching.desk import DeskLine, LineState, Offer
from students.access import log_views, visible_school_ids

MOST_LINE, MOST_KEY = 2**31 - 1, 2**63 - 1
MOST_AT_ONCE = 200  # as many as fit a page of lines and a request body


class NearLineFilters(Page):
    state: Literal["open", "accepted", "refused"] = Field("open", description="open: no decision yet.")
    limit: int = Field(
        50, ge=1, le=200, description="How many lines at most; candidates are searched for line by line."
    )


class NearStudentOut(Schema):
    lea: str
    local_number: str
    school: str | None = Field(description="Code of the school.")
    grade: str
    last_name: str
    first_name: str
    middle_name: str
    birth_date: str | None
    score: float = Field(description="How similar the student is to the line: 0 to 100.")
    likeness: str = Field(description="The score in words.")
    differences: list[str] = Field(description="Where student and line differ, in words.")


class NearLineOut(Schema):
    line: int
    state: str
    codes: list[str] = Field(description="Issue codes for which the line waits.")
    last_name: str = Field(description="This and the next: what the file says.")
    first_name: str
    middle_name: str
    birth_date: str | None
    local_number: str
    seen: int = Field(description="The decision on the line, to be sent back with another one; 0: none.")
    students: list[NearStudentOut] = Field(
        description="Most similar first; for an accepted line, the student it was accepted for."
    )


class NearLinesOut(Schema):
    items: list[NearLineOut]
    next: str | None = None


class LineDecision(Schema):
    line: int = Field(ge=1, le=MOST_LINE, description="A line that `near-lines` lists.")
    answer: Literal["accept", "refuse", "open"] = Field(
        description="accept: it is this student's. refuse: it belongs to no student on record. open: takes a decision back."
    )
    local_number: Plain = Field("", max_length=16, description="Of the student, to accept.")
    lea: Plain = Field("", max_length=7, description="Code of the student's LEA, where several use the number.")
    reason: Plain = Field("", max_length=MAX_REASON, description="Kept with the decision.")
    seen: int | None = Field(
        None, ge=0, le=MOST_KEY, description="`seen` of the line as it was listed: a decision made since then is kept."
    )


class DecisionsIn(Schema):
    decisions: list[LineDecision] = Field(min_length=1, max_length=MOST_AT_ONCE)


def _test_and_scope(request: HttpRequest, run_id: int) -> tuple[ImportRun, Scope]:
    """The Test, and which of its lines the token may see; 404 for a run of a type whose lines are not matched."""
    run = find_run(request, run_id)
    if run.import_type not in matching_types():
        raise Http404
    token: Any = request.api_token  # type: ignore[attr-defined]
    # Lines without a known student may be about other schools' students: they are only for users who may see those too.
    whole = token.schools is None and sees_whole_run(request.user, run)
    return run, Scope(visible_school_ids(request.user), whole)


@operation(
    "GET",
    "/runs/{run_id}/near-lines",
    name="list_near_lines",
    summary="Lines of a Test that nearly match a student, with the students who may be the right ones",
    response=NearLinesOut,
    scopes=[TokenScope.RUNS_READ, TokenScope.STUDENTS_READ],
    each_scope=True,
    capability=Capability.EXPORT,
    filters=NearLineFilters,
    tag=RUNS,
)
def list_near_lines(request: HttpRequest, run_id: Path[int], filters: Query[NearLineFilters]) -> dict[str, Any]:
    run, scope = _test_and_scope(request, run_id)
    state, after = LineState(filters.state), place(request, filters)
    numbers = [line for line in desk.line_numbers(run, state, scope) if not after or line > after[0]]
    page = numbers[: filters.limit]
    lines = desk.desk_lines(run, page, state, scope) if page else []
    log_views(
        user=request.user,
        kind=AuditEntry.Kind.EXPORT,
        students=[offer.student.pk for line in lines for offer in line.offers],
        subject=f"run {run.pk}: near lines (REST API)",
    )
    return {
        "items": [_line(line) for line in lines],
        "next": cursor(request, filters, [page[-1]]) if len(numbers) > len(page) else None,
    }


def _line(line: DeskLine) -> dict[str, Any]:
    given = line.given
    return {
        "line": line.line,
        "state": line.state.value,
        "codes": list(line.codes),
        "last_name": given.last_name,
        "first_name": given.first_name,
        "middle_name": given.middle_name,
        "birth_date": given.birth_date.isoformat() if given.birth_date else None,
        "local_number": given.local_number,
        "seen": line.decision.pk if line.decision else 0,
        "students": [_student(offer) for offer in line.offers],
    }


def _student(offer: Offer) -> dict[str, Any]:
    student = offer.student
    return {
        "lea": student.lea.code,
        "local_number": student.local_number,
        "school": student.school.code if student.school else None,
        "grade": student.grade,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "middle_name": student.middle_name,
        "birth_date": student.birth_date.isoformat() if student.birth_date else None,
        "score": round(offer.total, 1),
        "likeness": offer.likeness,
        "differences": offer.differences,
    }


@operation(
    "POST",
    "/runs/{run_id}/decisions",
    name="decide_on_lines",
    summary="Decide which students lines of a Test belong to; all decisions are saved, or none, and the lines are planned again",
    response=RunOut,
    scopes=[TokenScope.IMPORTS_WRITE],
    capability=Capability.UPDATE,
    tag=RUNS,
)
def decide_on_lines(request: HttpRequest, run_id: Path[int], form: DecisionsIn) -> dict[str, Any]:
    run, scope = _test_and_scope(request, run_id)
    user: Any = request.user
    if not may_decide(user, run):
        raise ProblemError(
            "ROLE", "Only a user who may update this Test can decide on its lines; this token's user may not."
        )
    _refuse_other_lines(run, scope, form.decisions)
    students = _students_meant(run, scope, form.decisions)
    taken_back: list[Seen] = [((one.line,), one.seen) for one in form.decisions if one.answer == "open"]
    answers = [
        Decision(
            line=one.line,
            subject=MATCH,
            answer=ACCEPT if one.answer == "accept" else REFUSE,
            student_id=students.get(one.line, (None, None))[0],
            score=students.get(one.line, (None, None))[1],
            reason=one.reason,
            seen=one.seen,
        )
        for one in form.decisions
        if one.answer != "open"
    ]
    try:
        with transaction.atomic():
            if answers:
                run = decide(run_id=run.pk, decisions=answers, user=user, schools=scope.limit(run))
            if taken_back:
                lines = [line for several, _seen in taken_back for line in several]
                run = take_back(run_id=run.pk, lines=lines, subject=MATCH, user=user, seen=taken_back)
    except DecisionRefusedError as error:
        raise ProblemError("REFUSED", str(error)) from error
    return run_facts(run)


def _refuse_other_lines(run: ImportRun, scope: Scope, decisions: Sequence[LineDecision]) -> None:
    """Raises ProblemError for lines that do not wait for a decision, or for more than one answer on a line."""
    waiting = {line for state in LineState for line in desk.line_numbers(run, state, scope)}
    errors, seen = [], set()
    for at, one in enumerate(decisions):
        if one.line not in waiting:
            errors.append((f"decisions.{at}.line", f"Line {one.line} is not among the lines that near-lines lists."))
        elif one.line in seen:
            errors.append((f"decisions.{at}.line", f"Line {one.line} has two answers: send one."))
        seen.add(one.line)
    if errors:
        raise ProblemError("INVALID", errors=errors)


def _students_meant(
    run: ImportRun, scope: Scope, decisions: Sequence[LineDecision]
) -> dict[int, tuple[int, Decimal | None]]:
    """Line -> id of the named student, and how alike they are; raises ProblemError if there is none or more than
    one."""
    accepted = [(at, one) for at, one in enumerate(decisions) if one.answer == "accept"]
    numbers = {one.local_number for _at, one in accepted}
    students = (
        in_scope(scope.limit(run)).filter(local_number__in=numbers).select_related("lea").prefetch_related("ssids")
    )
    by_number: dict[str, list[Any]] = {}
    for student in students:
        by_number.setdefault(student.local_number, []).append(student)
    given = desk.identities(run, [one.line for _at, one in accepted])
    found: dict[int, tuple[int, Decimal | None]] = {}
    errors = []
    for at, one in accepted:
        several = [s for s in by_number.get(one.local_number, []) if one.lea in ("", s.lea.code)]
        if len(several) > 1:
            message = f"Line {one.line}: students of several LEAs have this number. Name the LEA."
            errors.append((f"decisions.{at}.lea", message))
        elif not several:
            message = f"Line {one.line}: this token sees no student with this number. Choose one that near-lines lists."
            errors.append((f"decisions.{at}.local_number", message))
        else:
            found[one.line] = (several[0].pk, desk.score_of(given.get(one.line), several[0]))
    if errors:
        raise ProblemError("INVALID", errors=errors)
    return found
