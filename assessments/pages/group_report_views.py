"""The page Group report. Typed local numbers are sent by POST and are never in an address."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods

from assessments.pages.group_report import MOST_PAGES, MOST_ROWS, NotPickedError, Table, pages, pick, table
from sisimport.accounts.access import Capability, can, requires
from sisimport.accounts.step_up import ask_if_many
from sisimport.audit.models import AuditEntry
from sisimport.web.exports.writers import csv_rows, workbook
from students.access import log_views, visible_schools, visible_students
from students.grades import GRADES, grade_words
from students.models import School

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_YEARS = {"1": "The newest", "2": "The newest 2", "3": "The newest 3", "all": "All"}
_FILES = ("csv", "xlsx")
_LONGEST_LIST = 100_000  # characters


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def group_report(request: HttpRequest) -> HttpResponseBase:
    """The picked students, one page each or in one table, on screen, on paper or as a file. Viewed students are
    logged."""
    form_values = {name: request.POST.get(name, "") for name in ("school", "grade", "numbers", "shape", "years")}
    form_values["years"] = form_values["years"] if form_values["years"] in _YEARS else "3"
    context: dict[str, Any] = {
        "asked": form_values,
        "schools": visible_schools(request.user).order_by("name", "code"),
        "grades": GRADES,
        "years": _YEARS.items(),
        "most_pages": MOST_PAGES,
        "most_rows": MOST_ROWS,
    }
    if request.method == "GET":
        return render(request, "assessments/group_report.html", context)
    form = request.POST.get("file", "")
    form = form if form in _FILES and can(request.user, Capability.EXPORT) else ""
    each = form_values["shape"] == "pages" and not form
    try:
        picked = pick(
            visible_students(request.user),
            school=int(form_values["school"])
            if form_values["school"].isdecimal() and len(form_values["school"]) < 10
            else None,
            grade=form_values["grade"] if form_values["grade"] in GRADES else "",
            numbers=form_values["numbers"][:_LONGEST_LIST],
            most=MOST_PAGES if each else MOST_ROWS,
        )
    except NotPickedError as error:
        return render(request, "assessments/group_report.html", context | {"problem": str(error)}, status=422)
    context |= {"picked": picked, "chosen": _chosen(context["schools"], form_values), "today": timezone.localdate()}
    ask_if_many(request, len(picked.students))  # a page of them is for print
    kind = AuditEntry.Kind.EXPORT if form else AuditEntry.Kind.PAGE
    log_views(
        user=request.user,
        kind=kind,
        students=(one.pk for one in picked.students),
        subject=f"group report {form}".strip(),
    )
    if each:
        return render(request, "assessments/group_report.html", context | {"pages": pages(picked.students)})
    found = table(picked.students, years=None if form_values["years"] == "all" else int(form_values["years"]))
    if form:
        return _file(found, form)
    return render(request, "assessments/group_report.html", context | {"table": found})


def _chosen(schools: QuerySet[School], form_values: dict[str, str]) -> str:
    """School and grade in words, for the sheet: Oak School, grade 5."""
    school = next((one.name or one.code for one in schools if str(one.pk) == form_values["school"]), "")
    return ", ".join(
        filter(None, (school, grade_words(form_values["grade"]) if form_values["grade"] in GRADES else ""))
    )


def _file(found: Table, form: str) -> HttpResponseBase:
    head = ["Local number", "Last name", "First name", "School", "Grade"]
    for column in found.columns:
        head += [f"{column}: scale score", f"{column}: level"]
    name = f"group-report.{form}"
    if form == "csv":
        response: HttpResponse | StreamingHttpResponse = StreamingHttpResponse(
            csv_rows(head, _lines(found)), "text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response
    return FileResponse(
        workbook("Group report", head, _lines(found)), as_attachment=True, filename=name, content_type=_XLSX
    )


def _lines(found: Table) -> Iterator[list[Any]]:
    for one, cells in found.rows:
        school = (one.school.name or one.school.code) if one.school else ""
        yield [
            one.local_number,
            one.last_name,
            one.first_name,
            school,
            one.grade,
            *(text for cell in cells for text in cell),
        ]
