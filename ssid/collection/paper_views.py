"""The annual enrollment form on paper, in English or Spanish: blank, or filled in from a student's record."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import formats, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from sisimport.accounts.access import Capability, requires
from sisimport.audit.models import AuditEntry
from students.access import log_view, visible_students
from students.code_words import birth_place
from students.grades import grade_words
from students.models import SSID, Student
from students.school_years import current_school_year

DIGITS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the form: the question, and the value on record. `wide`: over the full width."""

    label: str
    value: str = ""
    wide: bool = False


@requires(Capability.EDIT_STUDENTS)
@require_GET
def blank_form(request: HttpRequest) -> HttpResponse:
    """A form for a person who is not on record, or for copying."""
    return _form(request, None)


@requires(Capability.EDIT_STUDENTS)
@require_GET
def student_form(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of one student, filled in from the record."""
    student = get_object_or_404(visible_students(request.user).select_related("school", "lea"), pk=pk)
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, student=student, subject="Enrollment form on paper")
    return _form(request, student)


def _form(request: HttpRequest, student: Student | None) -> HttpResponse:
    code = request.GET.get("language", "")
    language = code if code in dict(settings.LANGUAGES) else "en"
    current = SSID.objects.filter(student=student, retired_at__isnull=True).first() if student else None
    with translation.override(language):
        lines = _lines(student)
    context = {
        "student": student,
        "language": language,
        "languages": settings.LANGUAGES,
        "year": current_school_year(),
        "lines": lines,
        "current": current,
        "boxes": range(DIGITS),
    }
    return render(request, "ssid/enrollment_paper.html", context)


def _lines(student: Student | None) -> Sequence[Line]:
    """The lines in the active language."""
    labels = (
        _("Last name"),
        _("First name"),
        _("Middle name"),
        _("Birth date"),
        _("Place of birth"),
        _("School"),
        _("Grade"),
        _("School number"),
    )
    values = _values(student) if student else ("",) * len(labels)
    lines = [Line(label, value) for label, value in zip(labels, values, strict=True)]
    lines += [
        Line(_("Home address"), wide=True),
        Line(_("Parent or guardian"), _guardian(student), wide=True),
        Line(_("Telephone")),
        Line(_("E-mail address")),
        Line(_("Language spoken most at home"), wide=True),
    ]
    return lines


def _values(student: Student) -> tuple[str, ...]:
    """The place of birth is in English only where that is the place's own name; otherwise it is left blank to fill
    in."""
    english = translation.get_language() == "en"
    return (
        " ".join(filter(None, (student.last_name, student.suffix))),
        student.first_name,
        student.middle_name,
        formats.date_format(student.birth_date, "DATE_FORMAT"),
        birth_place(student.birth_state, student.birth_country) if english else "",
        student.school.name if student.school else "",
        capfirst(grade_words(student.grade)) if student.grade else "",
        student.local_number,
    )


def _guardian(student: Student | None) -> str:
    first = student.guardians.first() if student else None
    return f"{first.first_name} {first.last_name}".strip() if first else ""
