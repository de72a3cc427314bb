"""One list implementation for all pages: it sorts, pages, filters, saves named filters and exports.

    List      what a page declares: its columns, the parameters of its address, its initial sorting
    Listing   a list as requested: `answer` handles what was submitted, `order` and `sorted` sort, `page` cuts

Sorting, page and filter choices are in the address; they are numbers and fixed words. Typed text may be a name or an
SSID: it comes by POST and stays in the session. Everything else is submitted to the same address.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.expressions import OrderBy
from django.http import FileResponse, HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.http import content_disposition_header

from sisimport.accounts.access import Capability, can
from sisimport.accounts.models import SavedFilter
from sisimport.accounts.step_up import ask_for_many
from sisimport.audit.models import AuditEntry
from sisimport.imports.storage.replica import place_of_reports
from sisimport.runtime.reading import read_along
from sisimport.web.exports.writers import csv_rows, workbook
from students.access import log_view

LONGEST_TEXT = 80
OF_LIST = frozenset({"text", "clear", "save_filter", "forget_filter", "export"})  # sent by the forms of a list
MOST_SAVED = 30
_VALUE = re.compile(r"[\w.:-]{1,40}", re.ASCII)  # of a parameter: an id, a fixed word, a date
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the table's head. `order`: the fields it sorts by (of a QuerySet, or of rows in memory); none: not
    sortable. `then`: the order of equal rows, which stays the same when the column's sorting is reversed.

    `number`: right-aligned, largest first at the first click. `css`: classes of the cell. `hidden`: for screen readers
    only.
    """

    name: str
    label: str
    order: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    number: bool = False
    css: str = ""
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class List:
    """`key`: its name in the session and among saved filters. `filters`: its parameters in the address besides sort and
    page.

    `start`: the default sorting: a column's name, with "-" for the largest first. `sort_name`, `page_name`: parameter
    names, for two lists on one page.
    """

    key: str
    columns: tuple[Column, ...]
    start: str
    filters: tuple[str, ...] = ()
    per_page: int = 25
    sort_name: str = "sort"
    page_name: str = "page"
    file_name: str = ""  # of its export; empty: no export


@dataclass(frozen=True, slots=True)
class Head:
    """A cell of the head as the template shows it. `sorts`: "ascending", "descending" or nothing."""

    column: Column
    url: str
    sorts: str


class Listing:
    """A list as requested. `sortable` is False if rows come in only one order, however many there are.

    `about`: the object the list belongs to, if each has its own list (a run): typed text is kept for that one only.
    """

    sortable = True

    def __init__(self, request: HttpRequest, wanted: List, *, about: object = "") -> None:
        self.request, self.list = request, wanted
        self._text_key = text_key(wanted) + (f"-{about}" if about else "")
        self.chosen = {name: value for name in wanted.filters if (value := _clean(request.GET.get(name, "")))}
        self._columns = {column.name: column for column in wanted.columns}
        sort = request.GET.get(wanted.sort_name, "")
        self.sort = sort if self._sorts(sort) else wanted.start

    @property
    def _user_id(self) -> int:
        return int(self.request.user.pk or 0)

    @property
    def text(self) -> str:
        """The text typed into the list's field."""
        return str(self.request.session.get(self._text_key, ""))

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen or self.text)

    # ---- submitted forms ----

    @property
    def is_sent(self) -> bool:
        """Whether the submission comes from a form of the list, if the page also has other forms."""
        return self.request.method == "POST" and bool(OF_LIST & self.request.POST.keys())

    @property
    def other_form(self) -> QueryDict | None:
        """The submission of the page's other form, which adds something; None if there is none."""
        return self.request.POST if self.request.method == "POST" and not self.is_sent else None

    def answer(self) -> HttpResponseBase | None:
        """Handle the submission and return a redirect; None to show the page, or to make an export (`exports`)."""
        sent = self.request.POST
        if self.request.method != "POST" or "export" in sent:
            return None
        if "save_filter" in sent:
            self._save(" ".join(sent.get("name", "").split())[:60])
        elif "forget_filter" in sent:
            number = sent["forget_filter"]
            if number.isdecimal() and len(number) < 10:
                SavedFilter.objects.filter(user_id=self._user_id, list=self.list.key, pk=int(number)).delete()
        elif "clear" in sent:
            self.request.session.pop(self._text_key, None)
            return redirect(self.request.path)
        else:
            if "text" in sent:
                self.request.session[self._text_key] = sent["text"].strip()[:LONGEST_TEXT]
            self.chosen = {name: value for name in self.list.filters if (value := _clean(sent.get(name, "")))}
        return redirect(self._url())

    def _save(self, name: str) -> None:
        if not name:
            messages.error(self.request, "Give the filter a name.")
        elif len(self.saved) >= MOST_SAVED:
            messages.error(
                self.request, f"No more than {MOST_SAVED} filters can be saved for a list: forget one first."
            )
        else:
            try:
                with transaction.atomic():
                    SavedFilter.objects.create(user_id=self._user_id, list=self.list.key, name=name, query=self.query)
            except IntegrityError:
                SavedFilter.objects.filter(user_id=self._user_id, list=self.list.key, name=name).update(
                    query=self.query
                )
            messages.success(self.request, f"The filter {name} is saved.")

    @cached_property
    def saved(self) -> list[SavedFilter]:
        """The filters that this user saved under a name."""
        return list(SavedFilter.objects.filter(user_id=self._user_id, list=self.list.key))

    # ---- sorting and paging ----

    def _sorts(self, sort: str) -> bool:
        column = self._columns.get(sort.removeprefix("-"))
        return column is not None and bool(column.order)

    @property
    def _column(self) -> Column:
        return self._columns[self.sort.removeprefix("-")]

    @property
    def descends(self) -> bool:
        return self.sort.startswith("-")

    def order_by(self) -> list[OrderBy]:
        """The requested order, blank values last; empty if it is the list's initial order."""
        if self.sort == self.list.start:
            return []
        column, descends = self._column, self.descends
        ways = [F(name).desc(nulls_last=True) if descends else F(name).asc(nulls_last=True) for name in column.order]
        return [*ways, *(F(name).asc() for name in column.then)]

    def order(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of a query in the requested order; equal ones by key."""
        if self.sort == self.list.start:  # without a clause on blank values, so that an index provides the order
            ways = (f"-{name}" if self.descends else name for name in self._column.order)
            return rows.order_by(*ways, *self._column.then, "pk")
        return rows.order_by(*self.order_by(), "-pk" if self.descends else "pk")

    def sorted(self, rows: Iterable[Row]) -> list[Row]:
        """Rows in memory in the requested order: for small lists such as schools."""

        def key(names: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
            return lambda row: tuple(_folded(getattr(row, name)) for name in names)

        ordered = sorted(rows, key=key(self._column.then))
        return sorted(ordered, key=key(self._column.order), reverse=self.descends)

    def page(self, rows: Any, paginator: type[Paginator] = Paginator) -> Page:
        return paginator(rows, self.list.per_page).get_page(self.request.GET.get(self.list.page_name))

    # ---- addresses ----

    @property
    def query(self) -> str:
        """The choices and the sorting, as a query string; without the page."""
        sort = {self.list.sort_name: self.sort} if self.sort != self.list.start else {}
        return urlencode({**self.chosen, **sort})

    def _url(self) -> str:
        return f"{self.request.path}?{self.query}" if self.query else self.request.path

    def heads(self) -> list[Head]:
        return [self._head(column) for column in self.list.columns]

    def _head(self, column: Column) -> Head:
        if not column.order or not self.sortable:
            return Head(column, "", "")
        here = self.sort.removeprefix("-") == column.name
        descends = not self.descends if here else column.number
        sort = f"-{column.name}" if descends else column.name
        other = {name: value for name, value in self.request.GET.items() if name in self._others and _clean(str(value))}
        url = "?" + urlencode({**other, **self.chosen, self.list.sort_name: sort})
        return Head(column, url, ("descending" if self.descends else "ascending") if here else "")

    @property
    def _others(self) -> set[str]:
        """Parameters of another list on the same page, to be left unchanged."""
        return {"sort", "page", "made", "made_page"} - {self.list.sort_name, self.list.page_name}

    # ---- exports ----

    @property
    def exports(self) -> str:
        """The requested format, `csv` or `xlsx`; empty if none was requested or the user may not export."""
        ending = self.request.POST.get("export", "") if self.request.method == "POST" else ""
        return ending if ending in ("csv", "xlsx") and self.may_export else ""

    @property
    def may_export(self) -> bool:
        return bool(self.list.file_name) and can(self.request.user, Capability.EXPORT)

    def export(self, rows: Iterable[Sequence[Any]], head: Sequence[str] = ()) -> HttpResponseBase:
        """The whole list, filtered and sorted, as a file; logged before its first byte is sent."""
        rows = ask_for_many(self.request, read_along(place_of_reports(self.request.user), partial(iter, rows)))
        log_view(user=self.request.user, kind=AuditEntry.Kind.EXPORT, subject=f"list {self.list.key}")
        head = head or [column.label for column in self.list.columns if not column.hidden]
        response: HttpResponseBase
        if self.exports == "csv":
            response = StreamingHttpResponse(csv_rows(head, rows), "text/csv; charset=utf-8")
        else:
            response = FileResponse(workbook(self.list.file_name, head, rows), content_type=_XLSX)
        name = content_disposition_header(True, f"{self.list.file_name}.{self.exports}")
        response["Content-Disposition"] = name or "attachment"
        return response


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def text_key(wanted: List) -> str:
    """The session key for the text typed into a list's field."""
    return f"list-text-{wanted.key}"


def _clean(value: str) -> str:
    """A parameter's value, or empty if it cannot be a valid one: typed text never gets into an address."""
    return value if _VALUE.fullmatch(value) else ""


__all__ = ["Column", "Head", "List", "Listing", "text_key"]
