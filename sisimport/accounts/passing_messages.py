"""Messages that the next page shows about what was just done, in a cookie for this host only, like all our cookies."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    """Django's storage, whose cookie name is not a setting. Browsers accept the prefix only over https."""

    @property
    def cookie_name(self) -> str:  # type: ignore[override]
        return "__Host-messages" if settings.SESSION_COOKIE_SECURE else "messages"


class PassingMessages(FallbackStorage):
    """Keeps messages in the cookie, and those too long for it in the session."""

    storage_classes = (HostCookieStorage, SessionStorage)
