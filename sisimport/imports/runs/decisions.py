"""People's decisions about the lines of a completed Test: accept or refuse a match, choose a candidate, take it back.

Every call is one transaction: the decisions, the matches remembered from them, and the plan of the lines they touch.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from sisimport.files.issues import FileError
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine.accepted_matches import IDENTITY, key_of
from sisimport.imports.engine.replanning import replan
from sisimport.imports.models import UNDECIDED, ImportRun, MatchDecision, RememberedMatch, RunStatus, Work
from sisimport.imports.storage.records import read_records
from sisimport.runtime.row_scope import across_schools
from students.models import Student

MATCH, CANDIDATE = MatchDecision.Subject.MATCH, MatchDecision.Subject.CANDIDATE
ACCEPT, REFUSE = MatchDecision.Answer.ACCEPT, MatchDecision.Answer.REFUSE
MAX_REASON = 500
# Lines that one decision is about, and the key of the decision on them that the person saw (0: there was none; None: any).
Seen = tuple[tuple[int, ...], int | None]


class DecisionRefusedError(Exception):
    """A decision that cannot be made; its text is for the user."""


class DecidedMeanwhileError(DecisionRefusedError):
    """Another person decided on these lines after the page was shown: that decision is kept, and must be reviewed first."""

    def __init__(self, surprises: Mapping[tuple[int, ...], str]) -> None:
        """`surprises`: lines that one decision is about -> who decided differently, empty if the decision was taken back."""
        self.lines = frozenset(line for several in surprises for line in several)
        first = sorted(several[0] for several in surprises)
        shown = ", ".join(f"{line:,}" for line in first[:5]) + (" …" if len(first) > 5 else "")
        whom = " and ".join(sorted({name for name in surprises.values() if name})) or "Someone"
        super().__init__(
            f"{whom} decided on line {shown} after you opened the page. That decision is kept; check it before you change it."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One answer on one line. `student_id`: whose record it is (accepted matches). `score`: as shown.

    `over`: other lines whose decision on the same subject it replaces (the other candidates of a request).
    `seen`: the decision on all these lines that the person saw, see Seen.
    """

    line: int
    subject: MatchDecision.Subject
    answer: MatchDecision.Answer
    student_id: int | None = None
    score: Decimal | None = None
    reason: str = ""
    over: tuple[int, ...] = ()
    seen: int | None = None


def why_closed(run: ImportRun) -> str:
    """Why decisions on this run are no longer possible; empty if they are."""
    if run.work != Work.TEST or run.status != RunStatus.COMPLETED:
        return "Only a completed Test can be decided on."
    updates = ImportRun.objects.filter(test_run=run, status__in=[*UNDECIDED, RunStatus.COMPLETED])
    if RunStatus.HELD in set(updates.values_list("status", flat=True)):
        return "Its Update is held for approval: withdraw that first, or test the file again."
    if updates.exists():
        return "This Test has already been updated. Test the file again to decide on its lines."
    if run.file is None:
        return "The file of this Test is no longer kept."
    return ""


def decide(
    *,
    run_id: int,
    decisions: Sequence[Decision],
    user: AbstractBaseUser | None,
    schools: Collection[int] | None,
) -> ImportRun:
    """Record decisions and plan the lines they touch again. `schools`: those whose students the user may see (None: all).

    Raises DecisionRefusedError: closed run, unknown line, student of another school; DecidedMeanwhileError.
    """
    if not decisions:
        raise DecisionRefusedError("Nothing was chosen. Mark at least one line.")
    with transaction.atomic():
        run = open_run(run_id)
        lines = {decision.line for decision in decisions}
        records = _records(run, lines)
        students = _students(run, decisions, schools)
        freed: set[int] = set()
        for subject in {decision.subject for decision in decisions}:
            about = [decision for decision in decisions if decision.subject == subject]
            touched = _without_surprise(run, subject, [((d.line, *d.over), d.seen) for d in about])
            freed |= _given_up(run, subject, touched)
        MatchDecision.objects.bulk_create(
            MatchDecision(
                run=run,
                line=d.line,
                subject=d.subject,
                answer=d.answer,
                student_id=d.student_id,
                score=d.score,
                reason=d.reason.strip()[:MAX_REASON],
                made_by=user,  # type: ignore[misc]
            )
            for d in decisions
        )
        if get_type(run.import_type).matching.remembers_matches:
            _remember(run, [d for d in decisions if d.subject == MATCH], records, students, user)
        replan_lines(run, lines | {line for decision in decisions for line in decision.over}, freed=freed)
    run.refresh_from_db()
    return run


def take_back(
    *,
    run_id: int,
    lines: Iterable[int],
    subject: MatchDecision.Subject,
    user: AbstractBaseUser | None,
    seen: Sequence[Seen] = (),
) -> ImportRun:
    """Un-match: remove the decisions on these lines, end the matches remembered for their values, and plan the lines as in the
    file. `seen`: the decisions that the person saw, if it matters.

    Raises DecisionRefusedError as `decide` does.
    """
    chosen = set(lines)
    with transaction.atomic():
        run = open_run(run_id)
        records = _records(run, chosen)
        _without_surprise(run, subject, seen)
        freed = _given_up(run, subject, chosen)
        if subject == MATCH:
            keys = [key_of(record, get_type(run.import_type).matching.number_field) for record in records.values()]
            _end(Q(key__in=keys), user)
        replan_lines(run, chosen, freed=freed)
    run.refresh_from_db()
    return run


def _given_up(run: ImportRun, subject: MatchDecision.Subject, lines: Collection[int]) -> set[int]:
    """Remove the decisions on these lines; return the students for whom matches were accepted."""
    given_up = MatchDecision.objects.filter(run=run, subject=subject, line__in=lines)
    students = given_up.filter(subject=MATCH, answer=ACCEPT, student_id__isnull=False)
    freed = set(students.values_list("student_id", flat=True))
    given_up.delete()
    return {pk for pk in freed if pk is not None}


def replan_lines(run: ImportRun, lines: set[int], *, freed: Collection[int] = ()) -> None:
    """Plan these lines, or the whole file, again. `freed`: students for whom lines were accepted.

    Raises DecisionRefusedError if that is not possible.
    """
    try:
        with across_schools():  # like the Test when a worker planned it
            replan(run, lines, freed=freed)
    except FileError as error:  # something the file needs no longer exists, such as the only set-up for its scores
        raise DecisionRefusedError(f"The lines cannot be planned again. {error} Test the whole file again.") from None


def open_run(run_id: int) -> ImportRun:
    """The Test, locked and open to decisions; raises DecisionRefusedError. Must run in a transaction."""
    # The row lock keeps an Update from being started meanwhile: its foreign key to the Test needs that row.
    run = ImportRun.objects.select_for_update(of=("self",)).select_related("file").get(pk=run_id)
    reason = why_closed(run)
    if reason:
        raise DecisionRefusedError(reason)
    return run


def _without_surprise(run: ImportRun, subject: MatchDecision.Subject, answers: Sequence[Seen]) -> set[int]:
    """All lines asked about; raises DecidedMeanwhileError if the decision on one of them is not the one the person saw.

    Runs under the lock on the run's row: if two people decide at the same time, the second finds the first's decision.
    """
    lines = {line for several, _seen in answers for line in several}
    held = {
        decision.line: decision
        for decision in MatchDecision.objects.filter(run=run, subject=subject, line__in=lines).select_related("made_by")
    }
    surprises = {}
    for several, seen in answers:
        found = next((held[line] for line in several if line in held), None)
        if seen is not None and (found.pk if found else 0) != seen:
            surprises[several] = str(found.made_by) if found and found.made_by else ""
    if surprises:
        raise DecidedMeanwhileError(surprises)
    return lines


def _records(run: ImportRun, lines: set[int]) -> dict[int, dict[str, str | None]]:
    """The values of these lines in the file; raises DecisionRefusedError if one of them holds no record."""
    records = read_records(run, lines, dict.fromkeys([*IDENTITY, get_type(run.import_type).matching.number_field]))
    if len(records) != len(lines):
        missing = ", ".join(str(n) for n in sorted(lines - set(records))[:5])
        raise DecisionRefusedError(
            f"The file has no record in line {missing} that could be decided on. Check the line in the report."
        )
    return records


def _students(run: ImportRun, decisions: Sequence[Decision], schools: Collection[int] | None) -> dict[int, int]:
    """Identity hash of every student named; checks that the run and the user may touch all of them."""
    wanted = {d.student_id for d in decisions if d.student_id is not None}
    students = Student.objects.filter(pk__in=wanted)
    for limit in (schools, run.schools):
        if limit is not None:
            students = students.filter(school_id__in=list(limit))
    hashes = dict(students.values_list("pk", "identity_hash"))
    if len(hashes) != len(wanted):
        raise DecisionRefusedError(
            "A student you chose is not one of your students. Choose another one, or ask someone who works for all schools."
        )
    return hashes


def _remember(
    run: ImportRun,
    decisions: Sequence[Decision],
    records: dict[int, dict[str, str | None]],
    students: dict[int, int],
    user: AbstractBaseUser | None,
) -> None:
    number = get_type(run.import_type).matching.number_field
    keys = {d.line: key_of(records[d.line], number) for d in decisions}
    _end(Q(key__in=list(keys.values())), user)
    accepted = {keys[d.line]: d for d in decisions if d.answer == ACCEPT and d.student_id is not None}
    RememberedMatch.objects.bulk_create(
        RememberedMatch(
            key=key,
            local_number=records[d.line].get(number) or "",
            student_id=d.student_id or 0,
            student_hash=students[d.student_id or 0],
            reason=d.reason.strip()[:MAX_REASON],
            run=run,
            line=d.line,
            made_by=user,  # type: ignore[misc]
        )
        for key, d in accepted.items()
    )


def _end(which: Q, user: AbstractBaseUser | None) -> None:
    RememberedMatch.objects.filter(which, ended_at__isnull=True).update(ended_at=timezone.now(), ended_by=user)
