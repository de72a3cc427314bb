"""The demo district: invented people to try the product with, and sample files of every import type for them.

An app adds its sample files in its own demo.py, found like import_types.py: `register_samples(Sample(...))`.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils.module_loading import autodiscover_modules

from sisimport.demo import people
from sisimport.imports.engine.sql import execute
from students.models import LEA, SSID, ELRecord, Enrollment, Guardian, School, SSIDReplacement, StaffAccess, Student
from students.practice import NAME_ENDING

LEA_CODE = "1234567"
LEA_NAME = f"Lincoln Unified{NAME_ENDING}"
DEFAULT_SSID_PERCENT = 60
_LOCK = 0x5349_0003  # advisory lock: two concurrent commands make only one district


class DemoRefusedError(Exception):
    """The demo district cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample file. `write` gets the open text file and the district's LEA; `note` says in one sentence what the file shows.

    `write_packed`: writes the file if it is an archive; `write` then writes the text extracted from it.
    """

    name: str
    import_type: str
    note: str
    write: Callable[[IO[str], LEA], None]
    write_packed: Callable[[IO[bytes], LEA], None] | None = None


_samples: dict[str, Sample] = {}
_companions: list[Callable[[], LEA]] = []


def register_samples(*samples: Sample) -> None:
    """Offer sample files. Raises ValueError for a file name that is taken."""
    for sample in samples:
        if sample.name in _samples:
            raise ValueError(f"sample file {sample.name!r} is registered twice")
        _samples[sample.name] = sample


def register_companion(make: Callable[[], LEA]) -> None:
    """Offer a second practice district, made with the sample files that are about it. Its name ends like the first
    one's: it is removed and made again with that one."""
    _companions.append(make)


def make_companions() -> None:
    for make in _companions:
        make()


def all_samples() -> list[Sample]:
    """Every sample file that the apps offer, by name."""
    autodiscover_modules("demo")
    return sorted(_samples.values(), key=lambda sample: sample.name)


def samples_folder() -> Path:
    return Path(settings.DATA_DIR) / "samples"


@dataclass(frozen=True, slots=True)
class District:
    """What `make_demo` made or found."""

    lea: LEA
    created: bool
    counts: dict[str, int]


def make_district(*, students: int, seed: int, ssid_percent: int = DEFAULT_SSID_PERCENT) -> District:
    """Make the demo district, unless it already exists.

    The same arguments make the same people. Raises DemoRefusedError for a number of students that cannot be made.
    """
    if not 1 <= students <= people.MAX_STUDENTS:
        raise DemoRefusedError(f"Between 1 and {people.MAX_STUDENTS:,} students can be made.")
    if not 0 <= ssid_percent <= 100:
        raise DemoRefusedError("The share of students with an SSID is a percentage, 0 to 100.")
    with transaction.atomic():
        execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        there = LEA.objects.filter(code=LEA_CODE).first()
        if there is not None:
            return District(lea=there, created=False, counts=count_records(there))
        lea = LEA.objects.create(code=LEA_CODE, name=LEA_NAME)
        counts = people.make_people(lea=lea, students=students, seed=seed, ssid_percent=ssid_percent)
    people.analyze()
    return District(lea=lea, created=True, counts=counts)


def count_records(lea: LEA) -> dict[str, int]:
    """How many records of each kind a district has."""
    ssids = SSID.objects.filter(student__lea=lea)
    return {
        "schools": School.objects.filter(lea=lea).count(),
        "students": Student.objects.filter(lea=lea).count(),
        "enrollments": Enrollment.objects.filter(student__lea=lea).count(),
        "el_records": ELRecord.objects.filter(student__lea=lea).count(),
        "ssids": ssids.filter(retired_at__isnull=True).count(),
        "retired_ssids": ssids.filter(retired_at__isnull=False).count(),
        "ssid_replacements": SSIDReplacement.objects.count(),
        "guardians": Guardian.objects.filter(student__lea=lea).count(),
    }


def write_samples(lea: LEA) -> list[Sample]:
    """Write the sample files that do not exist yet; never leaves a half-written one."""
    missing = [sample for sample in all_samples() if not (samples_folder() / sample.name).exists()]
    for sample in missing:
        write_sample(sample, lea)
    return missing


def write_sample(sample: Sample, lea: LEA) -> Path:
    """Write one sample file unless it exists, and return its path."""
    path = samples_folder() / sample.name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        partial = path.with_name(f".{sample.name}.{secrets.token_hex(4)}")
        try:
            if sample.write_packed is not None:
                with partial.open("wb") as packed:
                    sample.write_packed(packed, lea)
            else:
                with partial.open("w", encoding="utf-8", newline="") as stream:
                    sample.write(stream, lea)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def copy_lines(stream: IO[str], sql: str, params: list[Any] | None = None) -> None:
    """Stream the text column of a SELECT into a file, one line per row: any number of rows in flat memory."""
    with connection.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT", params) as copy:
        for block in copy:
            stream.write(bytes(block).decode("utf-8").replace("\\\\", "\\"))


# ---- people who sign in ----

DEMO_USERS = (
    # user name, first name, last name, group, all schools
    ("registrar", "Rosa", "Registrar", "registrar", True),
    ("admin", "Ada", "Admin", "import admin", True),
    ("staff", "Sam", "Staff", "SSID staff", True),
    ("viewer", "Vera", "Viewer", "viewer", False),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """First-start sign-in: one password for the demo's users, in a file that only its owner can read."""

    users: tuple[str, ...]
    password: str
    path: Path


def make_users(lea: LEA) -> SignIn:
    """Make the demo's users with their groups and schools; existing users keep their password."""
    path = Path(settings.DATA_DIR) / "first-sign-in.txt"
    password = path.read_text().strip() if path.exists() else _new_password(path)
    model = get_user_model()
    first_school = School.objects.filter(lea=lea).order_by("code").first()
    with transaction.atomic():
        for name, first, last, group_name, all_schools in DEMO_USERS:
            user, created = model.objects.get_or_create(
                username=name,
                defaults={
                    "first_name": first,
                    "last_name": last,
                    "email": f"{name}@example.org",
                    "is_staff": group_name in {"import admin", "SSID staff"},
                    "is_superuser": name == "admin",
                },
            )
            if not created:
                continue
            user.set_password(password)
            user.save()
            user.groups.add(Group.objects.get_or_create(name=group_name)[0])
            access, _made = StaffAccess.objects.get_or_create(user=user, defaults={"all_schools": all_schools})
            if not all_schools and first_school is not None:
                access.schools.add(first_school)
    return SignIn(users=tuple(name for name, *_rest in DEMO_USERS), password=password, path=path)


def _new_password(path: Path) -> str:
    words = ["amber", "river", "maple", "stone", "cloud", "ember", "harbor", "meadow", "cedar", "lantern", "willow"]
    password = (
        f"{secrets.choice(words)}-{secrets.choice(words)}-{secrets.randbelow(9000) + 1000}-{secrets.token_hex(2)}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(password + "\n")
    return password
