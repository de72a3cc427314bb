"""What the next page says of what was just done: in a cookie of this host alone, as the other cookies are."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    """Django's, whose cookie has no setting for its name. Browsers take the prefix over https only."""

    @property
    def cookie_name(self) -> str:  # type: ignore[override]
        return "__Host-messages" if settings.SESSION_COOKIE_SECURE else "messages"


class PassingMessages(FallbackStorage):
    """In the cookie, and what is too long for it in the session."""

    storage_classes = (HostCookieStorage, SessionStorage)
