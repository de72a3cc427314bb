"""Keeps secrets in URLs out of the logs: links for password resets and e-mail confirmation, text typed into an admin search (it
may be a student's data), local numbers in REST API addresses, and the code with which a single sign-on provider sends a user
back.

None of our other addresses has any: the code of a family's invitation is typed or comes after the #
(docs/decisions/0011-family-pages.md).
"""

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

from sisimport.runtime.logs import PrivateFormatter

_SECRET = re.compile(r"""(/accounts/(?:password/reset/key|confirm-email)/)[^/\s"'?]+""")
# Text typed into an admin search: it asks for a local number, but people also type names and SSIDs.
_TYPED = re.compile(r"""([?&](?:q|term)=)[^&\s"']+""")
# The code a single sign-on provider sends back with the browser: valid once, and secret.
_SIGN_IN = re.compile(r"""(/accounts/sso/[\w-]+/callback/\?)[^\s"']+""")


# The address of a student in the REST API holds the local number.
_STUDENT = re.compile(r"""(/api/v\d+/students/)[^/\s"'?]+""")


def without_secrets(text: str) -> str:
    text = _SIGN_IN.sub(r"\1…", text)
    return _STUDENT.sub(r"\1…", _TYPED.sub(r"\1…", _SECRET.sub(r"\1…", text)))


class SecretsFilter(logging.Filter):
    """Rewrites a record before any handler formats it."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        redacted = without_secrets(text)
        if redacted != text:
            record.msg, record.args = redacted, ()
        return True


class AccessLogger(Logger):
    """gunicorn's loggers; `--logger-class=sisimport.runtime.log_redaction.AccessLogger`."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for log in (self.access_log, self.error_log):
            if not any(isinstance(kept, SecretsFilter) for kept in log.filters):
                log.addFilter(SecretsFilter())
        for handler in self.error_log.handlers:  # it logs errors that break off a download
            handler.setFormatter(PrivateFormatter(self.error_fmt, self.datefmt))
