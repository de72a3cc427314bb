"""Files and pages for print of many students: none leaves without a fresh proof of who asks."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from sisimport.audit.models import AuditEntry
from tests.factories import UserFactory
from tests.faults import two_schools
from tests.faults.addresses import forms, own_addresses, queries
from tests.faults.two_schools import TwoSchools

pytestmark = pytest.mark.django_db
two_schools_once, made = two_schools.two_schools_once, two_schools.made  # fixtures
# Of one student each, or as many as the form was made for; more than 500 cannot leave by them.
OF_ONE = {"enrollment_paper"}
# Files and pages for print of students: where each is asked for once, as `forms` and `queries` say.
LEAVE_WITH_MANY = {
    "export", "run_print", "exports", "students", "el_differences", "el_differences_csv", "senr_file", "senr_changes_file",
    "utah_request_file", "school_list", "school_letters", "group_report", "run_changes", "run_absent", "english_learner_students",
    "match_desk",
}  # fmt: skip


@pytest.mark.faults
def test_no_file_and_no_print_of_many_students_leaves_without_a_proof(
    made: TwoSchools, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is on record as an export of students is asked for again, with a proof that is old: many is here one."""
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    monkeypatch.setattr("sisimport.accounts.step_up.MANY", 0)
    left = [asked for asked in asked_once(made) if leaves(client, *asked)]
    assert {name for name, *_rest in left} - OF_ONE >= LEAVE_WITH_MANY

    settings.STEP_UP_SECONDS = 900

    assert [asked for asked in left if asked[0] not in OF_ONE and leaves(client, *asked)] == []


def asked_once(made: TwoSchools) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Name, method, address and what is sent: everything at the first address of each name, and some reports."""
    seen: Counter[str] = Counter()
    for name, address in own_addresses(made):
        seen[name] += 1
        if seen[name] > (5 if name in {"export", "run_print"} else 1):
            continue
        for asked in [{}, {"print": "1"}, *({"print": "1"} | one for one in queries(name, made))]:
            yield name, "get", address, asked
        for sent in [{}, *forms(name, made)]:
            yield name, "post", address, sent


def leaves(client: Client, _name: str, method: str, address: str, data: dict[str, Any]) -> bool:
    """Whether the answer is on record as an export with students or lines in it. What it did is taken back."""
    with transaction.atomic():
        before = AuditEntry.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        answer = getattr(client, method)(address, data)
        if answer.streaming:
            b"".join(answer)
        entries = list(AuditEntry.looks.filter(pk__gt=before))
        transaction.set_rollback(True)
    exported = any(entry.kind == AuditEntry.Kind.EXPORT for entry in entries)
    return exported and any(entry.count or entry.lines for entry in entries)
