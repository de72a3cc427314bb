"""Tests as the database's roles: requests of test clients as the web server's, runs as the workers'. Fixtures stay the owner's.

    script/test roles tests/web      any tests: a right that a page lacks, or a row that it does not see, makes one fail

It is one session: what one role keeps in temporary tables goes when another takes over, as another session would not have it.

`acting_as` is for single tests. The roles, their rights and policies are in every test database (`stand_up`, called by
conftest.py): they bind nobody who is the owner.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.signals import request_finished, request_started
from django.db import Error, connection

from sisimport.runtime.database_roles import LIMITED, WEB, WORKER, role_name


def stand_up() -> None:
    """Make the limited roles of the test database, with their rights and policies: once, outside of any test's transaction, in
    which tables that were written can't be changed. They stay."""
    from sisimport.accounts.database_rights import make_roles

    make_roles(passwords=dict.fromkeys(LIMITED), new_passwords=False, keep_owner=True)


@contextlib.contextmanager
def acting_as(kind: str) -> Iterator[None]:
    """Within, the test's own database session has the rights of this role and no others. Statements that do not say whose rows
    they may see, as those of an armed program do (runtime/row_scope.py), see all."""
    before = _take(kind)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('sisimport.rows', 'all', true)")
    try:
        yield
    finally:
        _give_back(before)


def _take(kind: str) -> str:
    with _uncounted() as cursor:
        cursor.execute("SELECT current_setting('role'), set_config('role', %s, false)", [_role(kind)])
        (before, _now) = cursor.fetchone()
        cursor.execute("DISCARD TEMP")
    return str(before)


def _give_back(before: str) -> None:
    # A broken transaction is undone, and its role with it.
    with contextlib.suppress(psycopg.Error, Error), _uncounted() as cursor:
        cursor.execute("SELECT set_config('role', %s, false)", [before])
        cursor.execute("DISCARD TEMP")


def _uncounted() -> Any:
    """A cursor of the session whose statements no test counts."""
    connection.ensure_connection()
    return connection.connection.cursor()


def _role(kind: str) -> str:
    return role_name(str(connection.settings_dict["NAME"]), kind)


@contextlib.contextmanager
def pages_and_runs_as_roles() -> Iterator[None]:
    """Within, requests of test clients are the web role's, with its policies, and runs the workers'."""
    from sisimport.imports.runs import execution
    from sisimport.runtime import row_scope

    armed = row_scope.arm(True)  # as in a web server's process
    lock = execution.run_lock

    @contextlib.contextmanager
    def locked(run_id: int) -> Iterator[bool]:
        with lock(run_id) as mine, acting_as(WORKER):
            yield mine

    def begin(**_signal: Any) -> None:
        _take(WEB)

    def end(**_signal: Any) -> None:
        _give_back("none")

    request_started.connect(begin)
    request_finished.connect(end)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(execution, "run_lock", locked)
            yield
    finally:
        request_started.disconnect(begin)
        request_finished.disconnect(end)
        row_scope.arm(armed)


# ---- as a plugin ----

# Tests that cannot run so, and why: no page lacks a right there.
LEFT_OUT = {
    "tests/web/test_row_scope.py::test_every_page_says_the_same_on_both_sides_of_the_wall": "compares the roles with the owner",
    "tests/web/test_row_scope.py::test_a_page_that_forgets_to_ask_shows_nobody_of_another_school": "compares them too",
    "tests/web/test_health.py::test_it_says_that_the_database_does_not_answer_and_not_why": "has no session to switch",
    "tests/students/test_missing_plans.py::test_the_counts_of_all_schools_read_no_student": "explains a statement as well",
    "tests/web/test_diagnosis.py::test_names_that_changed_places_are_looked_up_and_not_looked_for": "explains a statement, which "
    "says here first whose rows it may see",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if why := LEFT_OUT.get(item.nodeid.partition("[")[0]):
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session", autouse=True)
def _roles(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(pages_and_runs_as_roles())
        yield


@pytest.fixture(autouse=True)
def _the_owner_again(db: None) -> Iterator[None]:
    yield
    _give_back("none")
