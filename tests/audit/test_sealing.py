"""The record of access holds: nothing of it is changed or deleted by anybody, and what was, by force, is found."""

import datetime as dt
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from sisimport.audit import looking, purging, sealing, writing
from sisimport.audit.models import AuditDay, AuditEntry, AuditSeal, AuditTotal
from sisimport.audit.verifying import Verified, verify
from sisimport.audit.writing import Doer, write
from sisimport.files.issues import Severity
from sisimport.imports.engine.identifiers import ON_RECORD_TEXT, ZEROS_TEXT
from sisimport.imports.models import ImportIssue, ImportRun, RunStatus, Work
from sisimport.runtime.retention import kept_kind
from students.models import LEA
from tests import results
from tests.factories import LEAFactory, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

MONDAY = dt.date(2026, 11, 2)
TUESDAY = MONDAY + dt.timedelta(days=1)
WEDNESDAY = MONDAY + dt.timedelta(days=2)
TABLES = {"entry": AuditEntry, "seal": AuditSeal, "day": AuditDay, "total": AuditTotal}


@pytest.fixture
def chains() -> list[int]:
    """Three days of two LEAs and of none, the last of them still open. Numbers of the entries."""
    ours = StudentFactory()
    theirs = StudentFactory(school=SchoolFactory(lea=LEAFactory(code="7654321")))
    user = UserFactory()
    sealing.seal(MONDAY - dt.timedelta(days=1))  # what making them brought about
    made = []
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        for number in range(3):
            doer = Doer(user, address="10.0.0.1")
            whom = ([ours.pk], [theirs.pk], [ours.pk, theirs.pk])
            made += [write("page", doer, students=students, subject=f"{number}") for students in whom]
        sealing.seal(day)
    return made


def told(result: Verified) -> list[str]:
    return [f"{one.table} {one.id}: {one.what}" for one in result.broken]


@contextmanager
def by_force() -> Iterator[Any]:
    """As a superuser of the database can: without triggers. Taken back at the end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        yield cursor
        transaction.set_rollback(True)


# ---- what the triggers refuse ----


@pytest.mark.parametrize("model", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"], ids=lambda s: s[:6])
def test_no_table_of_the_record_can_be_changed_or_emptied(chains: list[int], model: Any, statement: str) -> None:
    """But the total, which grows; it is keyed."""
    table, column = model._meta.db_table, model._meta.pk.column
    if model is AuditTotal and statement.startswith("UPDATE"):
        return
    with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, column, column))


def test_a_person_and_a_student_who_are_deleted_stay_on_record(chains: list[int]) -> None:
    entry = AuditEntry.objects.get(pk=chains[0])
    assert entry.user is not None
    name = entry.user.username

    entry.user.delete()
    connection.check_constraints()

    entry.refresh_from_db()
    assert entry.who == name
    assert entry.students
    assert told(verify()) == []


# ---- chains ----


def test_each_day_and_lea_has_a_chain_of_its_own(chains: list[int]) -> None:
    leas = {0, *LEA.objects.values_list("pk", flat=True)}
    found = {(seal.day, seal.lea) for seal in AuditSeal.objects.filter(entry_id__in=chains)}

    assert found == {(day, lea) for day in (MONDAY, TUESDAY, WEDNESDAY) for lea in leas}
    assert set(AuditDay.objects.filter(day__gte=MONDAY).values_list("day", flat=True)) == {MONDAY, TUESDAY}
    result = verify()
    assert (told(result), result.unsealed) == ([], 0)
    assert result.rows == AuditSeal.objects.count() == AuditTotal.objects.get().entries


def test_what_is_not_sealed_yet_is_reported_and_is_sealed_once(chains: list[int]) -> None:
    write("page", Doer())
    assert verify().unsealed == 1
    assert sealing.seal(WEDNESDAY) == 1
    assert sealing.seal(WEDNESDAY) == 0
    assert (told(verify()), verify().unsealed) == ([], 0)


def test_an_entry_that_was_committed_late_is_sealed_behind_the_others(chains: list[int]) -> None:
    """Its number is smaller than theirs: transactions take numbers before they end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('audit_auditentry', 'id'))")
        late = cursor.fetchone()[0]
    write("page", Doer())
    sealing.seal(WEDNESDAY)
    AuditEntry.objects.create(pk=late, kind="page")

    assert sealing.seal(WEDNESDAY) == 1
    assert told(verify()) == []


def test_a_clock_set_back_opens_no_sealed_day_again(chains: list[int]) -> None:
    write("page", Doer())
    sealing.seal(MONDAY)
    assert AuditSeal.objects.latest("entry_id").day == WEDNESDAY
    assert told(verify()) == []


def test_another_key_verifies_nothing_unless_it_is_named(chains: list[int], settings: Any) -> None:
    settings.AUDIT_KEY = "another"
    write("page", Doer())
    sealing.seal(WEDNESDAY)
    assert told(verify()) == []  # the secret key made the others

    settings.AUDIT_KEY, settings.AUDIT_KEY_FALLBACKS = "a third", []
    assert len(verify().broken) == 2  # the newest entry, and the total
    settings.AUDIT_KEY_FALLBACKS = ["another"]
    assert told(verify()) == []


# ---- tampering ----


def tamperings(chains: list[int]) -> dict[str, Callable[[random.Random], tuple[str, list[Any]]]]:  # noqa: C901 - a list
    """Name -> a statement by chance and its values, which must change at least one row."""

    def entry(r: random.Random) -> int:
        return r.choice(chains)

    def column(r: random.Random) -> tuple[str, list[Any]]:
        change = r.choice(
            [
                "at = at + interval '1 microsecond'", "kind = 'list'", "user_id = coalesce(user_id, 0) + 1", "who = who || ' '",
                "token_id = coalesce(token_id, 0) + 1", "place = place || 'x'", "subject = subject || 'x'", "lines = lines + 1",
                "address = '10.0.0.2'", "count = count + 1", "of = 1", "lea_id = coalesce(lea_id, 0) + 1", "students = '{}'",
                "students = students || 1::bigint", "user_id = NULL", "students = array_remove(students, students[1])",
            ]
        )  # fmt: skip
        return f"UPDATE audit_auditentry SET {change} WHERE id = %s", [entry(r)]

    def swap(r: random.Random) -> tuple[str, list[Any]]:
        a, b = r.sample(chains, 2)
        return (
            "UPDATE audit_auditentry e SET at = o.at, students = o.students, subject = o.subject, lea_id = o.lea_id"
            " FROM audit_auditentry o WHERE (e.id, o.id) IN ((%s, %s), (%s, %s)) AND (e.at, e.students, e.subject)"
            " IS DISTINCT FROM (o.at, o.students, o.subject)"
        ), [a, b, b, a]

    def both(r: random.Random) -> tuple[str, list[Any]]:
        return (
            "WITH s AS (DELETE FROM audit_auditseal WHERE entry_id = %s RETURNING entry_id)"
            " DELETE FROM audit_auditentry WHERE id IN (SELECT entry_id FROM s)"
        ), [entry(r)]

    def last_of_a_chain(r: random.Random) -> tuple[str, list[Any]]:
        day = r.choice([MONDAY, TUESDAY, WEDNESDAY])
        return (
            "WITH s AS (DELETE FROM audit_auditseal s WHERE day = %s AND number > %s RETURNING entry_id)"
            " DELETE FROM audit_auditentry WHERE id IN (SELECT entry_id FROM s)"
        ), [day, r.choice([0, 1, 2])]

    def whole_day(r: random.Random) -> tuple[str, list[Any]]:
        return (
            "WITH s AS (DELETE FROM audit_auditseal s WHERE day >= %(d)s RETURNING entry_id),"
            " d AS (DELETE FROM audit_auditday WHERE day >= %(d)s)"
            " DELETE FROM audit_auditentry WHERE id IN (SELECT entry_id FROM s)"
        ), {"d": r.choice([MONDAY, TUESDAY, WEDNESDAY])}  # type: ignore[return-value]

    def reorder(r: random.Random) -> tuple[str, list[Any]]:
        return (
            "UPDATE audit_auditseal SET number = 10 - number WHERE day = %s AND (lea, number) <> (lea, 10 - number)",
            [r.choice([MONDAY, TUESDAY, WEDNESDAY])],
        )

    def seals_swapped(r: random.Random) -> tuple[str, list[Any]]:
        a, b = r.sample(chains, 2)
        return (
            "UPDATE audit_auditseal e SET hash = o.hash FROM audit_auditseal o"
            " WHERE (e.entry_id, o.entry_id) IN ((%s, %s), (%s, %s))"
        ), [a, b, b, a]

    def seal_changed(r: random.Random) -> tuple[str, list[Any]]:
        change = r.choice(["lea = lea + 99", "number = number + 99", "hash = sha256(hash)"])
        return f"UPDATE audit_auditseal SET {change} WHERE entry_id = %s", [entry(r)]

    def day_changed(r: random.Random) -> tuple[str, list[Any]]:
        change = r.choice(["entries = entries - 1", "hash = sha256(hash)", "lea = lea + 99"])
        return f"UPDATE audit_auditday SET {change} WHERE day = %s AND lea = 0", [r.choice([MONDAY, TUESDAY])]

    return {
        "a column": column,
        "an entry removed": lambda r: ("DELETE FROM audit_auditentry WHERE id = %s", [entry(r)]),
        "an entry and its seal removed": both,
        "the last of a chain removed": last_of_a_chain,
        "the last days removed": whole_day,
        "two entries swapped": swap,
        "seals swapped": seals_swapped,
        "a chain turned round": reorder,
        "a seal": seal_changed,
        "a seal removed": lambda r: ("DELETE FROM audit_auditseal WHERE entry_id = %s", [entry(r)]),
        "another's seal": lambda r: (
            "UPDATE audit_auditseal SET entry_id = entry_id + 100000 WHERE entry_id = %s", [entry(r)],
        ),
        "the seal of a day": day_changed,
        "the seal of a day removed": lambda r: (
            "DELETE FROM audit_auditday WHERE day = %s", [r.choice([MONDAY, TUESDAY])],
        ),
        "the total": lambda r: (f"UPDATE audit_audittotal SET entries = entries - {r.randint(1, 3)}", []),
        "the total removed": lambda _r: ("DELETE FROM audit_audittotal", []),
    }  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("most", [150, pytest.param(1_000, marks=pytest.mark.faults)])
def test_tamperings_of_all_kinds_are_found(chains: list[int], most: int) -> None:
    """Of chance, but always the same ones. Each in a savepoint of its own, undone afterwards."""
    chance, kinds, missed = random.Random(16), tamperings(chains), []
    made = tried = 0
    while made < most:
        name = list(kinds)[tried % len(kinds)]
        tried += 1
        with by_force() as cursor:
            statement, values = kinds[name](chance)
            cursor.execute(statement, values)
            made += bool(cursor.rowcount)  # two entries may be alike
            if cursor.rowcount and not verify().broken:
                missed.append((name, statement, values))

    assert tried >= 3 * len(kinds)
    if most == 1_000:
        results.write("tamperings", {"made": made, "found": made - len(missed), "open": [name for name, *_ in missed]})
    assert missed == []
    assert told(verify()) == []


def test_what_is_reported_names_the_entry(chains: list[int]) -> None:
    with by_force() as cursor:
        cursor.execute("UPDATE audit_auditentry SET who = 'x' WHERE id = %s", [chains[4]])
        result = verify()

    assert [(one.table, one.id) for one in result.broken] == [("audit_auditentry", chains[4])]
    assert result.rows == AuditSeal.objects.count() - 1


def test_an_entry_put_in_among_old_ones_is_reported(chains: list[int]) -> None:
    with by_force() as cursor:
        cursor.execute("UPDATE audit_auditentry SET at = at - interval '3 days' WHERE id = %s", [write("page", Doer())])
        assert "added afterwards" in told(verify())[0]


def test_the_command_says_so_and_ends_with_1(chains: list[int]) -> None:
    out = StringIO()
    call_command("audit_verify", "--json", stdout=out)
    fine = json.loads(out.getvalue())
    assert (fine["broken"], fine["chains"], fine["rows"]) == (
        [],
        AuditSeal.objects.values("day", "lea").distinct().count(),
        AuditSeal.objects.count(),
    )
    with by_force() as cursor:
        cursor.execute("DELETE FROM audit_auditentry WHERE id = %s", [chains[0]])
        out = StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("audit_verify", "--json", stdout=out)
    assert ended.value.code == 1
    assert json.loads(out.getvalue())["broken"] == [
        {"table": "audit_auditentry", "id": chains[0], "what": "was removed"}
    ]


def test_after_a_restore_without_its_keys_the_command_says_what_may_be_behind_it(
    chains: list[int], settings: Any
) -> None:
    """Every entry is told as changed then, as it must be: nobody can know. One that was changed has no such hint."""
    former = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "of another installation", []
    errors = StringIO()
    with pytest.raises(SystemExit):
        call_command("audit_verify", stdout=StringIO(), stderr=errors)
    assert "probably made with another key" in errors.getvalue()
    assert "restore --keys" in errors.getvalue()
    settings.SECRET_KEY_FALLBACKS = [former]
    assert (verify().broken, verify().hint) == ([], "")
    with by_force() as cursor:
        cursor.execute("UPDATE audit_auditentry SET who = 'x' WHERE id = %s", [chains[4]])
        assert verify().hint == ""


# ---- purging ----


def test_a_purge_takes_whole_days_and_leaves_a_sealed_word_of_it(chains: list[int]) -> None:
    before = AuditTotal.objects.get().entries
    would = purging.purge(MONDAY, dry_run=True)
    assert AuditEntry.objects.filter(pk__in=chains).count() == 27

    gone = purging.purge(MONDAY)

    assert gone == would
    assert AuditEntry.objects.filter(pk__in=chains).count() == 18
    assert AuditEntry.objects.get(kind="purge").subject == f"{gone.entries} entries of days through 2026-11-02"
    assert AuditTotal.objects.get().entries == before + 1
    assert told(verify()) == []
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(pk=chains[-1]).delete()


def test_an_open_day_is_not_purged_and_nothing_is_twice(chains: list[int]) -> None:
    purging.purge(dt.date(2027, 1, 1))
    assert AuditEntry.objects.filter(pk__in=chains).count() == 9
    assert purging.purge(MONDAY).entries == 0
    assert told(verify()) == []


def test_what_is_missing_beyond_a_purge_is_reported(chains: list[int]) -> None:
    purging.purge(MONDAY)
    with by_force() as cursor:
        cursor.execute(
            "DELETE FROM audit_auditentry WHERE id = ANY (SELECT entry_id FROM audit_auditseal WHERE day = %s)",
            [TUESDAY],
        )
        cursor.execute("DELETE FROM audit_auditseal WHERE day = %s", [TUESDAY])
        assert {one.table for one in verify().broken} == {"audit_auditday", "audit_audittotal"}


def test_the_days_of_the_setting_are_kept(chains: list[int], settings: Any) -> None:
    kept = kept_kind("views")
    settings.KEEP_VIEWS_DAYS = 1
    limit = kept.limit(dt.datetime(2026, 11, 4, 12, tzinfo=dt.UTC))
    assert limit is not None

    assert kept.remove(limit, True) == purging.purge(MONDAY, dry_run=True).entries
    kept.remove(limit, False)

    assert set(AuditSeal.objects.filter(entry_id__in=chains).values_list("day", flat=True)) == {TUESDAY, WEDNESDAY}
    assert told(verify()) == []


# ---- gathering ----


def test_the_strongest_of_what_a_request_showed_is_its_kind() -> None:
    looked = looking.Looked()
    with looking.gathering(looked):
        for kind in ("page", "export", "ssid"):
            writing.label(kind, None, students=[3, 2, 3], subject=kind)
        with looking.unseen():
            looking.note(9)
    number = writing.write_looked(looked, Doer())

    entry = AuditEntry.objects.get(pk=number)
    assert (entry.kind, entry.subject, entry.students, entry.count) == ("export", "page; export; ssid", [2, 3], 2)


def test_a_student_who_is_named_by_a_number_nearly_the_same_is_on_record_too() -> None:
    """The sentence on the issue says whose number is on record; the line is nobody's."""
    known, other = StudentFactory(local_number="0471"), StudentFactory(local_number="0472")
    run = ImportRun.objects.create(import_type="ssid-download", work=Work.TEST, status=RunStatus.COMPLETED)
    like = {"run": run, "severity": Severity.ERROR, "part": "", "field": "local_number"}
    ImportIssue.objects.create(
        line=1, seq=0, code="STU-NOTFOUND", params={"near_text": f" {ON_RECORD_TEXT}0471, {ZEROS_TEXT}; …"}, **like
    )
    ImportIssue.objects.create(line=2, seq=0, code="NUMBER-NEAR", expected="0471 and 0472", **like)
    looked = looking.Looked()
    seen = []
    for line in (1, 2):
        with looking.gathering(looked):
            list(ImportIssue.objects.filter(run=run, line=line))
        seen.append(AuditEntry.objects.get(pk=writing.write_looked(looked, Doer())))
        looked.clear()

    assert [(entry.kind, entry.lines, entry.students) for entry in seen] == [
        ("lines", 1, [known.pk]),
        ("lines", 1, sorted([known.pk, other.pk])),
    ]
