"""The table of last days is in step with enrollments, whatever statement changes them; who is enrolled is read from it alone."""

import datetime as dt
import random

import pytest
from django.db import connection
from django.db.models import Max, QuerySet
from django.utils import timezone

from students.missing import enrolled_today, gone
from students.models import Enrollment, LastDay, School, Student
from tests.factories import SchoolFactory, StudentFactory
from tests.longer import one_in

pytestmark = pytest.mark.django_db

START = dt.date(2000, 8, 12)


def in_step() -> bool:
    """Does the table hold those whose enrollments all end, with the last day?"""
    open_ended = Enrollment.objects.filter(exit_date__isnull=True).values("student")
    ended = Enrollment.objects.exclude(student__in=open_ended).order_by()
    last = set(ended.values("student").annotate(day=Max("exit_date")).values_list("student", "day"))
    return last == set(LastDay.objects.values_list("student_id", "day"))


class Chance:
    """A few students, and what may be done to their enrollments in one statement, by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.schools: list[School] = [SchoolFactory(), SchoolFactory()]
        self.students = [StudentFactory(school=self.schools[0]) for _n in range(8)]
        self.starts = (START + dt.timedelta(days=n) for n in range(100_000))

    def day(self) -> dt.date | None:
        later = timezone.localdate() + dt.timedelta(days=self.chance.randint(-3, 3))
        return self.chance.choice([None, dt.date(2025, 1, 10), later])

    def some(self) -> QuerySet[Enrollment]:
        ids = list(Enrollment.objects.values_list("pk", flat=True))
        return Enrollment.objects.filter(pk__in=self.chance.sample(ids, min(len(ids), 3)))

    def enroll(self) -> None:
        Enrollment.objects.bulk_create(
            Enrollment(
                student=s, school=self.chance.choice(self.schools), start_date=next(self.starts), exit_date=self.day()
            )
            for s in self.chance.sample(self.students, 3)
        )

    def end(self) -> None:
        self.some().update(exit_date=self.day())

    def move(self) -> None:
        for stay in self.some().exclude(start_date__gte=dt.date(2024, 8, 1))[:1]:  # each of ours starts on its own day
            Enrollment.objects.filter(pk=stay.pk).update(student=self.chance.choice(self.students))

    def touch(self) -> None:
        self.some().update(grade="05")

    def take(self) -> None:
        self.some().delete()

    def remove(self) -> None:
        self.students.pop().delete()
        self.students.append(StudentFactory(school=self.schools[1]))

    def step(self) -> None:
        steps = (self.enroll, self.enroll, self.end, self.move, self.touch, self.take, self.remove)
        self.chance.choice(steps)()


@pytest.mark.parametrize("seed", one_in(3, range(6)))
def test_whatever_is_done_to_enrollments_the_table_of_last_days_is_in_step(seed: int) -> None:
    chance = Chance(seed)
    for _n in range(25):
        chance.step()
        assert in_step()


def test_enrolled_is_who_has_a_school_and_no_last_day_before_today() -> None:
    today = timezone.localdate()
    school = SchoolFactory()
    never, stays, left, leaves_today, back, nowhere = (StudentFactory(school=school) for _n in range(6))
    Student.objects.filter(pk=nowhere.pk).update(school=None)
    Enrollment.objects.all().delete()
    days = {
        stays: [None],
        left: [today - dt.timedelta(days=1)],
        leaves_today: [today],
        back: [dt.date(2025, 1, 10), None],
    }
    for student, exits in days.items():
        for n, day in enumerate(exits):
            start = START + dt.timedelta(days=n)
            Enrollment.objects.create(student=student, school=school, start_date=start, exit_date=day)

    assert set(enrolled_today(Student.objects.all())) == {never, stays, leaves_today, back}
    assert set(gone(Student.objects.all())) == {left, nowhere}


@pytest.mark.long
def test_a_large_roster_into_a_district_where_nobody_had_left_is_not_quadratic() -> None:
    """Statistics of both tables say that they are empty, while one transaction brings enrollments, exits, and takes all back."""
    school = SchoolFactory()
    students = [StudentFactory(school=school) for _n in range(2)]
    lea = students[0].lea
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE students_lastday")
        cursor.execute("SET LOCAL statement_timeout = '30s'")  # a second when it is linear, minutes when it is not
        cursor.execute(
            "INSERT INTO students_student (lea_id, school_id, local_number, grade, last_name, first_name, middle_name, suffix,"
            " legal_last_name, legal_first_name, legal_middle_name, alias_last_name, alias_first_name, birth_date, gender,"
            " legal_gender, birth_country, birth_state, home_language, ethnicity) SELECT %s, %s, 'L' || n, '', 'Ng', 'An', '',"
            " '', '', '', '', '', '', '2011-01-01', '', '', '', '', '', '' FROM generate_series(1, 40000) n",
            [lea.pk, school.pk],
        )
        cursor.execute(
            "INSERT INTO students_enrollment (student_id, school_id, grade, start_date)"
            " SELECT id, school_id, '', '2024-08-12' FROM students_student WHERE local_number LIKE 'L%%'"
        )
    assert not LastDay.objects.exists()
    Enrollment.objects.update(exit_date=dt.date(2025, 1, 10))
    assert LastDay.objects.count() == Enrollment.objects.values("student").distinct().count() >= 40_000
    Enrollment.objects.all()._raw_delete("default")
    assert not LastDay.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("DISCARD PLANS")  # as a run does before foreign keys are checked
