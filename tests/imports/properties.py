"""What holds for any file over any small district: checks shared by the property tests of the import types."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from hypothesis import HealthCheck, Phase, event, settings

from sisimport.imports.models import ImportChange, RunStatus, SetAside
from sisimport.imports.runs import services
from tests.imports.journey import Report, finish, revert, run_file, snapshot
from tests.longer import FAST, LONG

# Few examples in the suite, more in `script/test faults`, many when somebody looks for trouble:
# HYPOTHESIS_EXAMPLES=500 script/test …


def examples(number: int) -> int:
    """So many examples of a property that needs no database in `script/test faults`, a fourth of them in `script/test`,
    a tenth in `script/test fast`."""
    return number if LONG else max(number // (10 if FAST else 4), 1)


def examples_of_runs(number: int) -> int:
    """So many examples of a property that takes files through runs in `script/test faults`, a third of them in `script/test`."""
    return int(os.environ.get("HYPOTHESIS_EXAMPLES") or (number if LONG else max(number // 3, 1)))


few = settings(
    max_examples=examples_of_runs(6),
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    derandomize=not os.environ.get("HYPOTHESIS_EXAMPLES"),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def adds_up(report: Report) -> None:
    run = report.run
    counts = run.outcome_counts
    assert sum(counts.values()) == run.record_count, counts
    assert all(count >= 0 for count in counts.values()), counts
    for severity in ("error", "warning", "notice"):
        assert getattr(run, f"{severity}_count") == sum(i["severity"] == severity for i in report.issues), severity


def journey_holds(import_type: str, content: str, options: Mapping[str, str]) -> None:
    """Test plans, Update does exactly that, a second one does nothing, Revert restores."""
    before = snapshot()
    test = run_file(import_type, content, options=options)
    assert snapshot() == before
    event(f"{test.run.status}, would change something: {bool(test.changes)}")
    if test.run.status == RunStatus.REJECTED:
        assert test.run.message
        return
    assert test.run.status == RunStatus.COMPLETED, test.run.message
    adds_up(test)

    update = finish(services.start_update(test_run=test.run, user=None, enqueue=False))
    assert update.run.status == RunStatus.COMPLETED, update.run.message
    adds_up(update)
    assert update.changes == test.changes
    assert update.run.import_count == test.run.planned_count
    assert update.run.set_aside_count == 0
    after = snapshot()

    again = run_file(import_type, content, options=options)
    adds_up(again)
    assert again.changes == []
    finish(services.start_update(test_run=again.run, user=None, enqueue=False))
    assert snapshot() == after

    undone = revert(update.run)
    adds_up(undone)
    assert undone.run.set_aside_count == 0
    assert snapshot() == before


def edits_are_kept(
    import_type: str, content: str, options: Mapping[str, str], edit: Callable[[], None], later_edit: Callable[[], None]
) -> None:
    """Whatever people edit between Test and Update, and before Revert: nothing breaks and every line is accounted for."""
    test = run_file(import_type, content, options=options)
    if test.run.status != RunStatus.COMPLETED:
        return
    edit()
    update = finish(services.start_update(test_run=test.run, user=None, enqueue=False))
    assert update.run.status == RunStatus.COMPLETED, update.run.message
    adds_up(update)
    event(f"something set aside: {update.run.set_aside_count > 0}")
    aside = SetAside.objects.filter(run=update.run).exclude(reason="done").values_list("line", "seq")
    lines_with_changes = {line for line, _seq in aside}
    assert {i["line"] for i in update.issues if i["code"] == "CHANGED-SINCE-TEST"} == lines_with_changes
    planned = set(ImportChange.objects.filter(run=test.run).values_list("line", "seq"))
    assert set(aside) <= planned

    later_edit()
    undone = revert(update.run)
    assert undone.run.status == RunStatus.COMPLETED, undone.run.message
    adds_up(undone)


class RolledBack(transaction.Atomic):
    """A savepoint that is undone at its end: for several files over what a test has made."""

    def __init__(self) -> None:
        super().__init__(using=None, savepoint=True, durable=False)

    def __exit__(self, *problem: object) -> None:
        if problem[0] is None:
            transaction.set_rollback(True)
        super().__exit__(*problem)


class OneExample(RolledBack):
    """The same with a connection of its own, for examples that make all they need: what the test has made is not there.

    Under a savepoint the server keeps what it knows of the tables of each example until the test ends, some 75 MB each.
    """

    def __init__(self) -> None:
        super().__init__()
        self._from_testcase = True  # what asks for the outermost transaction may have this one
        self._outer: Any = None

    def __enter__(self) -> None:
        self._outer = connections[DEFAULT_DB_ALIAS]
        connections[DEFAULT_DB_ALIAS] = connections.create_connection(DEFAULT_DB_ALIAS)
        super().__enter__()

    def __exit__(self, *problem: object) -> None:
        own = connections[DEFAULT_DB_ALIAS]
        try:
            super().__exit__(*problem)
        finally:
            own.close()
            connections[DEFAULT_DB_ALIAS] = self._outer
