"""Startup checks of a production installation: no one on the network can read the traffic to PostgreSQL and Redis."""

import logging
from typing import Any

from django.conf import settings
from django.core import checks

from sisimport.runtime import tls

logger = logging.getLogger(__name__)
_HINTS = {
    "PostgreSQL": "Set DATABASE_CA to the file of the CA that signed the server's certificate (docs/how-to/deploy.md).",
    "Redis": "Write rediss:// in REDIS_URL, and set REDIS_CA to the file of the CA that signed its certificate.",
}


@checks.register(checks.Tags.security)
def check_connections(**_kwargs: Any) -> list[checks.CheckMessage]:
    """accounts.W003: PostgreSQL or Redis is reached over a network without TLS, or without checking its certificate."""
    if not settings.PRODUCTION:
        return []
    found = tls.unprotected(settings.DATABASES.values(), settings.REDIS_URL)
    return [checks.Warning(what, hint=_HINTS[name], id="accounts.W003") for name, what in found.items()]


def log_connections() -> None:
    """Log the same when a program starts that runs no system checks."""
    for message in check_connections():
        logger.warning("%s %s", message.msg, message.hint)
