"""Reports of errors to a service that speaks Sentry's protocol: the type of an error and its traceback locations.

The text of an error quotes the value or the row, local variables, addresses and log lines hold more of them. So an event is not
cleaned of such data but built only from safe parts: types, modules, functions and line numbers, and a few words of our own. Off
until SENTRY_DSN is set; needs the extra `sentry`.
"""

import atexit
import sys
import traceback
from collections.abc import Mapping
from typing import Any

from sisimport.runtime.logs import chain

_FRAMES = 50
# Only these are sent; the library's own additions, such as this machine's name, are not.
_SENT = frozenset({"event_id", "timestamp", "level", "platform", "release", "environment", "sdk", "exception", "tags"})
_started = False


class NotInstalledError(Exception):
    """The optional package is not installed; the text says how to get it."""


def start(dsn: str, *, release: str, environment: str) -> None:
    """Report from now on, in this process and in those it forks. Raises NotInstalledError."""
    global _started  # noqa: PLW0603 - once per process
    try:
        import sentry_sdk
    except ImportError as error:
        raise NotInstalledError(
            "SENTRY_DSN needs the optional package sentry-sdk (the extra sentry): install it."
        ) from error
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        environment=environment,
        default_integrations=False,
        auto_enabling_integrations=False,
        send_client_reports=False,
        auto_session_tracking=False,
        max_breadcrumbs=0,
        server_name="",
        before_send=_only_what_is_safe,
    )
    atexit.register(sentry_sdk.flush, 2.0)  # a failed command exits immediately
    _started = True


def report(error: BaseException | None, **tags: object) -> None:
    """Report an error; `tags`: words of our own, such as the kind of a run or the pattern of an address. Never raises."""
    if error is None or not _started:
        return
    try:
        import sentry_sdk

        sentry_sdk.capture_event(event_of(error, tags))  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001, S110 - the error is in the log anyway
        pass


def event_of(error: BaseException, tags: Mapping[str, object]) -> dict[str, Any]:
    """The event for an error and its causes."""
    return {
        "level": "error",
        "platform": "python",
        "exception": {"values": [_value(one) for one in reversed(list(chain(error)))]},
        "tags": {name: str(value) for name, value in tags.items() if value not in (None, "")},
    }


def _value(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return {
        "type": type(error).__qualname__,
        "module": type(error).__module__,
        "stacktrace": {"frames": [_frame(frame) for frame in frames]} if frames else None,
    }


def _frame(frame: traceback.FrameSummary) -> dict[str, Any]:
    """Only the file's path within its package, so that paths of this machine are not disclosed."""
    path = frame.filename
    inner = next((path.removeprefix(root).lstrip("/") for root in _roots() if path.startswith(f"{root}/")), "")
    return {"filename": inner or path.rpartition("/")[2], "function": frame.name, "lineno": frame.lineno}


def _roots() -> list[str]:
    return sorted({root.rstrip("/") for root in sys.path if root}, key=len, reverse=True)


def _only_what_is_safe(event: Any, _hint: Any) -> Any:
    return {name: value for name, value in event.items() if name in _SENT}
