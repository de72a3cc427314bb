"""SSID collection: policy, approval of enrollment forms, and counts over time (rules M-2 to M-4)."""

import datetime as dt

import pytest
from django.utils import timezone

from students import collection
from students.collection import EnrollmentRefusedError
from students.models import AnnualEnrollment, CollectionPolicy, MissingSnapshot, School, Student
from students.services import report_ssid
from tests.students.people import school, student, user

pytestmark = pytest.mark.django_db

REQUIRED = dt.date(2015, 7, 1)
BEFORE, FROM = dt.date(2015, 6, 30), REQUIRED


@pytest.fixture
def oak() -> School:
    return school()


def submitted(who: Student) -> AnnualEnrollment:
    staff = user(f"staff {who.local_number}")
    return collection.submit_enrollment(student=who, school_year="2014-2015", user=staff, online=False)


def require(**more: object) -> CollectionPolicy:
    return CollectionPolicy.objects.create(pk=1, required_from=REQUIRED, **more)


@pytest.mark.parametrize(("day", "required"), [(BEFORE, False), (FROM, True)], ids=["30 June", "1 July"])
def test_m2_the_ssid_is_required_from_the_day_on(day: dt.date, required: bool) -> None:
    assert CollectionPolicy(required_from=REQUIRED).is_required_on(day) is required


def test_m2_without_a_policy_the_ssid_is_recommended(db: None) -> None:
    assert not collection.get_policy().is_required_on(dt.date(2999, 1, 1))


@pytest.mark.parametrize(("day", "asked"), [(BEFORE, False), (FROM, True)], ids=["30 June", "1 July"])
def test_m4_the_second_check_begins_on_the_same_day(day: dt.date, asked: bool) -> None:
    policy = CollectionPolicy(required_from=REQUIRED, online_enrollment=True)
    assert policy.asks_second_check_on(day, 1) is asked


def test_m4_the_second_check_is_asked_at_schools_that_enroll_online_only() -> None:
    policy = CollectionPolicy(required_from=REQUIRED, online_enrollment=True, online_schools=[7])
    assert [policy.asks_second_check_on(FROM, school) for school in (7, 8, None)] == [True, False, False]


def test_m3_approval_asks_for_a_missing_ssid_and_can_skip_it_before_the_day(oak: School) -> None:
    require()
    form, staff = submitted(student(oak)), user("approver")

    with pytest.raises(EnrollmentRefusedError) as refused:
        collection.approve_enrollment(form=form, user=staff, today=BEFORE)
    approved = collection.approve_enrollment(form=form, user=staff, skip_ssid=True, today=BEFORE)

    assert refused.value.needs_ssid
    assert (approved.status, approved.without_ssid, approved.approved_by) == ("approved", True, staff)


def test_m3_from_the_day_on_nothing_is_approved_without_ssid(oak: School) -> None:
    require()
    form = submitted(student(oak))

    with pytest.raises(EnrollmentRefusedError):
        collection.approve_enrollment(form=form, user=user("approver"), skip_ssid=True, today=FROM)

    assert AnnualEnrollment.objects.get().status == "submitted"


def test_m3_a_reported_number_is_not_an_ssid_for_approval(oak: School) -> None:
    require()
    sam = student(oak)
    report_ssid(student=sam, ssid="9012345678", user=user())

    with pytest.raises(EnrollmentRefusedError):
        collection.approve_enrollment(form=submitted(sam), user=user("approver"), today=FROM)


def test_m3_with_an_ssid_a_form_is_approved(oak: School) -> None:
    require()
    form = submitted(student(oak, ssid="9012345678"))
    assert collection.approve_enrollment(form=form, user=user("approver"), today=FROM).without_ssid is False


def test_a_draft_is_not_approved(oak: School) -> None:
    form = collection.return_enrollment(form=submitted(student(oak, ssid="9012345678")))
    with pytest.raises(EnrollmentRefusedError):
        collection.approve_enrollment(form=form, user=user("approver"))


def test_an_approved_form_stays_approved(oak: School) -> None:
    sam = student(oak, ssid="9012345678")
    form = collection.approve_enrollment(form=submitted(sam), user=user("approver"))

    with pytest.raises(EnrollmentRefusedError):
        collection.submit_enrollment(student=sam, school_year="2014-2015", user=user(), online=True)
    with pytest.raises(EnrollmentRefusedError):
        collection.return_enrollment(form=form)


def test_missing_ssids_are_counted_by_school_and_grade(oak: School) -> None:
    elm = school("0123457", "Elm School")
    student(oak, "1", ssid="9012345678")
    told = student(oak, "2")
    student(oak, "3", grade="06")
    student(elm, "4")
    report_ssid(student=told, ssid="9012345670", user=user())

    counts = collection.count_missing(None)

    assert [(c.school, c.grade, c.students, c.missing, c.reported, c.percent) for c in counts] == [
        ("Elm School", "05", 1, 1, 0, 0),
        ("Oak School", "05", 2, 1, 1, 50),
        ("Oak School", "06", 1, 1, 0, 0),
    ]
    assert [c.school_id for c in collection.count_missing([elm.pk])] == [elm.pk]


def test_a_day_is_recorded_once_with_its_last_counts(oak: School) -> None:
    collection.record_missing()
    student(oak, "1")
    collection.record_missing()
    collection.record_missing()

    assert list(MissingSnapshot.objects.values_list("students", "without_ssid")) == [(1, 1)]


def test_the_share_over_time_is_that_of_the_schools_asked_for(oak: School) -> None:
    elm = school("0123457", "Elm School")
    student(oak, "1", ssid="9012345678")
    student(oak, "2")
    student(elm, "3")
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    collection.record_missing(yesterday)
    student(oak, "4", ssid="9012345679")
    collection.record_missing()

    assert [(s.day == yesterday, s.percent) for s in collection.share_over_time([oak.pk])] == [
        (True, 50.0),
        (False, pytest.approx(66.7, abs=0.1)),
    ]


def test_the_reconciler_keeps_the_counts_of_a_day_automatically(oak: School) -> None:
    from sisimport.imports.runs.reconciler import Reconciler

    student(oak)
    reconciler = Reconciler(lambda _run, _lane: True)

    reconciler.keep_counts(0.0)
    first = MissingSnapshot.objects.get().pk
    reconciler.keep_counts(1e9)

    assert MissingSnapshot.objects.get().pk == first
