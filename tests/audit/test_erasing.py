"""A person goes from the texts of the record of access, and the chain still proves that nothing else was changed."""

import pytest
from django.db import DatabaseError, connection, transaction

from sisimport.audit import erasing, sealing
from sisimport.audit.models import AuditEntry, AuditRewording
from sisimport.audit.verifying import verify
from sisimport.audit.writing import Doer, write
from tests.audit.test_sealing import MONDAY, TUESDAY, by_force, told
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def _without(text: str) -> str:
    return text.replace("zyxwutov", "[erased]")


@pytest.fixture
def entries() -> list[int]:
    family = UserFactory(username="zyxwutov")
    made = [write("page", Doer(family), subject=f"{number}") for number in range(3)]
    made.append(write("role", Doer(None), subject="person 5 (zyxwutov): account made"))
    sealing.seal(MONDAY)
    return made


def test_a_name_goes_from_sealed_entries_and_the_chain_verifies(entries: list[int]) -> None:
    erasing.reword(["%zyxwutov%"], _without)
    sealing.seal(TUESDAY)

    assert told(verify()) == []
    assert AuditEntry.objects.filter(who="[erased]", pk__in=entries).count() == 3
    assert AuditEntry.objects.get(pk=entries[3]).subject == "person 5 ([erased]): account made"
    assert not AuditEntry.objects.filter(who__contains="zyxwutov").exists()


def test_an_entry_that_waits_for_its_seal_is_sealed_as_it_is_then() -> None:
    number = write("page", Doer(UserFactory(username="zyxwutov")))

    erasing.reword(["%zyxwutov%"], _without)
    sealing.seal(MONDAY)

    assert told(verify()) == []
    assert not AuditRewording.objects.filter(entry_id=number).exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditentry SET subject = 'other' WHERE id = %s",
        "SELECT audit_reword(%s, 'somebody', 'else')",
        "UPDATE audit_auditrewording SET hash = '\\x00' WHERE entry_id = %s",
        "DELETE FROM audit_auditrewording WHERE entry_id = %s",
        "UPDATE audit_auditseal SET hash = '\\x00' WHERE entry_id = %s",
    ],
)
def test_whatever_is_changed_of_a_reworded_entry_afterwards_is_found(entries: list[int], statement: str) -> None:
    erasing.reword(["%zyxwutov%"], _without)

    with by_force() as cursor:
        cursor.execute(statement, [entries[1]])
        assert any(str(entries[1]) in one for one in told(verify()))


def test_rewording_hides_no_change_that_was_made_before(entries: list[int]) -> None:
    with by_force() as cursor:
        cursor.execute("UPDATE audit_auditentry SET lines = 7 WHERE id = %s", [entries[1]])
        erasing.reword(["%zyxwutov%"], _without)

        assert any(str(entries[1]) in one for one in told(verify()))


def test_a_second_erasure_of_the_same_entry_is_stated_too(entries: list[int]) -> None:
    erasing.reword(["%zyxwutov%"], _without)
    erasing.reword(["%account made%"], lambda text: text.replace("account made", "-"))

    assert told(verify()) == []


def test_nothing_but_the_texts_can_be_changed_that_way(entries: list[int]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL sisimport.audit_reword = 'on'")
        with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
            cursor.execute("UPDATE audit_auditentry SET count = 5 WHERE id = %s", [entries[0]])
