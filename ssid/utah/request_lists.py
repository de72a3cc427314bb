"""The students of one request of the SSID Process, as lists everywhere are (sisimport.web.lists)."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from sisimport.web.lists import Column, List, Listing
from ssid.models import UtahFunction, UtahRequest
from students.models import School
from students.models.identifiers import mask_ssid

_COLUMNS = (
    Column(name="line", label="Line", order=("line",), number=True, css="w-s"),
    Column(name="number", label="Student number", order=("local_number",)),
    Column(name="name", label="Name", order=("last_name", "first_name", "middle_name")),
    Column(name="born", label="Birth date", order=("birth_date",), then=("line",)),
    Column(name="gender", label="Gender", order=("gender",), then=("line",), css="w-s"),
    Column(name="ethnicity", label="Ethnicity", order=("ethnicity",), then=("line",), css="w-s opt"),
)
_NAMED = (UtahFunction.UPDATE, UtahFunction.VERIFY)  # functions whose file names the SSID


def _list(*more: Column) -> List:
    return List(
        key="utah-request-students",
        columns=(*_COLUMNS, *more),
        start="line",
        filters=("school",),
        per_page=50,
        file_name="utah-request-students",
    )


_PLAIN, _WITH_SSID = _list(), _list(Column(name="ssid", label="SSID"))


def names_ssids(made: UtahRequest) -> bool:
    """Whether the file of this request names the SSID of each student."""
    return made.function in _NAMED


def list_of(made: UtahRequest) -> List:
    """The list of a request: with SSIDs if its file has them."""
    return _WITH_SSID if names_ssids(made) else _PLAIN


def chosen_students(sent: QuerySet[Any], listing: Listing) -> QuerySet[Any]:
    """What was sent, filtered and sorted like the list; names as they were sent."""
    school = listing.chosen.get("school", "")
    if school.isdecimal():
        sent = sent.filter(school_id=int(school))
    for word in listing.text.split():
        sent = sent.filter(
            Q(last_name__istartswith=word) | Q(first_name__istartswith=word) | Q(local_number__iexact=word)
        )
    # One request's students are sorted by line, their number within the request.
    order = listing.order_by()
    return sent.order_by(*order) if order else sent.order_by("line")


def schools_of(sent: QuerySet[Any]) -> list[tuple[str, str]]:
    """What the list can be filtered by: the request's schools with students in it, by name."""
    found = School.objects.filter(pk__in=sent.order_by().values("school_id")).order_by("name", "code")
    return [(str(school.pk), school.name or school.code) for school in found]


def rows(sent: QuerySet[Any], *, with_ssid: bool) -> Iterator[tuple[Any, ...]]:
    """Rows of the export; SSIDs masked, as on the page."""
    for one in sent.iterator(chunk_size=500):
        name = f"{one.last_name} {one.suffix}".strip()
        row = (one.line, one.local_number, f"{name}, {one.first_name} {one.middle_name}".strip(), one.birth_date)
        yield (*row, one.gender, one.ethnicity, *((mask_ssid(one.ssid),) if with_ssid else ()))


__all__ = ["chosen_students", "list_of", "names_ssids", "rows", "schools_of"]
