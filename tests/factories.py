"""Factories of what tests of pages need: students with their records, and people who sign in. All of them invented."""

import datetime as dt
from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, SSID_STAFF, VIEWER
from students.models import LEA, SSID, ELRecord, Enrollment, Guardian, School, StaffAccess, Student

PASSWORD = "correct-horse-staple-7"


class LEAFactory(DjangoModelFactory[LEA]):
    class Meta:
        model = LEA
        django_get_or_create = ("code",)

    code = "1234567"
    name = "Lincoln Unified"


class SchoolFactory(DjangoModelFactory[School]):
    class Meta:
        model = School

    lea = factory.SubFactory(LEAFactory)
    code = factory.Sequence(lambda n: f"{n + 123456:07d}")
    name = factory.Sequence(lambda n: f"Cedar School {n}")


class StudentFactory(DjangoModelFactory[Student]):
    """Traits: `with_ssid`, `english_learner`, `with_guardian`, `legally_named`."""

    class Meta:
        model = Student
        skip_postgeneration_save = True

    class Params:
        with_ssid = factory.Trait(ssid=factory.RelatedFactory("tests.factories.SSIDFactory", "student"))
        english_learner = factory.Trait(el_record=factory.RelatedFactory("tests.factories.ELRecordFactory", "student"))
        with_guardian = factory.Trait(guardian=factory.RelatedFactory("tests.factories.GuardianFactory", "student"))
        legally_named = factory.Trait(legal_last_name="Delacruz", legal_first_name="Evangelina")

    school = factory.SubFactory(SchoolFactory)
    lea = factory.LazyAttribute(lambda student: student.school.lea)
    local_number = factory.Sequence(lambda n: str(700000 + n))  # out of the way of numbers that tests write out
    last_name = "Diaz"
    first_name = factory.Sequence(lambda n: f"Eva{n}")
    middle_name = "Luz"
    birth_date = dt.date(2011, 8, 12)
    gender = "F"
    grade = "08"
    home_language = "spa"
    enrollment = factory.RelatedFactory("tests.factories.EnrollmentFactory", "student")


class EnrollmentFactory(DjangoModelFactory[Enrollment]):
    class Meta:
        model = Enrollment

    student = factory.SubFactory(StudentFactory, enrollment=None)
    school = factory.LazyAttribute(lambda enrollment: enrollment.student.school)
    grade = factory.LazyAttribute(lambda enrollment: enrollment.student.grade)
    start_date = dt.date(2024, 8, 12)


class SSIDFactory(DjangoModelFactory[SSID]):
    class Meta:
        model = SSID

    student = factory.SubFactory(StudentFactory)
    ssid = factory.Sequence(lambda n: f"{9700000000 + n}")
    origin = "state_file"
    verified = True


class ELRecordFactory(DjangoModelFactory[ELRecord]):
    class Meta:
        model = ELRecord

    student = factory.SubFactory(StudentFactory)
    program_status = "EL"
    identified_date = dt.date(2018, 9, 1)


class GuardianFactory(DjangoModelFactory[Guardian]):
    class Meta:
        model = Guardian

    student = factory.SubFactory(StudentFactory)
    last_name = "Diaz"
    first_name = "Marisol"
    relationship = "Mother"


class UserFactory(DjangoModelFactory[Any]):
    """A user of a group with access to `schools` (a list), or to all with `all_schools=True`; by default to none.

    Traits: `registrar`, `import_admin`, `ssid_staff`, `viewer`. The password is `PASSWORD`.
    """

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    class Params:
        registrar = factory.Trait(group=REGISTRAR)
        import_admin = factory.Trait(group=IMPORT_ADMIN, is_staff=True, all_schools=True)
        ssid_staff = factory.Trait(group=SSID_STAFF, is_staff=True)
        viewer = factory.Trait(group=VIEWER)

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password(PASSWORD)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        group = kwargs.pop("group", None)
        schools = kwargs.pop("schools", None)
        all_schools = kwargs.pop("all_schools", False)
        user = super()._create(model_class, *args, **kwargs)
        if group is not None:
            user.groups.add(Group.objects.get_or_create(name=group)[0])
        if all_schools or schools:
            access = StaffAccess.objects.create(user=user, all_schools=all_schools)
            access.schools.set(schools or [])
        return user
