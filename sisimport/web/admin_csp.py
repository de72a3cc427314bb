"""The admin's own content security policy: its pages use Alpine, which needs more than our pages do.

    script-src    + 'unsafe-eval'     Alpine evaluates its attributes; scripts in the page stay forbidden
    style-src     + 'unsafe-inline'   the theme writes its colors into a style element, and style attributes

So a name that got into a page unescaped could run neither a script element nor an onclick. That leaves Alpine
attributes, which Django's escaping keeps out of text, as everywhere (docs/decisions/0039-sign-in-and-sessions.md).
"""

from collections.abc import Callable

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse


class AdminContentPolicy:
    """Adds what the admin needs to the policy of addresses under the admin, and only those."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith(reverse("admin:index")):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": [UNSAFE_EVAL],
                "style-src": [UNSAFE_INLINE],
            }
        return response
