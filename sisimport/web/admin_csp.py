"""The admin's own content security policy: its pages are made with Alpine, which needs more than ours do.

    script-src    + 'unsafe-eval'     Alpine evaluates what is in its attributes; scripts in the page stay forbidden
    style-src     + 'unsafe-inline'   the theme writes its colors into a style element, and style attributes

So a name that got unescaped into a page would run neither a script element nor an onclick; what is left is an attribute of
Alpine, which Django's escaping keeps out of text as it does everywhere (docs/decisions/0039-sign-in-and-sessions.md).
"""

from collections.abc import Callable

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse


class AdminContentPolicy:
    """Adds what the admin needs to the policy of addresses under the admin, and of no other."""

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
