"""The kept counts of students are those of a fresh count, whatever statement changes students, SSIDs or enrollments."""

import datetime as dt
from collections import Counter

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from sisimport.erasing.districts import destroy_district
from sisimport.erasing.students import erase_student
from sisimport.imports.models import Work
from sisimport.imports.runs.reconciler import Reconciler
from students import collection, headcounts
from students.models import SSID, Enrollment, Headcount, LastDay, Student, WithoutSSID
from tests.factories import SchoolFactory, StudentFactory
from tests.imports.journey import OTHER_SCHOOL_CODE, make_district, revert, run_file
from tests.imports.test_revert_migration import forward_again, migrate
from tests.longer import one_in
from tests.roster.test_roster import JOSE, csv
from tests.students import test_last_days, test_without_ssid

pytestmark = pytest.mark.django_db
Counts = dict[tuple[int, str], tuple[int, int]]


def counted_afresh(today: dt.date | None = None) -> Counts:
    """Students enrolled, and those of them without SSID, by school and grade, from the records alone."""
    open_ended = Enrollment.objects.filter(exit_date__isnull=True).values("student")
    ended = Enrollment.objects.exclude(student__in=open_ended).order_by().values("student")
    left = ended.annotate(last=Max("exit_date")).filter(last__lt=today or timezone.localdate()).values("student")
    here = Student.objects.filter(school__isnull=False).exclude(pk__in=left)
    having = set(SSID.objects.filter(retired_at__isnull=True).values_list("student_id", flat=True))
    students: Counter[tuple[int, str]] = Counter()
    missing: Counter[tuple[int, str]] = Counter()
    for pk, school, grade in here.values_list("pk", "school_id", "grade"):
        students[school, grade] += 1
        missing[school, grade] += pk not in having
    return {key: (count, missing[key]) for key, count in students.items()}


def kept() -> Counts:
    return {(c.school_id or 0, c.grade): (c.students, c.missing) for c in collection.count_missing(None)}


def assert_in_step() -> None:
    fresh = counted_afresh()
    assert kept() == fresh
    for at, sums in enumerate((headcounts.count_enrolled(None), headcounts.count_without_ssid(None))):
        by_school: Counter[int] = Counter()
        for (school, _grade), counts in fresh.items():
            by_school[school] += counts[at]
        assert sums == {school: count for school, count in by_school.items() if count}


class Chance:
    """Whatever the tables of those without SSID and of last days are tried with, on the same students, and compaction."""

    def __init__(self, seed: int) -> None:
        self.ssids = test_without_ssid.Chance(seed)
        self.stays = test_last_days.Chance(seed)
        self.ssids.students = self.stays.students
        self.chance = self.stays.chance

    def move(self) -> None:
        """Another school or grade for a student who has left, or not, and has an SSID, or not."""
        ids = [student.pk for student in self.chance.sample(self.stays.students, 4)]
        school = self.chance.choice([*self.stays.schools, None])
        Student.objects.filter(pk__in=ids).update(school=school, grade=self.chance.choice(["05", "06"]))

    def step(self) -> None:
        self.chance.choice((self.ssids.step, self.stays.step, self.move, headcounts.compact))()


@pytest.mark.parametrize("seed", one_in(5, range(10)))
def test_whatever_is_done_the_counts_are_those_of_a_fresh_count(seed: int) -> None:
    chance = Chance(seed)
    for _n in range(30):
        chance.step()
        assert_in_step()
    headcounts.compact()
    assert_in_step()


def test_someone_who_has_left_keeps_school_and_grade_and_who_has_no_ssid_the_last_day() -> None:
    chance = Chance(99)
    for _n in range(40):
        chance.step()
        places = dict(Student.objects.values_list("pk", "local_number"))
        where = {pk: place for pk, *place in Student.objects.values_list("pk", "school_id", "grade")}
        assert {pk: place for pk, *place in LastDay.objects.values_list("student_id", "school_id", "grade")} == {
            pk: where[pk] for pk in LastDay.objects.values_list("student_id", flat=True)
        }
        days = dict(LastDay.objects.values_list("student_id", "day"))
        assert dict(WithoutSSID.objects.values_list("student_id", "last_day")) == {
            pk: days.get(pk) for pk in places if WithoutSSID.objects.filter(pk=pk).exists()
        }


def test_someone_who_leaves_counts_until_the_last_day_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    today = timezone.localdate()
    leaves = StudentFactory(school=SchoolFactory(), grade="05")
    leaves.enrollments.update(exit_date=today)
    key = (leaves.school_id, "05")
    assert kept()[key] == (1, 1)

    monkeypatch.setattr(timezone, "localdate", lambda: today + dt.timedelta(days=1))
    assert kept() == counted_afresh() == {}

    monkeypatch.setattr(timezone, "localdate", lambda: today + dt.timedelta(days=30))
    headcounts.compact()
    assert not Headcount.objects.exists()  # a day that is over counts always: one less, and nobody is left

    leaves.enrollments.update(exit_date=None)
    assert kept()[key] == counted_afresh()[key] == (1, 1)


class TestRuns:
    def test_rosters_moves_departures_and_ssid_files_and_their_reverts(self) -> None:
        district = make_district()
        district.another()
        moved = {"school": OTHER_SCHOOL_CODE, "grade": "11"}
        gone = moved | {"enrollment_exit": "2025-01-10"}
        newcomer = {"school": "7654321", "local_number": "100777", "last_name": "Novo", "first_name": "Ed"}
        runs = []
        for lines in (
            [JOSE],
            [JOSE, JOSE | newcomer],
            [JOSE | moved],
            [JOSE | gone],
            [JOSE | gone | {"ssid": "9000000001"}],
        ):
            runs.append(run_file("students", csv(*lines), Work.UPDATE).run)
            assert_in_step()
        assert len(kept()) == 3
        for run in runs:
            revert(run)
            headcounts.compact()
            assert_in_step()

    def test_a_student_who_is_erased_and_a_district_that_is_destroyed_count_no_more(self) -> None:
        district = make_district()
        jose = district.student()
        district.another()
        erase_student(jose, reason="asked for")
        assert_in_step()
        assert sum(count for count, _missing in kept().values()) == 1
        destroy_district(district.lea.code, reason="contract ended", by="test")
        headcounts.compact()
        assert kept() == {}
        assert not Headcount.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestNobodyWaits:
    """One school, two sessions in a transaction each: neither waits for the other, nor for the job that adds up counts."""

    STATEMENT = (
        "INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at)"
        " VALUES (%s, 'CA', %s, 'staff', true, now())"
    )

    @pytest.fixture
    def students(self) -> list[Student]:
        school = SchoolFactory()
        return [StudentFactory(school=school, grade="05") for _n in range(3)]

    def test_two_imports_of_one_school_and_compaction_between(
        self, students: list[Student], other_session: psycopg.Connection
    ) -> None:
        one, two, _three = students
        other_session.execute("SET lock_timeout = '3s'")
        with other_session.transaction():
            other_session.execute(self.STATEMENT, [one.pk, "9000000001"])
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '3s'")
                headcounts.compact()
                cursor.execute(self.STATEMENT, [two.pk, "9000000002"])
            headcounts.compact()
            assert kept() == {(one.school_id, "05"): (3, 2)}  # the other one is not committed
            other_session.execute("UPDATE students_student SET grade = '06' WHERE id = %s", [two.pk])
        assert kept() == counted_afresh() == {(one.school_id, "05"): (2, 1), (one.school_id, "06"): (1, 0)}
        headcounts.compact()
        assert_in_step()
        assert Headcount.objects.count() == 2

    def test_what_was_begun_before_a_compaction_reads_the_counts_as_they_were(
        self, students: list[Student], other_session: psycopg.Connection
    ) -> None:
        """A backup keeps one look at the database while rows are put together."""
        read = "SELECT sum(students), sum(without_ssid) FROM students_headcount"
        with other_session.transaction():
            other_session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            before = other_session.execute(read).fetchone()
            students[0].enrollments.update(exit_date=dt.date(2025, 1, 10))
            headcounts.compact()
            assert other_session.execute(read).fetchone() == before == (3, 3)
        assert other_session.execute(read).fetchone() == (2, 2)

    def test_two_who_put_counts_together_at_once_count_nothing_twice(
        self, students: list[Student], other_session: psycopg.Connection
    ) -> None:
        with other_session.transaction():
            other_session.execute("SELECT pg_advisory_xact_lock(%s, 0)", [headcounts._COMPACT_LOCK])
            before = Headcount.objects.count()
            headcounts.compact()
            assert Headcount.objects.count() == before > 1
        headcounts.compact()
        assert Headcount.objects.count() == 1
        assert_in_step()


def test_the_compacted_counts_are_a_row_for_each_school_and_grade_and_day_to_come() -> None:
    school, tomorrow = SchoolFactory(), timezone.localdate() + dt.timedelta(days=1)
    students = [StudentFactory(school=school, grade=grade) for grade in ("05", "05", "06", "07")]
    students[0].enrollments.update(exit_date=tomorrow)
    students[2].enrollments.update(exit_date=dt.date(2025, 1, 10))
    Student.objects.filter(pk=students[3].pk).update(school=None)

    headcounts.compact()

    rows = Headcount.objects.order_by("grade", "after").values_list("grade", "after", "students", "without_ssid")
    assert list(rows) == [("05", tomorrow, -1, -1), ("05", None, 2, 2)]


@pytest.mark.faults
class TestMigration:
    BEFORE = [("students", "0023_staff_accounts_end")]

    def test_there_and_back_counts_what_there_is_and_leaves_what_there_was(self) -> None:
        functions = self._functions()
        chance = Chance(7)
        for _n in range(20):
            chance.step()
        migrate(self.BEFORE)
        old = self._functions()
        StudentFactory(school=chance.stays.schools[0], grade="05")
        for model, step in ((Student, chance.ssids.give), (Enrollment, chance.stays.end)):
            step()
            assert model.objects.exists()
        forward_again()
        assert_in_step()
        assert self._functions() == functions != old
        for _n in range(10):
            chance.step()
            assert_in_step()

    def _functions(self) -> dict[str, str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'students\\_%'")
            return dict(cursor.fetchall())


def test_the_reconciler_puts_counts_together_each_minute() -> None:
    school = SchoolFactory()
    for _n in range(3):
        StudentFactory(school=school, grade="05")
    assert Headcount.objects.count() > 1
    reconciler = Reconciler(lambda _run, _lane: None)

    reconciler.keep_counts(100.0)
    assert Headcount.objects.count() == 1
    StudentFactory(school=school, grade="05")
    reconciler.keep_counts(130.0)
    assert Headcount.objects.count() > 1
    reconciler.keep_counts(161.0)

    assert Headcount.objects.count() == 1
    assert_in_step()
