"""What a log may contain about an error: its type and traceback locations, never its text.

The text of a database error quotes the row, that of a conversion error the value: both are student data. With DEBUG on, for
development on invented data, texts are shown.
"""

import datetime as dt
import json
import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

_FRAMES = 30


def error_text(error: BaseException) -> str:
    """The frames and types of an error and its causes, the first cause first."""
    parts = []
    for one in reversed(list(chain(error))):
        frames = traceback.extract_tb(one.__traceback__)[-_FRAMES:]
        places = "".join(f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n' for frame in frames)
        parts.append(f"Traceback (most recent call last, text left out):\n{places}{type(one).__qualname__}")
    return "\n\n".join(parts)


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes, the latest first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


class ZonedFormatter(logging.Formatter):
    """Times in UTC, marked as such: machines of one installation may be in different zones."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        return dt.datetime.fromtimestamp(record.created, tz=dt.UTC).isoformat(timespec="milliseconds")


class PrivateFormatter(ZonedFormatter):
    """Tracebacks without the errors' texts."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # may have been formatted by another handler
        formatted = super().format(record)
        record.exc_text = None
        return formatted

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the name is logging's)
        return error_text(ei[1]) if ei and ei[1] else ""


class JsonFormatter(PrivateFormatter):
    """One object per line: time, level, logger, message, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": self.formatTime(record), "level": record.levelname, "logger": record.name, "message": record.getMessage(),
        }  # fmt: skip
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def formatter(form: str, *, texts: bool) -> type[logging.Formatter]:
    """How lines look: `text` or `json` (LOG_FORMAT). `texts`: with the texts of errors, for development on invented data."""
    if form not in ("text", "json"):
        raise ImproperlyConfigured("LOG_FORMAT is text or json.")
    return JsonFormatter if form == "json" else ZonedFormatter if texts else PrivateFormatter


def private_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: reduces an error to its type and origin (the page's own entry has the whole traceback)."""
    error = event.pop("exc_info", None)
    found = error if isinstance(error, BaseException) else sys.exc_info()[1] if error else None
    if found is not None:
        frames = traceback.extract_tb(found.__traceback__)[-1:]
        event["error"] = type(found).__qualname__
        event["at"] = f"{frames[0].name}:{frames[0].lineno}" if frames else ""
    return event


def set_up(*, form: str, level: str, texts: bool) -> dict[str, Any]:
    """Django's LOGGING. Structured lines go through standard logging too: one place for levels, nothing on standard output.

    form, texts: see `formatter`. level: the least level to log, such as `WARNING`. Raises ImproperlyConfigured for an unknown
    form.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            private_exception,
            structlog.processors.LogfmtRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"()": formatter(form, texts=texts), "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
        },
        "filters": {"secrets": {"()": "sisimport.runtime.log_redaction.SecretsFilter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["secrets"]}},
        "root": {"handlers": ["stderr"], "level": level},
    }
