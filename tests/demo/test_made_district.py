"""What is in the demo district: people as they are, sample files that do what they say, people who sign in.

The district is made once for all tests of this module, and its sample files are written once.
"""

import itertools
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.db.models import Count, F, Q
from django.test import override_settings

from sisimport.demo import district
from students.models import SSID, Enrollment, Guardian, School, SSIDReplacement, Student
from tests.demo.test_district import people
from tests.imports.journey import drop_temporary_tables, run_file
from tests.made_once import for_this_test, made_once


@pytest.fixture(autouse=True)
def _own_data_folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture(scope="module")
def lincoln_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[district.District, Path]]:
    def make() -> district.District:
        made = district.make_district(students=3_000, seed=7)
        drop_temporary_tables()
        return made

    with made_once(make, tmp_path_factory.mktemp("lincoln"), django_db_blocker) as made:
        yield made


@pytest.fixture
def lincoln(lincoln_once: tuple[district.District, Path], db: None) -> district.District:
    return for_this_test(lincoln_once)


@pytest.fixture(scope="module")
def samples(
    lincoln_once: tuple[district.District, Path], django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder with the sample files of the district."""
    with django_db_blocker.unblock(), override_settings(DATA_DIR=tmp_path_factory.mktemp("samples")):
        district.write_samples(lincoln_once[0].lea)
        return district.samples_folder()


def test_a_district_that_is_there_is_left_alone(lincoln: district.District) -> None:
    before = people()
    again = district.make_district(students=50, seed=1)
    assert (again.created, again.counts) == (False, lincoln.counts)
    assert people() == before


# ---- people as they are ----

KINDS_OF_PEOPLE = {
    "accents": Q(last_name__regex="[áéíóúñçüößł]"),
    "a hyphen": Q(last_name__contains="-"),
    "an apostrophe": Q(last_name__contains="'"),
    "two words": Q(last_name__contains=" "),
    "a suffix": Q(suffix__in=["Jr", "II", "III"]),
    "no middle name": Q(middle_name=""),
    "gender X with a legal gender": Q(gender="X", legal_gender__in=["M", "F"]),
    "a legal name": Q(legal_first_name__gt="") & ~Q(legal_first_name=F("first_name")),
    "an alias": Q(alias_first_name__gt=""),
    "another country of birth": Q(birth_country="MX"),
    "an EL record": Q(el__program_status="EL"),
    "a pending EL record": Q(el__program_status="Pending", el__tbd_date__isnull=False),
    "an exit from the EL program": Q(el__program_status="Exited EL", el__exit_date__isnull=False),
    "no EL record": Q(el__isnull=True),
    "an exit with its reason": Q(enrollments__exit_date__isnull=False, enrollments__exit_reason="T160"),
    "an exit without a reason": Q(enrollments__exit_date__isnull=False, enrollments__exit_reason=""),
}


@pytest.mark.parametrize("kind", KINDS_OF_PEOPLE)
def test_there_are_students_with(lincoln: district.District, kind: str) -> None:
    assert Student.objects.filter(KINDS_OF_PEOPLE[kind]).exists()


def test_there_are_twins_and_siblings(lincoln: district.District) -> None:
    families = list(Student.objects.order_by("local_number").values_list("last_name", "birth_date"))
    pairs = list(itertools.pairwise(families))
    assert any(a == b for a, b in pairs)
    assert sum(a[0] == b[0] and a[1] != b[1] for a, b in pairs) > 50


def test_schools_have_codes_of_seven_digits_with_leading_zeros(lincoln: district.District) -> None:
    codes = set(School.objects.values_list("code", flat=True))
    assert all(len(code) == 7 and code.isdigit() and code.startswith("0") for code in codes)
    assert len(codes) == lincoln.counts["schools"] >= 5


def test_there_is_every_grade_from_tk_to_12_and_ages_that_fit(lincoln: district.District) -> None:
    grades = dict(Student.objects.values_list("grade").annotate(n=Count("pk")))
    assert set(grades) == {"TK", "KN", *(f"{n:02d}" for n in range(1, 13))}
    assert {born.year for born in Student.objects.filter(grade="TK").values_list("birth_date", flat=True)} <= {
        2021,
        2022,
    }


def test_some_ssids_were_retired_and_the_states_replacements_are_known(lincoln: district.District) -> None:
    assert SSID.objects.filter(retired_at__isnull=False).exists()
    assert SSID.objects.filter(retired_at=None, ssid__in=SSIDReplacement.objects.values("retired_ssid")).exists()


def test_every_student_has_a_guardian_and_an_enrollment(lincoln: district.District) -> None:
    assert Guardian.objects.values("student").distinct().count() == 3_000
    assert Enrollment.objects.values("student").distinct().count() == 3_000
    assert Enrollment.objects.count() > 3_000


def test_counts_are_true(lincoln: district.District) -> None:
    assert lincoln.counts == district.count_records(lincoln.lea)


# ---- sample files ----


def test_every_sample_file_is_of_an_import_type_and_written_once(lincoln: district.District) -> None:
    from sisimport.imports.definition.registry import get_type

    written = district.write_samples(lincoln.lea)
    assert {s.name for s in written} == {path.name for path in district.samples_folder().iterdir()}
    assert all(get_type(s.import_type) and s.note for s in written)
    assert district.write_samples(lincoln.lea) == []


@pytest.mark.long
def test_the_sample_of_new_ssids_goes_in_whole(lincoln: district.District, samples: Path) -> None:
    report = run_file("ssid-download", (samples / "ssid-download-new.txt").read_bytes())
    assert report.issues == []
    assert report.counts == {"imported": 3_000 - lincoln.counts["ssids"]}


@pytest.mark.long
def test_the_sample_of_the_district_adds_what_is_missing_only(lincoln: district.District, samples: Path) -> None:
    report = run_file("ssid-download", (samples / "ssid-download-district.txt").read_bytes())
    assert set(report.codes()) <= {"SSID-PRESENT", "SSID-RETIRED"}
    assert report.run.planned_count == 3_000 - lincoln.counts["ssids"]


def test_the_sample_of_findings_has_every_kind(lincoln: district.District, samples: Path) -> None:
    report = run_file("ssid-download", (samples / "ssid-download-findings.txt").read_bytes())
    assert set(report.codes()) >= {
        "STU-NOTFOUND",
        "DEMO-MISMATCH",
        "DEMO-NEAR",
        "SSID-PRESENT",
        "SSID-FORMAT",
        "SSID-TAKEN",
        "SSID-CONFLICT",
        "SSID-RETIRED",
        "DUP-SAME",
        "DUP-DIFFERS",
        "ENR-LEA",
        "ENR-SCHOOL",
        "ENR-OTHER",
        "ELA-STATUS",
        "ELA-DATE",
        "ELA-LANG",
        "ELA-MISSING",
        "ELA-LEGACY",
        "ELA-CODE",
        "ELA-TVD",
        "ELA-HINT",
        "FILE-DATE",
        "FILE-CODE",
        "FILE-COLUMNS",
        "FILE-REQUIRED",
        "FILE-LENGTH",
    }
    assert any("swapped" in issue["message"] for issue in report.issues)


def test_the_roster_sample_creates_updates_and_refuses(lincoln: district.District, samples: Path) -> None:
    report = run_file("students", (samples / "students-roster.csv").read_bytes())
    assert {"imported", "unchanged", "refused"} <= set(report.counts)
    assert any(change["before"] for change in report.changes)


# ---- people who sign in ----


def test_users_are_made_with_groups_and_one_password(lincoln: district.District) -> None:
    signed = district.make_users(lincoln.lea)
    assert signed.users == ("registrar", "admin", "staff", "viewer")
    assert authenticate(username="registrar", password=signed.password)
    users = get_user_model().objects
    groups = {name: list(users.get(username=name).groups.values_list("name", flat=True)) for name in signed.users}
    assert groups == {
        "registrar": ["registrar"],
        "admin": ["import admin"],
        "staff": ["SSID staff"],
        "viewer": ["viewer"],
    }


def test_the_first_password_is_kept_where_only_its_owner_reads_it(lincoln: district.District) -> None:
    signed = district.make_users(lincoln.lea)
    assert stat.S_IMODE(signed.path.stat().st_mode) == 0o600
    assert district.make_users(lincoln.lea).password == signed.password


def test_users_who_are_there_keep_their_password(lincoln: district.District) -> None:
    district.make_users(lincoln.lea)
    user = get_user_model().objects.get(username="staff")
    user.set_password("of their own")
    user.save()
    district.make_users(lincoln.lea)
    assert authenticate(username="staff", password="of their own")
