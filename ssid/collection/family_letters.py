"""Letters that invite the families of a school: one page each, with a code, also as a QR code.

Codes are not stored, so letters are written while their invitations are made: block by block, for a school of any size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, OuterRef, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from students import families
from students.missing import enrolled_today
from students.models import FamilyInvitation, FamilyMember, School, Student

BLOCK = 50
OWN, BOTH = "own", "both"  # languages of letters: the family's home language; English and Spanish on one sheet
SPANISH = ("spa", "es")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The letters that a user asks for. `language`: en, es, OWN or BOTH. `again`: also for those with an open
    invitation."""

    school: School
    grade: str = ""
    language: str = OWN
    again: bool = False


def students_to_invite(wanted: Wanted) -> QuerySet[Student]:
    """Enrolled students of the school without a family account, by grade and name."""
    students = enrolled_today(Student.objects.filter(school=wanted.school))
    students = students.filter(~Exists(FamilyMember.objects.filter(student=OuterRef("pk"))))
    if wanted.grade:
        students = students.filter(grade=wanted.grade)
    if not wanted.again:
        invited = FamilyInvitation.objects.filter(
            students=OuterRef("pk"), used_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=timezone.now()
        )
        students = students.filter(~Exists(invited))
    return students.order_by("grade", "last_key", "first_key", "pk")


def write_letters(wanted: Wanted, *, user: AbstractBaseUser, address: str) -> Iterator[str]:
    """The letters as HTML. `address`: of the page that takes the code, with scheme and host."""
    ids = list(students_to_invite(wanted).values_list("pk", flat=True))
    for start in range(0, len(ids), BLOCK):
        found = Student.objects.select_related("school").in_bulk(ids[start : start + BLOCK])
        block = [found[pk] for pk in ids[start : start + BLOCK] if pk in found]
        expires = timezone.now() + families.INVITATION_LIFE
        for student, code in families.invite_each(students=block, user=user):
            letter = {
                "students": [student],
                "school": student.school,
                "address": address,
                "code": code,
                "expires_at": expires,
            }
            yield _sheet(letter, languages_of(student, wanted.language))


def languages_of(student: Student, wanted: str) -> tuple[str, ...]:
    if wanted == BOTH:
        return ("en", "es")
    if wanted == OWN:
        return ("es",) if student.home_language.lower() in SPANISH else ("en",)
    return (wanted,)


def _sheet(letter: dict[str, Any], languages: tuple[str, ...]) -> str:
    letters = [
        letter | {"language": language, "qr": qr_code(link_of(letter["address"], language, letter["code"]))}
        for language in languages
    ]
    return render_to_string("ssid/_letter_sheet.html", {"letters": letters})


def link_of(address: str, language: str, code: str) -> str:
    """The code goes after the #: browsers do not send that part, so no log contains it
    (docs/decisions/0011-family-pages.md)."""
    return f"{address}?language={language}#{code}"


def qr_code(text: str) -> SafeString:
    """A QR code as inline SVG, black on white whatever the page's colors. The mask is fixed: finding the best of eight
    takes four times as long, and readers support all of them."""
    import segno

    made = segno.make(text, error="m", micro=False, mask=3)
    svg: str = made.svg_inline(omitsize=True, svgclass="qr", lineclass=None, light="#fff", border=4)
    return mark_safe(svg)  # noqa: S308 - segno draws squares; no text of ours is in it
