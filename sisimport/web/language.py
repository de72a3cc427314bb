"""The language of a page: English for staff; for families and when signing in, the reader's choice or the browser's."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from students.families import is_family

STAFFS = "en"
# Pages that families and people who are not yet signed in see, under both `account/` and `accounts/`.
_PREFIXES = ("/family/", "/account")


def chooses_language(request: HttpRequest) -> bool:
    """Whether the reader may belong to a family: signed in as such, or not signed in."""
    user = getattr(request, "user", None)
    return user is None or not user.is_authenticated or is_family(user)


def speak_readers_language(request: HttpRequest) -> None:
    """For pages that anyone may get anywhere (errors): the language of families, English for staff."""
    chosen = translation.get_language_from_request(request) if chooses_language(request) else STAFFS
    translation.activate(chosen)
    request.LANGUAGE_CODE = translation.get_language()


class StaffInEnglish:
    """Runs after LocaleMiddleware, which uses cookie and browser: staff pages are in English, including dates and
    forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(_PREFIXES) or not chooses_language(request):
            translation.activate(STAFFS)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)
