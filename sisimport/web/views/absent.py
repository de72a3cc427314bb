"""Students on record that a run's file does not name: a list like every other."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.imports.models import AbsentList, ImportRun
from sisimport.web.lists import Column, List, Listing
from sisimport.web.queries import report as queries
from sisimport.web.ssid_masking import Masking
from sisimport.web.views.runs import find_report, run_frame
from students.access import visible_schools
from students.models import Student
from students.search import named

ABSENT = List(
    key="absent",
    columns=(
        Column(name="student", label="Student", order=("last_name", "first_name")),
        Column(name="number", label="Local number", order=("local_number",), css="w-m"),
        Column(name="school", label="School", order=("school__name",), then=("last_name",)),
        Column(name="grade", label="Grade", order=("grade",), then=("last_name",), css="w-s"),
        Column(name="ssid", label="SSID", css="w-m"),
        Column(name="el", label="EL data", order=("has_el",), then=("last_name", "first_name"), css="w-m"),
    ),
    start="-el",
    filters=("el", "school"),
    file_name="not-in-file",
)


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def run_absent(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Students on record that the file does not name; those with EL data first."""
    run = find_report(request, pk)
    listing = Listing(request, ABSENT, about=run.pk)
    if answer := listing.answer():
        return answer
    if listing.exports:
        reader = queries.Reader.of(request.user, run)
        return listing.export(_rows(listing.order(_found(run, reader, listing))))
    return absent_part(request, run)


def absent_part(request: HttpRequest, run: ImportRun, *, shown: bool = False) -> HttpResponseBase:
    """The page. `shown`: with whole SSIDs."""
    reader, listing = queries.Reader.of(request.user, run), Listing(request, ABSENT, about=run.pk)
    looked_at = AbsentList.objects.filter(run=run.plan_run_id).values_list("at", flat=True).first()
    context = run_frame(request, run, reader) | {
        "part": "absent",
        "absent_removed": bool((run.facts or {}).get("absent_count")) and looked_at is None,
        "looked_at": looked_at,
        "masking": Masking.of(run, shown=shown),
        "listing": listing,
        "page": listing.page(listing.order(_found(run, reader, listing))),
        "schools": visible_schools(request.user),
    }
    return render(request, "imports/run_absent.html", context)


def _found(run: ImportRun, reader: queries.Reader, listing: Listing) -> QuerySet[Student]:
    found = queries.absent_students(run, reader, only_el=listing.chosen.get("el") == "yes")
    school = listing.chosen.get("school", "")
    if school.isdecimal():
        found = found.filter(school_id=int(school))
    return found.filter(named(listing.text))


def _rows(students: QuerySet[Student]) -> Iterator[Sequence[Any]]:
    for student in students.iterator(chunk_size=2000):
        el: Any = getattr(student, "el", None)
        yield (
            student.full_name,
            student.local_number,
            (student.school.name or student.school.code) if student.school else "",
            student.grade,
            "yes" if list(student.ssids.all()) else "no",
            el.program_status if el and student.has_el else "",  # type: ignore[attr-defined]
        )
