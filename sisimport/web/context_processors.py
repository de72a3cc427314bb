"""Template variables for every page's frame."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from sisimport.accounts import access
from sisimport.web import navigation
from sisimport.web.keys import KEYS
from sisimport.web.language import chooses_language
from students.families import is_family
from students.practice import has_invented_people


def frame(request: HttpRequest) -> dict[str, Any]:
    """Menu, site name and what the user may do. Lazy: parts of pages that htmx fetches need none of it."""
    user = getattr(request, "user", None)
    if user is None:
        return {"site_name": settings.SITE_NAME}
    match = request.resolver_match
    return {
        "site_name": settings.SITE_NAME,
        "idle_seconds": settings.SESSION_IDLE_SECONDS,
        "menu": SimpleLazyObject(
            lambda: navigation.menu(user, current_url=request.path, url_name=match.url_name or "" if match else "")
        ),
        # Called by the template that needs it: a family's account pages use the frame of the family pages.
        "frame_template": lambda: "families/base.html" if is_family(user) else "base.html",
        "offers_languages": lambda: chooses_language(request),
        "practice": has_invented_people,  # called by the frame of pages, not for parts of them
        "keys": KEYS,
        "may": SimpleLazyObject(lambda: {c.value: True for c in access.capabilities(user)}),
    }
