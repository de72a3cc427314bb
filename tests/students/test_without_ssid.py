"""The table of students without SSID is in step with students and SSIDs, whatever statement changes them."""

import random

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from students.models import SSID, Student, WithoutSSID
from students.search import without_ssid
from tests.factories import SchoolFactory, StudentFactory
from tests.longer import one_in

pytestmark = pytest.mark.django_db


def in_step() -> bool:
    """Does the table hold those without a current SSID, and what it says of them?"""
    students = Student.objects.exclude(pk__in=SSID.objects.filter(retired_at__isnull=True).values("student"))
    columns = ("school_id", "grade", "last_key", "first_key")
    kept = set(WithoutSSID.objects.values_list("student_id", *columns))
    assert set(without_ssid(Student.objects.all()).values_list("pk", flat=True)) == {pk for pk, *_more in kept}
    return kept == set(students.values_list("pk", *columns))


class Chance:
    """A few students, and what may be done to them and their SSIDs in one statement, by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.schools = [SchoolFactory(), SchoolFactory()]
        self.students = [StudentFactory(school=self.schools[0]) for _n in range(8)]
        self.numbers = map(str, range(9700000000, 9700001000))

    def some(self) -> QuerySet[SSID]:
        ids = list(SSID.objects.values_list("pk", flat=True))
        return SSID.objects.filter(pk__in=self.chance.sample(ids, min(len(ids), 3)))

    def without(self) -> list[Student]:
        having = set(SSID.objects.filter(retired_at__isnull=True).values_list("student_id", flat=True))
        free = [student for student in self.students if student.pk not in having]
        return self.chance.sample(free, len(free))

    def give(self) -> None:
        some = self.without()[: self.chance.randint(1, 4)]
        SSID.objects.bulk_create(SSID(student=s, ssid=next(self.numbers), origin="staff") for s in some)

    def give_retired(self) -> None:
        student = self.chance.choice(self.students)
        SSID.objects.create(student=student, ssid=next(self.numbers), origin="staff", retired_at=timezone.now())

    def retire(self) -> None:
        self.some().update(retired_at=timezone.now())

    def revive(self) -> None:
        for student in self.without()[:1]:
            last = SSID.objects.filter(student=student).last()
            SSID.objects.filter(pk=last.pk if last else 0).update(retired_at=None)

    def hand_over(self) -> None:
        for student in self.without()[:1]:
            current = SSID.objects.filter(retired_at__isnull=True).first()
            SSID.objects.filter(pk=current.pk if current else 0).update(student=student)

    def take(self) -> None:
        self.some().delete()

    def verify(self) -> None:
        self.some().update(verified=True)

    def remove(self) -> None:
        gone = self.students.pop()
        gone.enrollments.all().delete()
        SSID.objects.filter(student=gone).delete()
        Student.objects.filter(pk=gone.pk).delete()
        self.students.append(StudentFactory(school=self.schools[1]))

    def edit(self) -> None:
        ids = [student.pk for student in self.chance.sample(self.students, 3)]
        values = {"school": self.chance.choice([*self.schools, None]), "grade": self.chance.choice(["05", "06"])}
        Student.objects.filter(pk__in=ids).update(last_name=self.chance.choice(["Ng", "Ó Sé"]), **values)

    def step(self) -> None:
        steps = (self.give, self.give_retired, self.retire, self.revive, self.hand_over, self.take, self.verify)
        self.chance.choice((*steps, self.give, self.remove, self.edit))()


@pytest.mark.parametrize("seed", one_in(4, range(8)))
def test_whatever_is_done_to_students_and_ssids_the_table_of_those_without_is_in_step(seed: int) -> None:
    chance = Chance(seed)
    for _n in range(25):
        chance.step()
        assert in_step()


def test_someone_who_loses_the_ssid_comes_into_the_list_by_name_and_once() -> None:
    """A Revert puts a whole district back: in name order the index by name is filled from page to page."""
    school = SchoolFactory()
    names = [f"{letter}{n}" for n in range(20) for letter in "KCXA"]
    students = [StudentFactory(school=school, last_name=name, with_ssid=True) for name in names]
    there = students[5]
    WithoutSSID.objects.create(student=there, school=school, grade="05", last_key="c1", first_key="")

    SSID.objects.filter(student__in=students).delete()

    with connection.cursor() as cursor:
        cursor.execute("SELECT last_key FROM students_withoutssid WHERE student_id <> %s ORDER BY ctid", [there.pk])
        came = [key for (key,) in cursor.fetchall()]
    assert len(came) == len(names) - 1
    assert came == sorted(came)
    assert WithoutSSID.objects.get(student=there).last_key == "c1"


@pytest.mark.long
def test_a_large_import_into_a_district_where_nobody_was_missing_is_not_quadratic() -> None:
    """Statistics of the table say that it is empty, while one transaction brings students and their SSIDs."""
    school = SchoolFactory()
    for _n in range(2):
        StudentFactory(school=school, with_ssid=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE students_withoutssid")
        cursor.execute("SELECT reltuples, relpages FROM pg_class WHERE relname = 'students_withoutssid'")
        rows, pages = cursor.fetchone()
        assert (rows, pages > 0) == (0, True)  # pages, but nobody in them
        cursor.execute("SET LOCAL statement_timeout = '30s'")  # a second when it is linear, minutes when it is not
        cursor.execute(
            "INSERT INTO students_student (lea_id, school_id, local_number, grade, last_name, first_name, middle_name, suffix,"
            " legal_last_name, legal_first_name, legal_middle_name, alias_last_name, alias_first_name, birth_date, gender,"
            " legal_gender, birth_country, birth_state, home_language, ethnicity) SELECT %s, %s, 'L' || n, '', 'Ng', 'An', '',"
            " '', '', '', '', '', '', '2011-01-01', '', '', '', '', '', '' FROM generate_series(1, 40000) n",
            [school.lea.pk, school.pk],
        )
    assert WithoutSSID.objects.count() == 40_000
    Student.objects.filter(local_number__startswith="L").update(grade="05")
    assert WithoutSSID.objects.filter(grade="05").count() == 40_000
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at)"
            " SELECT id, 'CA', (9100000000 + id)::text, 'staff', true, now() FROM students_student WHERE local_number LIKE 'L%%'"
        )
    assert not WithoutSSID.objects.exists()
    SSID.objects.filter(ssid__startswith="91").update(retired_at=timezone.now())
    assert WithoutSSID.objects.count() == 40_000
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("DISCARD PLANS")  # as a run does before foreign keys are checked
