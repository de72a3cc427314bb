"""What the engine keeps of composed SELECTs is what it would compose again, for every option; anything else is another digest."""

import datetime as dt
from collections import OrderedDict
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import connection, models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Lower
from django.utils import timezone, translation

from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.registry import all_types, get_type, layouts_of
from sisimport.imports.engine import checking, kept_selects, planning
from sisimport.imports.engine.kept_selects import digest, select
from sisimport.imports.engine.staging import create_table
from sisimport.imports.reference import dropped, reference_contexts
from students.models import SSID, Enrollment, School, Student
from tests.imports.journey import make_district
from tests.longer import one_in
from tests.shared_selects import SharedSelects

# One type of every kind of file.
TYPES = ("elpac-initial-2024-2025", "ssid-download", "students", "ela")


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of this process nor of another."""
    monkeypatch.setattr(kept_selects, "_kept", OrderedDict())


def ways(key: str) -> list[RunContext]:
    """Runs of one type: with each choice of an option, and once for some schools only."""
    import_type = get_type(key)
    contexts = list(reference_contexts(import_type, layouts_of(import_type)[0]))
    of_schools = next(reference_contexts(import_type, layouts_of(import_type)[0]))
    of_schools.run.schools = [71, 72]
    contexts.append(of_schools)
    for context in contexts:
        context.run.pk = 5
    return contexts


def sent(context: RunContext) -> list[str]:
    """The statements that checking and planning a run would send; none of them is."""
    statements: list[str] = []

    def note(sql: str, params: Any = ()) -> int:
        assert not params
        statements.append(sql)
        return 0

    rules = list(context.import_type.reference_rules(context))
    with (
        mock.patch.object(checking, "execute", note),
        mock.patch.object(checking, "fetch_one", return_value=(0,)),
        mock.patch.object(planning, "execute", note),
    ):
        checking._ask(context, rules)
        checking._write(context, list(enumerate(rules)))
        planning.plan(context)
    return statements


@pytest.mark.django_db
@pytest.mark.parametrize("key", one_in(4, TYPES))
@pytest.mark.long
def test_every_way_of_running_a_type_sends_what_it_would_send_with_nothing_kept(key: str) -> None:
    create_table(get_type(key).row_model)
    for context in ways(key):
        sent(context)
    held = list(kept_selects._kept)

    found = [sent(context) for context in ways(key)]

    assert set(kept_selects._kept) == set(held), "the second time nothing is composed"
    again = []
    for context in ways(key):
        kept_selects._kept.clear()
        again.append(sent(context))
    assert found == again
    assert all("IN (71, 72)" in "".join(statements) for statements in found[-1:])
    assert len({tuple(statements) for statements in found}) > 2, "options were without effect"


@pytest.mark.django_db
def test_the_declarations_of_every_type_can_be_distinguished_and_found_again() -> None:
    for import_type in all_types():
        with dropped(import_type.row_model):
            rules = [import_type.reference_rules(ways(import_type.key)[0]) for _n in range(2)]
        digests = [digest(of_type) for of_type in rules]
        assert None not in digests, import_type.key
        assert digests[0] == digests[1], import_type.key


def condition() -> Case:
    return Case(When(Q(grade="05") & ~Q(school__code="1"), then=Lower("last_name")), output_field=models.TextField())


def test_the_same_content_made_twice_has_one_digest() -> None:
    assert digest(Student.objects.all().query, [{"a": condition()}, Q(grade="05")]) == digest(
        Student.objects.all().query, [{"a": condition()}, Q(grade="05")]
    )


@pytest.mark.django_db
def test_composing_content_leaves_its_digest_as_it_was() -> None:
    """Rules and conditions are declared once for a process: what Django notes on them must not make another of them."""
    declared = {"a": Case(When(Q(Differs(Lower("grade"), F("last_name"))), then=Lower("last_name")))}, Q(grade="05")
    before = digest(Student.objects.all().query, declared)
    assert declared[1] == Q(grade="05")  # compared, which is noted too
    assert select(Student.objects.all(), declared, ["a"]) == select(Student.objects.all(), declared, ["a"])
    assert digest(Student.objects.all().query, declared) == before
    assert len(kept_selects._kept) == 1


@pytest.mark.parametrize(
    "other",
    [
        Q(birth_date__lt=dt.date(2020, 1, 2)),
        Q(birth_date__lte=dt.date(2020, 1, 1)),
        Q(created_at__lt=dt.date(2020, 1, 1)),
        ~Q(birth_date__lt=dt.date(2020, 1, 1)),
        Q(birth_date__lt=Value(dt.date(2020, 1, 1))),
        Q(birth_date__lt=Value(dt.date(2020, 1, 1), output_field=models.TextField())),
        Q(birth_date__lt=F("created_at")),
        Q(Differs(F("birth_date"), Value(dt.date(2020, 1, 1)))),
        Q(birth_date__lt="2020-01-01"),
        Q(birth_date__lt=dt.date(2020, 1, 1)) | Q(grade="05"),
        Q(birth_date__lt=dt.date(2020, 1, 1)) & Q(grade="05"),
        Q(Exists(SSID.objects.filter(student=OuterRef("pk")))),
        Q(Exists(Enrollment.objects.filter(student=OuterRef("pk")))),
    ],
)
def test_any_other_content_has_another_digest(other: Q) -> None:
    one = Q(birth_date__lt=dt.date(2020, 1, 1))
    assert digest(one) is not None
    assert digest(other) is not None
    assert digest(one) != digest(other)


def test_rows_joins_columns_and_order_are_part_of_it() -> None:
    students = Student.objects.all()
    digests = [
        digest(students.query, [], ["id"], []),
        digest(School.objects.all().query, [], ["id"], []),
        digest(students.filter(grade="05").query, [], ["id"], []),
        digest(students.annotate(a=F("school__code")).query, [], ["id"], []),
        digest(students.query, [Q(grade="05")], ["id"], []),
        digest(students.query, [], ["grade"], []),
        digest(students.query, [], ["id"], ["grade"]),
    ]
    assert None not in digests
    assert len(set(digests)) == len(digests)


def test_language_and_time_zone_are_part_of_it() -> None:
    plain = digest(Q(grade="05"))
    with translation.override("es"):
        assert digest(Q(grade="05")) != plain
    with timezone.override("Asia/Tokyo"):
        assert digest(Q(grade="05")) != plain


def test_a_queryset_in_a_condition_is_not_evaluated() -> None:
    """Without a database, evaluating it would fail."""
    of_grade = [digest(Q(school__in=School.objects.filter(code=code))) for code in ("1", "1", "2")]
    assert of_grade[0] == of_grade[1] != of_grade[2]


@pytest.mark.django_db
def test_what_cannot_be_compared_is_composed_every_time() -> None:
    class Here(Lower):
        pass

    assert digest(Here("last_name")) is None
    for name in ("Lee", "Ng"):
        sql = select(Student.objects.all(), [Q(last_name=name), {"a": Here(F("first_name"))}], ["a"])
        assert f"'{name}'" in sql
    assert not kept_selects._kept


@pytest.mark.django_db
def test_values_are_in_their_places_whatever_they_are() -> None:
    make_district().other_school.delete()
    for value in ("O'Neil", "100%", "%s", "\\", "a\nb", "José", "—"):
        for _time in range(2):
            sql = select(School.objects.all(), [{"a": Value(value, output_field=models.TextField())}], ["a", "code"])
            assert rows(sql) == [(value, "0123456")]


def rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def test_processes_of_tests_find_what_another_composed_and_forget_what_is_too_much(tmp_path: Path) -> None:
    one, other = SharedSelects(tmp_path / "selects"), SharedSelects(tmp_path / "selects")
    one[b"a"] = "SELECT 'José'\r\n"
    one.popitem(last=False)
    other[b"b"] = "SELECT 2"

    assert len(one) == 0
    assert [key in one for key in (b"a", b"b", b"c")] == [True, True, False]
    assert (one[b"a"], one[b"b"]) == ("SELECT 'José'\r\n", "SELECT 2")


@pytest.mark.django_db
def test_only_so_many_are_kept_the_last_used_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_selects, "MOST", 3)
    monkeypatch.setattr(kept_selects, "LARGEST", 4000)

    def of_grade(*grades: str) -> bytes:
        select(Student.objects.all(), [Q(grade__in=grades)], ["id"])
        return next(reversed(kept_selects._kept))

    first, second, third = of_grade("01"), of_grade("02"), of_grade("03")
    assert of_grade("01") == first
    fourth = of_grade("04")
    assert list(kept_selects._kept) == [third, first, fourth]
    assert second not in kept_selects._kept
    of_grade(*(str(n) for n in range(2000)))
    assert list(kept_selects._kept) == [third, first, fourth], "a statement that names many lines is not kept"
