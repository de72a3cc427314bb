"""Take away any one line that says who may do what, and a test of the table of access turns red.

Each line is taken away in this process only, the question that should notice is asked, and the line is put back.
`script/test load` does so with every line; the suite with some of each kind.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client

from sisimport.accounts.access import FOREIGN_RULES, GROUPS, PUBLIC, SIGNED_IN, Capability, rule_of
from sisimport.accounts.matrix import ADDRESSES, ADMIN, CAPABILITIES, EVERYBODY, OPERATIONS, ROLES, Address
from sisimport.accounts.scopes import SCOPES
from sisimport.imports.models import ImportRun
from sisimport.runtime.database_roles import unclassed_tables
from sisimport.runtime.row_walls import WALLED
from sisimport.runtime.table_rights import TABLES
from students.models import StaffAccess, Student
from tests import results
from tests.accounts.test_matrix import Asking, asked, expected, operations, person, signed_in
from tests.api.client import Program
from tests.browser import district as its_district
from tests.browser.district import District
from tests.factories import UserFactory
from tests.hostile.corpus import seeded
from tests.made_once import for_this_test
from tests.runtime.test_row_walls import without_policy_or_reason
from tests.web.test_access import all_patterns, test_nothing_more_is_open_to_everybody_than_the_way_in

pytestmark = pytest.mark.django_db
district_once = its_district.district_once  # a fixture
SOME = 4  # of each kind, in the suite


@dataclass(frozen=True)
class Mutant:
    """A line that is taken away while the context is open, and what must notice."""

    name: str
    without: Callable[[], contextlib.AbstractContextManager[Any]]
    notices: Callable[[], bool]


@pytest.fixture
def district(district_once: tuple[District, Path], db: None, settings: Any) -> District:
    settings.API_REQUESTS_PER_MINUTE = 100_000
    return for_this_test(district_once)


# ---- rules of addresses ----


def guard_of(name: str) -> Any:
    """The function that holds the rule of an address, under what else is wrapped around it; None: it has none of ours."""
    callback: Any = next(p.callback for _path, p, spaces in all_patterns() if p.name == name and not spaces)
    while callback is not None:
        if "allows" in getattr(getattr(callback, "__code__", None), "co_freevars", ()):
            return callback
        callback = getattr(callback, "__wrapped__", None)
    return None


# Pages that ask for the role once more, in a function that others ask too: one of both alone changes nothing.
ASKED_TWICE = {
    "access_record": "sisimport.web.views.record_of_access.sees_whole_record",
    "kept_mails": "sisimport.web.views.kept_mails.may_read_mail",
    "kept_mail": "sisimport.web.views.kept_mails.may_read_mail",
}


@contextlib.contextmanager
def open_to_everybody_signed_in(guard: Any, name: str) -> Iterator[None]:
    again = mock.patch(ASKED_TWICE[name], return_value=True) if name in ASKED_TWICE else contextlib.nullcontext()
    cell = guard.__closure__[guard.__code__.co_freevars.index("allows")]
    kept = cell.cell_contents
    cell.cell_contents = lambda _user: True
    try:
        with again:
            yield
    finally:
        cell.cell_contents = kept


def _of_all_schools(letter: str, district: District) -> Any:
    user = person(letter, district)
    StaffAccess.objects.filter(user=user).update(all_schools=True)
    return user


class Watch:
    """Asks the table again about one row: does it still hold?"""

    def __init__(self, district: District) -> None:
        self.district, self.asking = district, Asking(district)
        self.clients = {letter: signed_in(person(letter, district)) for letter in ROLES}
        # A page for those who see all schools refuses the others twice: who sees them all lacks the role alone.
        self.of_all_schools = self.clients | {letter: signed_in(_of_all_schools(letter, district)) for letter in "VRS"}
        self.elsewhere = {letter: signed_in(person(letter, district, here=False)) for letter in "VRSF"}
        ImportRun.objects.update(schools=[district.school.pk])

    def sees(self, row: Address, letters: str) -> bool:
        clients = self.of_all_schools if row.all_schools else self.clients
        return any(
            self.asking.outcome(clients[letter], row) not in expected(row, letter, here=True) for letter in letters
        )

    def sees_from_elsewhere(self) -> bool:
        """Does somebody of another school come to a record of this one?"""
        for row in ADDRESSES:
            for letter in set("VRSF") & set(row.who):
                if row.record and self.asking.outcome(self.elsewhere[letter], row) not in expected(
                    row, letter, here=False
                ):
                    return True
        return False

    def a_stranger_gets_in(self, row: Address) -> bool:
        return self.asking.outcome(Client(), row) not in expected(row, "P", here=True)


def views(watch: Watch) -> Iterator[Mutant]:
    for row in ADDRESSES:
        guard = guard_of(row.name)
        outside = "".join(letter for letter in ROLES if letter not in row.who)
        if guard is None or row.who == EVERYBODY or not outside:
            continue
        yield Mutant(
            f"the rule of {row.name}",
            lambda guard=guard, row=row: open_to_everybody_signed_in(guard, row.name),
            lambda row=row, outside=outside: watch.sees(row, outside),
        )
        yield Mutant(
            f"the rule of {row.name}, left out",
            lambda guard=guard: mock.patch.object(guard, "access_rule", None),
            lambda row=row: _has_no_rule(row.name),
        )


def _has_no_rule(name: str) -> bool:
    """What test_every_address_names_a_rule looks for: the middleware refuses such a view to everybody."""
    pattern = next(p for _path, p, spaces in all_patterns() if p.name == name and not spaces)
    callback = pattern.callback
    named = getattr(guard_of(name), "access_rule", "") if callback is not None else None
    return named is None or rule_of(callback, url_name=name, namespaces=[]) is None


def packages(watch: Watch) -> Iterator[Mutant]:
    """Addresses of packages, whose rules are in a list."""
    for name, rule in FOREIGN_RULES.items():
        if rule == SIGNED_IN:
            row = next(one for one in ADDRESSES if one.name == name)
            yield Mutant(
                f"{name} is for those who signed in",
                lambda name=name: mock.patch.dict(FOREIGN_RULES, {name: PUBLIC}),
                lambda row=row: _is_public_by_mistake(row.name) or watch.a_stranger_gets_in(row),
            )


def _is_public_by_mistake(name: str) -> bool:
    try:
        test_nothing_more_is_open_to_everybody_than_the_way_in()
    except AssertionError:
        return True
    return next(one.who for one in ADDRESSES if one.name == name) != EVERYBODY and FOREIGN_RULES[name] == PUBLIC


# ---- what groups may ----


def roles(_watch: Watch) -> Iterator[Mutant]:
    for group, held in GROUPS.items():
        for capability in Capability:
            changed = held ^ {capability}
            yield Mutant(
                f"{group}: {'no ' if capability in held else ''}{capability}",
                lambda group=group, changed=changed: mock.patch.dict(GROUPS, {group: changed}),
                differs_from_the_table,
            )


def differs_from_the_table() -> bool:
    letters = {name: letter for letter, name in ROLES.items()}
    return any(
        (letters[group] in CAPABILITIES[capability.value]) != (capability in held)
        for group, held in GROUPS.items()
        for capability in Capability
    )


def test_each_group_has_the_capabilities_of_the_table() -> None:
    assert set(CAPABILITIES) == {capability.value for capability in Capability}
    assert not differs_from_the_table()


# ---- whose records ----

_SCHOOLS = (
    "students.access._read_school_ids",
    "sisimport.accounts.access.visible_runs",
    "students.families.family_students",
)


@contextlib.contextmanager
def without_schools(path: str) -> Iterator[None]:
    """Everybody sees every school's: by the code of the function, which many modules hold by its name."""
    import importlib

    module, name = path.rsplit(".", 1)
    function = getattr(importlib.import_module(module), name)
    instead: Callable[[Any], Any] = {
        "_read_school_ids": lambda user: None,
        "visible_runs": lambda user: ImportRun.objects.all(),
        "family_students": lambda user: Student.objects.all(),
    }[name]
    kept = function.__code__
    function.__code__ = instead.__code__
    try:
        yield
    finally:
        function.__code__ = kept


def schools(watch: Watch) -> Iterator[Mutant]:
    for path in _SCHOOLS:
        yield Mutant(f"schools in {path}", functools.partial(without_schools, path), watch.sees_from_elsewhere)


# ---- the API ----


def api(watch: Watch) -> Iterator[Mutant]:
    from sisimport.api.application import api as application

    every = UserFactory(is_superuser=True)
    by_scope = {str(scope): Program(str(scope), user=every) for scope in SCOPES}
    by_role = {letter: Program(*map(str, SCOPES), user=person(letter, watch.district)) for letter in "VRSAN"}
    found = {row.name: (method, address) for row, method, address in operations(watch.district)}
    auths = {
        one.operation_id: one.auth_callbacks[0]
        for _prefix, router in application._routers
        for view in router.path_operations.values()
        for one in view.operations
    }
    for row in OPERATIONS:
        method, address = found[row.name]
        if row.scopes:
            other = next(program for scope, program in by_scope.items() if scope not in row.scopes)
            yield Mutant(
                f"scopes of {row.name}",
                lambda auth=auths[row.name]: mock.patch.object(auth, "scopes", ()),
                lambda other=other, method=method, address=address: asked(other, method, address)[1] != "SCOPE",
            )
        outside = [letter for letter in by_role if letter not in row.who]
        if auths[row.name].capability is not None and outside:
            yield Mutant(
                f"role of {row.name}",
                lambda auth=auths[row.name]: mock.patch.object(auth, "capability", None),
                lambda outside=outside, method=method, address=address: any(
                    asked(by_role[letter], method, address)[1] != "ROLE" for letter in outside
                ),
            )


# ---- the admin ----


def admin_pages(_watch: Watch) -> Iterator[Mutant]:
    for name, rights in ADMIN.items():
        app, model = name.split(".")
        for letter in "VRSA":
            for sign, action in zip("vacd", ("view", "add", "change", "delete"), strict=True):
                yield Mutant(
                    f"{ROLES[letter]}: {action} {name}",
                    functools.partial(other_permission, ROLES[letter], app, f"{action}_{model}"),
                    functools.partial(
                        _admin_differs, letter, f"{app}.{action}_{model}", sign in rights.get(letter, "")
                    ),
                )


@contextlib.contextmanager
def other_permission(group: str, app: str, codename: str) -> Iterator[None]:
    """The group has it not any more, or has it now."""
    permissions = Group.objects.get(name=group).permissions
    permission = Permission.objects.get(content_type__app_label=app, codename=codename)
    had = permissions.filter(pk=permission.pk).exists()
    (permissions.remove if had else permissions.add)(permission)
    try:
        yield
    finally:
        (permissions.add if had else permissions.remove)(permission)


def _admin_differs(letter: str, permission: str, promised: bool) -> bool:
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=ROLES[letter]))
    return bool(user.has_perm(permission)) != promised


# ---- the database ----


@contextlib.contextmanager
def without_line(lines: Any, table: str) -> Iterator[None]:
    kept = lines.pop(table)
    try:
        yield
    finally:
        lines[table] = kept


def rights(_watch: Watch) -> Iterator[Mutant]:
    for table in list(TABLES):
        yield Mutant(
            f"the rights on {table}", functools.partial(without_line, TABLES, table), _some_table_has_no_rights
        )


def _some_table_has_no_rights() -> bool:
    with connection.cursor() as cursor:
        return bool(unclassed_tables(cursor))


def policies(_watch: Watch) -> Iterator[Mutant]:
    """Whether each holds in the database, tests/runtime/test_row_walls.py asks the tables."""
    for table in list(WALLED):
        without = functools.partial(without_line, WALLED, table)
        yield Mutant(f"the row policy of {table}", without, lambda: bool(without_policy_or_reason()))


# ---- all of them ----

KINDS: dict[str, Callable[[Watch], Iterator[Mutant]]] = {
    "views": views,
    "packages": packages,
    "roles": roles,
    "schools": schools,
    "API": api,
    "admin": admin_pages,
    "rights": rights,
    "policies": policies,
}


def unnoticed(mutants: list[Mutant]) -> list[str]:
    """Lines that nobody misses. Each question must have the right answer as long as the line stands."""
    found = []
    for mutant in mutants:
        if mutant.notices():
            found.append(f"{mutant.name}: the table does not hold even with it")
            continue
        with mutant.without():
            missed = mutant.notices()
        if not missed:
            found.append(mutant.name)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long
def test_some_lines_of_each_kind_are_missed_when_they_are_taken_away(kind: str, district: District) -> None:
    mutants = list(KINDS[kind](Watch(district)))

    assert unnoticed(seeded("lines", kind).sample(mutants, min(SOME, len(mutants)))) == []


@pytest.mark.parametrize("name", [row.name for row in ADDRESSES if row.all_schools])
@pytest.mark.long
def test_a_page_for_those_who_see_all_schools_asks_for_the_role_besides(name: str, district: District) -> None:
    of_page = [one for one in views(Watch(district)) if one.name == f"the rule of {name}"]
    assert unnoticed(of_page) == []


@pytest.mark.load
def test_any_line_is_missed_when_it_is_taken_away(district: District) -> None:
    watch = Watch(district)
    mutants = [mutant for kind in KINDS.values() for mutant in kind(watch)]
    left = unnoticed(mutants)

    results.write("permission-lines", {"lines": len(mutants), "noticed": len(mutants) - len(left), "open": left})
    assert len(mutants) > 400
    assert left == []
