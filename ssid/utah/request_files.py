"""Writing a request file: columns, order, separator, dates and header line as its layout says."""

import csv
import datetime as dt
from collections.abc import Callable, Iterable
from typing import IO, Any

from sisimport.files.layouts import Header, Layout

_DATES: dict[str, Callable[[dt.date], str]] = {
    "CCYYMMDD": lambda d: d.strftime("%Y%m%d"),
    "CCYY-MM-DD": lambda d: d.isoformat(),
    "M/D/CCYY": lambda d: f"{d.month:02}/{d.day:02}/{d.year}",
    "D/M/CCYY": lambda d: f"{d.day:02}/{d.month:02}/{d.year}",
    "M/D/YY": lambda d: f"{d.month:02}/{d.day:02}/{d.year % 100:02}",
}


def write_request(stream: IO[str], layout: Layout, records: Iterable[dict[str, Any]]) -> None:
    """One line per record (field key -> value). A column whose field is not among the values stays blank.

    A header line is written if the layout requires one. Line ends are removed from values, nothing else.
    """
    writer = csv.writer(stream, delimiter=layout.delimiter, lineterminator="\r\n")
    if layout.header is Header.REQUIRED:
        writer.writerow([column.name for column in layout.columns])
    fields = [column.field for column in layout.columns]
    form = _DATES[layout.date_formats[0]]
    writer.writerows([_text(record.get(field), form) if field else "" for field in fields] for record in records)


def _text(value: Any, form: Callable[[dt.date], str]) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.date):
        return form(value)
    return " ".join(str(value).split("\n")) if "\n" in str(value) else str(value)
