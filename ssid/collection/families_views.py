"""Families, for staff: which have accounts, letters for a whole school, and renewing accounts before they end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask_if_many
from sisimport.audit.models import AuditEntry
from sisimport.web.lists import Column, List, Listing
from sisimport.web.templatetags.ui import count
from ssid.collection.family_letters import BOTH, OWN, Wanted, students_to_invite, write_letters
from students import family_access
from students.access import log_view, visible_schools
from students.grades import GRADES, grade_words
from students.missing import enrolled_today
from students.models import FamilyMember, School, Student

SCHOOLS = List(
    key="families",
    columns=(
        Column(name="school", label="School", order=("name", "code")),
        Column(name="students", label="Students", order=("students",), then=("name",), number=True, css="w-m"),
        Column(name="invited", label="With an account", order=("seen",), then=("name",), number=True, css="w-m"),
        Column(name="ended", label="Ended", order=("ended",), then=("name",), number=True, css="w-m"),
        Column(name="todo", label="What to do"),
    ),
    start="school",
    file_name="families-by-school",
)
HEAD = ("School code", "School", "Students", "With an account", "Ended")
_MARK = "<!-- letters -->"


@dataclass(frozen=True, slots=True)
class SchoolFamilies:
    """A school's enrolled students, those visible to an account, and those whose accounts have all ended."""

    school_id: int
    name: str
    code: str
    students: int
    seen: int
    ended: int


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def families(request: HttpRequest) -> HttpResponseBase:
    """The user's schools, with how many families have an account."""
    listing = Listing(request, SCHOOLS)
    if answer := listing.answer():
        return answer
    text = listing.text.casefold()
    found = listing.sorted([one for one in _counted(request) if text in f"{one.name} {one.code}".casefold()])
    if listing.exports:
        return listing.export(((s.code, s.name, s.students, s.seen, s.ended) for s in found), HEAD)
    return render(request, "ssid/families.html", {"listing": listing, "page": listing.page(found)})


def _counted(request: HttpRequest) -> list[SchoolFamilies]:
    """Two queries, whatever the number of schools."""
    schools = visible_schools(request.user)
    members = FamilyMember.objects.filter(student=OuterRef("pk"))
    seen, any_account = Exists(family_access.still_open(members)), Exists(members)
    counted = (
        enrolled_today(Student.objects.filter(school__in=schools))
        .alias(seen=seen, any_account=any_account)
        .order_by()
        .values("school_id")
        .annotate(
            students=Count("pk"), open=Count("pk", filter=Q(seen=True)), ever=Count("pk", filter=Q(any_account=True))
        )
    )
    numbers = {row["school_id"]: row for row in counted}
    return [
        SchoolFamilies(
            school.pk, school.name or school.code, school.code, row["students"], row["open"], row["ever"] - row["open"]
        )
        for school in schools
        if (row := numbers.get(school.pk))
    ]


@requires(Capability.EDIT_STUDENTS)
@require_POST
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """One action for a school: the accounts of its enrolled students last until the next yearly date."""
    school = get_object_or_404(visible_schools(request.user), pk=pk)
    renewed = family_access.renew_school(school)
    count_text = count(renewed, "account of enrolled students is,accounts of enrolled students are")
    messages.success(request, f"{school.name or school.code}: {count_text} renewed for a year.")
    return redirect("families")


class LettersForm(forms.Form):
    """Which letters."""

    grade = forms.ChoiceField(label="Grade", required=False)
    language = forms.ChoiceField(
        label="Language",
        choices=[
            (OWN, "Spanish where the home language is Spanish, otherwise English"),
            (BOTH, "English and Spanish on one page"),
            ("en", "English"),
            ("es", "Spanish"),
        ],
        initial=OWN,
    )
    again = forms.BooleanField(
        label="Also for families with an open invitation",
        required=False,
        help_text="Their earlier letters stop working: a code cannot be printed a second time.",
    )

    def __init__(self, *args: Any, school: School, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = set(
            students_to_invite(Wanted(school, again=True)).order_by().values_list("grade", flat=True).distinct()
        )
        grades = [(grade, grade_words(grade).capitalize()) for grade in GRADES if grade in there]
        self.fields["grade"].choices = [("", "All grades"), *grades]  # type: ignore[attr-defined]


@requires(Capability.EDIT_STUDENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def letters(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Letters for the families of a school that have no account yet, for printing, one page each."""
    school = get_object_or_404(visible_schools(request.user), pk=pk)
    form = LettersForm(request.POST or None, school=school)
    if request.method == "POST" and form.is_valid():
        wanted = Wanted(school, **form.cleaned_data)
        if count := students_to_invite(wanted).count():
            ask_if_many(request, count)
            log_view(
                user=request.user, kind=AuditEntry.Kind.EXPORT, subject=f"Letters to families of school {school.code}"
            )
            return _printed(request, wanted)
        form.add_error(
            None,
            "No letter is needed: all these families have an account, or an open invitation. "
            "Choose another school or grade, or ask for their letters again.",
        )
    context = {
        "school": school,
        "form": form,
        "waiting": students_to_invite(Wanted(school)).count(),
        "without": students_to_invite(Wanted(school, again=True)).count(),
    }
    return render(request, "ssid/family_letters.html", context)


def _printed(request: HttpRequest, wanted: Wanted) -> HttpResponseBase:
    """Streamed: only one letter is in memory at a time."""
    address, user = request.build_absolute_uri(reverse("family_join")), request.user
    before, _mark, after = render_to_string(
        "ssid/family_letters_print.html", {"school": wanted.school}, request
    ).partition(_MARK)

    def parts() -> Iterator[str]:
        yield before
        yield from write_letters(wanted, user=user, address=address)  # type: ignore[arg-type]
        yield after

    answer = StreamingHttpResponse(parts())
    answer["Cache-Control"] = "no-store"  # codes
    return answer
