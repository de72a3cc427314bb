"""Keeps secrets that are in addresses out of the logs: the links of password resets and of confirmed e-mail addresses, and what
people type into a search of the admin, which may be a student's, the local number in an address of the REST API, and the code
with which a provider of single sign-on sends somebody back.

None of our other addresses has one: the code of a family's invitation is typed or is behind the #
(docs/decisions/0011-family-pages.md).
"""

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

from sisimport.runtime.logs import PrivateFormatter

_SECRET = re.compile(r"""(/accounts/(?:password/reset/key|confirm-email)/)[^/\s"'?]+""")
# What is typed into a search of the admin: it asks for a local number, people type names and SSIDs too.
_TYPED = re.compile(r"""([?&](?:q|term)=)[^&\s"']+""")
# What a provider of single sign-on sends back with the browser: good once, and told to nobody.
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
        for handler in self.error_log.handlers:  # it tells of errors that end a download half way
            handler.setFormatter(PrivateFormatter(self.error_fmt, self.datefmt))
