"""A walk over every address there is: none shows a line, a name, a number or an SSID of another school.

Which addresses there are, and what each is sent, is in addresses.py.
"""

import re
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, SSID_STAFF, VIEWER
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, RunStatus
from tests.factories import UserFactory
from tests.faults import two_schools
from tests.faults.addresses import (
    ARGUMENTS,
    ELSEWHERE,
    SEARCHED,
    TOLD_WIDER,
    admin_addresses,
    forms,
    own_addresses,
    queries,
    shown,
)
from tests.faults.two_schools import MARKS, TwoSchools, limited_reader
from tests.imports.journey import finish
from tests.longer import spread
from tests.web.test_access import all_patterns

pytestmark = pytest.mark.django_db
two_schools_once, made = two_schools.two_schools_once, two_schools.made  # fixtures


def _some(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nothing, the first form, and one in three of the others: of other forms another third."""
    return [*sent[:1], *spread(sent[1:], lambda one: " ".join(sorted(one)), 3)]


class Walk:
    """Goes to every address as one user, and notes where marks of the other school are shown."""

    def __init__(self, client: Client, made: TwoSchools) -> None:
        self.client, self.made = client, made
        self.found: dict[str, str] = {}
        self.unrecorded: dict[str, str] = {}
        self.answered: dict[str, set[int]] = {}

    def everywhere(self, *, until_seen: Collection[str] | None = None, once: bool = False) -> None:
        """`until_seen`: go to addresses of these names only, and of each no further than to the first mark.
        `once`: ask all that there is at the first address of each name, and of what is sent there the first and one in three of
        the others; just open one in twelve of the other addresses."""
        names = set()
        addresses = [*own_addresses(self.made), *admin_addresses()]
        for name, address in spread(addresses, lambda each: each[0], 12) if once else addresses:
            if until_seen is not None and name not in until_seen:
                continue
            whole = not once or name not in names
            names.add(name)
            typed = SEARCHED if "?q=" in address else ()
            sent = [{}, *forms(name, self.made)] if whole and not name.startswith("admin:") else []
            steps = [
                *(
                    partial(self.ask, name, "get", address, asked, typed=typed)
                    for asked in [{}, *queries(name, self.made)]
                ),
                *(partial(self.send, name, address, one) for one in (_some(sent) if once else sent)),
            ]
            for step in steps if whole else steps[:1]:
                if until_seen is not None and name in self.found:
                    break
                step()

    def ask(self, name: str, method: str, address: str, data: dict[str, Any], typed: Iterable[str] = ()) -> None:
        if self.answered.get(f"{method} {name}") == {405}:
            return
        before = AuditEntry.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        answer = getattr(self.client, method)(address, data, follow=True)
        self.answered.setdefault(f"{method} {name}", set()).add(answer.status_code)
        text = shown(answer)
        self.compare_with_record(f"{method} {name}", text, before, data | {"address": address})
        for one in typed:  # what somebody typed is given back
            text = text.replace(one, "")
        if mark := MARKS.search(text):
            self.found.setdefault(
                name, f"{method} {address} {data}: {text[max(mark.start() - 60, 0) : mark.end() + 20]}"
            )

    def compare_with_record(self, name: str, text: str, before: int, data: dict[str, Any]) -> None:
        """Whoever is in the answer must be in the record of access, and nobody else (but TOLD_WIDER)."""
        entries = AuditEntry.looks.filter(pk__gt=before)
        recorded = {pk for ids in entries.values_list("students", flat=True) for pk in ids}
        words = set(re.findall(r"\w+", text))
        typed = set(re.findall(r"\w+", f"{name} {list(data.values())}"))
        seen = {pk for pk, marks in self.made.marks.items() if words & marks - typed}
        maybe = {pk for pk, marks in self.made.marks.items() if words & marks & typed}
        missing, more = seen - recorded, recorded - seen - maybe - self.made.unmarked
        conversion = re.match(r"/runs/(\d+)/", str(data.get("address", "")))
        if conversion and self.made.is_of_workbook(int(conversion[1])) and any(entry.lines for entry in entries):
            missing = set()  # a workbook that nothing was read of yet: its rows are on record as lines of nobody
        if missing or (more and not name.endswith(TOLD_WIDER)):
            self.unrecorded.setdefault(name, f"{data}: not on record {missing}, on record only {more}")

    def send(self, name: str, address: str, data: dict[str, Any]) -> None:
        """Send a form, look at the runs that it started once they have ended, and take everything back."""
        before = set(ImportRun.objects.values_list("pk", flat=True))
        values = [str(value) for value in data.values() if isinstance(value, str)]
        with transaction.atomic():
            self.ask(name, "post", address, data, typed=values)
            for run in ImportRun.objects.exclude(pk__in=before):
                ended = finish(run).run
                for page in ("run", "run_changes", "run_absent", "run_print"):
                    self.ask(name, "get", reverse(page, args=[ended.pk]), {})
                self.ask(name, "post", reverse("export", args=[ended.pk]), {"what": "issues-csv"})
            transaction.set_rollback(True)


READERS = {
    "registrar": ((REGISTRAR,), False),
    "viewer": ((VIEWER,), False),
    "import admin": ((IMPORT_ADMIN,), True),
    "SSID staff": ((SSID_STAFF,), True),
}


# As those who may do all that a registrar may, and see the admin besides, some forms once; `script/test faults` asks as all of
# them, at every record's address, and sends each form there.
@pytest.mark.parametrize(
    ("who", "once"),
    [("import admin", True), *(pytest.param(who, False, marks=pytest.mark.faults) for who in READERS)],
)
@pytest.mark.long
def test_no_address_shows_anything_of_another_school(who: str, once: bool, made: TwoSchools, client: Client) -> None:
    groups, staff = READERS[who]
    client.force_login(limited_reader(made, *groups, staff=staff))
    walk = Walk(client, made)

    walk.everywhere(once=once)

    assert walk.found == {}
    assert walk.unrecorded == {}
    assert max(max(statuses) for statuses in walk.answered.values()) < 500


# Where the other school's data would be seen by everybody, were it not for the rules.
SHOW_LINES = {
    "run", "run_changes", "run_absent", "run_print", "export", "run_matches", "run_match_line", "run_matches_accept",
    "run_candidates", "run_candidates_choose", "filter_issues", "test_again", "match_desk", "students",
    "student", "show_ssid", "record", "record_find", "record_next", "enrollment", "enrollments", "family_accounts", "school_list",
    "enrollment_paper", "school_letters",
    "senr_request", "senr_file", "senr_check", "senr_changes_file",
    "el_differences", "el_differences_csv", "utah_request", "utah_request_file",
    "admin:students_student_changelist", "admin:students_ssid_changelist", "admin:students_recordedit_changelist",
    "admin:imports_rememberedmatch_changelist",
    "admin:assessments_listedscore_changelist",
}  # fmt: skip


@pytest.mark.long
def test_the_walk_sees_what_there_is_to_see(made: TwoSchools, client: Client) -> None:
    """Otherwise it would find nothing because it looks at nothing: someone who may see both schools finds the marks."""
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    walk = Walk(client, made)

    walk.everywhere(until_seen=SHOW_LINES)

    assert SHOW_LINES - walk.found.keys() == set()
    assert walk.unrecorded == {}


@pytest.mark.faults
def test_whoever_sees_both_schools_is_on_record_everywhere(made: TwoSchools, client: Client) -> None:
    """As `test_no_address_shows_anything_of_another_school` asks of somebody who sees one."""
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    walk = Walk(client, made)

    walk.everywhere()

    assert walk.unrecorded == {}


def test_the_lines_of_a_workbook_are_for_those_who_see_the_whole_run(made: TwoSchools, client: Client) -> None:
    """Case sec-01: answered as what is not there, and nothing is stored."""
    assert made.workbook
    before = ImportRun.objects.count()
    for groups, staff in (((REGISTRAR,), False), ((IMPORT_ADMIN,), True)):
        client.force_login(limited_reader(made, *groups, staff=staff))
        assert client.get(reverse("run", args=[made.workbook.pk])).status_code == 200
        assert client.post(reverse("convert_workbook", args=[made.workbook.pk])).status_code == 404

    assert ImportRun.objects.count() == before

    client.force_login(made.both)
    client.post(reverse("convert_workbook", args=[made.workbook.pk]))
    conversion = finish(made.workbook.conversions.get()).run
    page = client.get(reverse("run", args=[conversion.pk])).content.decode()
    assert conversion.status == RunStatus.COMPLETED
    assert "Zqqzlast1" in page
    assert "9876500001" not in page  # masked for everybody
    assert "98•• ••• 001" in page


def test_a_new_address_fails_the_walk(made: TwoSchools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ARGUMENTS, "run_print")

    with pytest.raises(AssertionError, match="run_print"):
        list(own_addresses(made))


def test_every_name_here_is_an_address() -> None:
    names = {str(pattern.name) for _path, pattern, namespaces in all_patterns() if not namespaces}

    assert ARGUMENTS.keys() | ELSEWHERE <= names
