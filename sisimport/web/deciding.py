"""What the pages for decisions on lines of a Test share, and the register of decision queues.

DecisionQueue   a domain's lines that wait for a decision; registered in its navigation.py
queues()        all of them: used by the match desk's index, the number in the menu and the card on a run's page
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, QueryDict
from django.shortcuts import get_object_or_404

from sisimport.accounts.access import sees_whole_run, visible_runs
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.decisions import DecidedMeanwhileError, DecisionRefusedError
from sisimport.imports.runs.scope import Scope, undecided_tests
from students.access import User, visible_school_ids

# Marks of one kind: all of them, the lines that one is about, and the function that saves some of them in one
# transaction.
Work = tuple[Sequence[Any], Callable[[Any], Sequence[int]], Callable[[Sequence[Any]], None]]


@dataclass(frozen=True, kw_only=True)
class DecisionQueue:
    """Lines of Tests that wait for a person's decision.

    heading: above the Tests on the desk's index. label: of the link on a run's page. noun: what is counted.
    url_name: the page of a Test, takes the run's id; url_names: further pages that belong to it.
    waiting: the given Tests that have lines to decide on, and the number of their issues. open_count: waiting lines of
    a Test within a scope. open_lines: waiting lines of several Tests that match a condition on their schools, counted
    up to a limit, in one statement; open_by_run: the same for each of these Tests. takes_near_lines: people say here
    whose record a line is.
    """

    heading: str
    label: str
    noun: str
    url_name: str
    waiting: Callable[[Sequence[ImportRun]], list[tuple[ImportRun, int]]]
    open_count: Callable[[ImportRun, Scope], int]
    open_lines: Callable[[Sequence[ImportRun], Q, int], int]
    open_by_run: Callable[[Sequence[ImportRun], Q], dict[int, int]]
    url_names: tuple[str, ...] = ()
    takes_near_lines: bool = False
    order: int = 50


_queues: list[DecisionQueue] = []


def register_queue(queue: DecisionQueue) -> None:
    _queues.append(queue)


def queues() -> list[DecisionQueue]:
    """All registered queues, in order."""
    return sorted(_queues, key=lambda queue: queue.order)


def scope_of(request: HttpRequest, run: ImportRun) -> Scope:
    return Scope(visible_school_ids(request.user), sees_whole_run(request.user, run))


def lines_waiting(user: User, *, most: int) -> int:
    """Lines that wait for a decision in all Tests the user may open; no more than `most` are counted."""
    undecided, total = undecided_tests(visible_runs(user), to_count=True), 0
    for queue in queues():
        tests = [run for run, _findings in queue.waiting(undecided)]
        if tests and total < most:
            total += queue.open_lines(tests, _visible_lines(user, tests), most - total)
    return total


def tests_waiting(user: User, queue: DecisionQueue) -> list[tuple[ImportRun, int]]:
    """Tests of the user with such lines, each with how many still wait: the number in the menu and on the run's
    page."""
    tests = [run for run, _findings in queue.waiting(undecided_tests(visible_runs(user)))]
    still = queue.open_by_run(tests, _visible_lines(user, tests)) if tests else {}
    return [(run, still.get(run.pk, 0)) for run in tests]


def _visible_lines(user: User, tests: Sequence[ImportRun]) -> Q:
    """Condition on lines, by `run_id` and `school_id`: those about students the user may see and, in runs the user sees
    whole, those about no student."""
    schools = visible_school_ids(user)
    if schools is None:
        return Q()
    whole = [run.pk for run in tests if sees_whole_run(user, run)]
    return Q(school_id__in=sorted(schools)) | Q(school_id__isnull=True, run_id__in=whole)


def open_run(request: HttpRequest, run_id: int, types: list[str]) -> ImportRun:
    """The run, if it is one of these types and the reader may open it; else 404."""
    runs: QuerySet[ImportRun] = visible_runs(request.user).select_related("file", "created_by")
    run: ImportRun = get_object_or_404(runs, pk=run_id, import_type__in=types)
    return run


def save(request: HttpRequest, work: Sequence[Work], noun: str) -> None:
    """Save what was marked, except lines that another user decided after the page was shown, and report the result."""
    done, surprise = 0, ""
    try:
        for marks, lines_of, act in work:
            left = list(marks)
            while left:
                try:
                    act(left)
                except DecidedMeanwhileError as error:
                    surprise = surprise or str(error)
                    left = [mark for mark in left if error.lines.isdisjoint(lines_of(mark))]
                else:
                    done += len(left)
                    break
    except DecisionRefusedError as error:
        messages.error(request, str(error))
    if surprise:
        messages.warning(request, surprise)
    if done:
        messages.success(request, f"Saved {counted(done, noun)}.")
    elif not any(marks for marks, _lines_of, _act in work):
        messages.info(request, "Nothing was marked.")


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 match`, `2,000 matches`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def seen_of(post: QueryDict, line: int) -> int | None:
    """The decision on this line that the page showed."""
    value = post.get(f"seen-{line}", "")
    return int(value) if re.fullmatch(r"\d{1,18}", value) else None
