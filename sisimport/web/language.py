"""The language of a page: English for staff; for families, and on the way in, what the reader chose or the browser says."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from students.families import is_family

STAFFS = "en"
# Pages that families and people who are not signed in yet see; both of `account/` and of `accounts/`.
_PREFIXES = ("/family/", "/account")


def chooses_language(request: HttpRequest) -> bool:
    """Whether the reader may be somebody of a family: signed in as such, or not at all."""
    user = getattr(request, "user", None)
    return user is None or not user.is_authenticated or is_family(user)


def speak_readers_language(request: HttpRequest) -> None:
    """For pages that anybody may meet anywhere (errors): the language of families, English for staff."""
    chosen = translation.get_language_from_request(request) if chooses_language(request) else STAFFS
    translation.activate(chosen)
    request.LANGUAGE_CODE = translation.get_language()


class StaffInEnglish:
    """After LocaleMiddleware, which asks cookie and browser: pages of staff are written in English, dates and forms as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(_PREFIXES) or not chooses_language(request):
            translation.activate(STAFFS)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)
