"""Show the results of a year to families, with one switch, after a preview of the family page."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_http_methods, require_safe

from assessments.models import Assessment, Score
from assessments.pages.family_card import card_of
from assessments.showing import family_of, switch, switches, years_of_tests
from assessments.structure import FAMILIES
from sisimport.accounts.access import Capability, for_all_districts, requires
from sisimport.audit.models import AuditEntry
from students.access import log_view, visible_students
from students.models import Student
from students.school_years import year_label


@requires(Capability.SETTINGS)
@for_all_districts
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Each family of tests and year with results: whether families see them."""
    rows = [(row, year_label(row.year)) for row in years_of_tests()]
    return render(request, "assessments/shown_results.html", {"rows": rows})


@requires(Capability.SETTINGS)
@for_all_districts
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest, tests: str, year: int) -> HttpResponse:
    """The results as a family will see them once they are shown, and the switch."""
    if tests not in FAMILIES or not 2000 <= year < 2100:
        raise Http404
    name = f"{FAMILIES[tests]} {year_label(year)}"
    if request.method == "POST":
        shown = "show" in request.POST
        switch(family=tests, year=year, shown=shown, user=request.user)  # type: ignore[arg-type]
        words = "Families see the results" if shown else "Families no longer see the results"
        messages.success(request, f"{words} of {name}.")
        return redirect("shown_results")
    state = next((row.state for row in years_of_tests() if (row.family, row.year) == (tests, year)), "hidden")
    after = request.GET.get("after", "")
    student = _student_with(request, tests, year, int(after) if after.isdecimal() and len(after) < 19 else 0)
    language = request.GET.get("language", "")
    language = language if language in dict(settings.LANGUAGES) else "en"
    data = None
    if student is not None:
        log_view(user=request.user, kind=AuditEntry.Kind.PAGE, student=student, subject="Preview for families")
        with translation.override(language):
            data = card_of(student, {**switches(), (tests, year): True})
    context = {
        "name": name,
        "state": state,
        "student": student,
        "data": data,
        "language": language,
        "languages": settings.LANGUAGES,
        "after": after,
    }
    return render(request, "assessments/shown_results_preview.html", context)


def _student_with(request: HttpRequest, tests: str, year: int, after: int) -> Student | None:
    """The user's next student with such a result, by internal number; after the last, the first again."""
    whole = [test.pk for test in Assessment.objects.filter(parent__isnull=True) if family_of(test) == tests]
    scores = Score.objects.filter(assessment_id__in=whole, school_year=year).order_by("student_id")
    visible = visible_students(request.user)
    for start in (after, 0):
        found = scores.filter(student_id__gt=start, student__in=visible).values_list("student_id", flat=True).first()
        if found is not None:
            return visible.filter(pk=found).first()
    return None
