"""Forms of the admin during a running import: a user who cannot save right away gets the form back as typed."""

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from students.locks import waited_in_vain

BUSY = "An import is writing these records, or someone else is saving them. Nothing was saved: try again in a moment."
_MARK = "_refused_as_busy"


class ReturnsTyped:
    """For every ModelAdmin that saves. Other pages and buttons of the admin answer as the rest of the site does."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        shown: HttpResponse
        try:
            shown = super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]
        except OperationalError as error:
            if request.method != "POST" or not waited_in_vain(error):
                raise
            setattr(request, _MARK, True)  # once more, with a form that refuses to be saved
            shown = super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]
        return shown

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)  # type: ignore[misc]
        return type("BusyForm", (_Busy, form), {}) if hasattr(request, _MARK) else form


class _Busy:
    """A form that is not saved even if everything in it is valid."""

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        self.add_error(None, BUSY)  # type: ignore[attr-defined]
        return cleaned
