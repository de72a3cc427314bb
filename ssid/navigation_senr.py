"""Menu entries and the home card of requests for SSIDs and of EL differences."""

from typing import Any

from django.http import HttpRequest

from sisimport.imports.navigation import RECORDS, Entry, register
from sisimport.imports.panels import HOME, Panel, register_panel
from ssid.senr_requests import requests_out
from students.access import User, visible_school_ids

register(
    Entry(
        label="SSID requests",
        url_name="senr_requests",
        url_names=("senr_check", "senr_make", "senr_request", "senr_file"),
        section=RECORDS,
        order=40,
    ),
    Entry(label="EL differences", url_name="el_differences", section=RECORDS, order=50),
)

_SHOWN = 5


def _requests_out(request: HttpRequest, _subject: Any) -> dict[str, Any] | None:
    """What the state has not answered yet; nothing to show when all is answered."""
    user: User = request.user
    out = requests_out(visible_school_ids(user))
    return {"requests": out[:_SHOWN], "more": len(out) > _SHOWN} if out else None


register_panel(Panel(place=HOME, template="ssid/_home_requests.html", context=_requests_out, order=40))
