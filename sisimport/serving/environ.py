"""Converts a request from the event loop's form (ASGI) to that of Django's WSGI handler."""

import sys
from typing import Any
from urllib.parse import unquote_to_bytes

OWN_NAMES = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


def header(scope: dict[str, Any], name: bytes) -> bytes | None:
    """The first header with this (lower case) name."""
    return next((value for key, value in scope["headers"] if key == name), None)


def environ_of(scope: dict[str, Any], body: Any, size: int) -> dict[str, Any]:
    """The WSGI environment of a request whose body, `size` bytes, can be read from `body`."""
    server, client = scope.get("server") or ("localhost", 0), scope.get("client") or ("", 0)
    path = unquote_to_bytes(scope["raw_path"]) if scope.get("raw_path") else scope["path"].encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name:  # X_Forwarded_For would be read as X-Forwarded-For, which only a proxy may set
            continue
        key = OWN_NAMES.get(name, "HTTP_" + name.upper().replace("-", "_"))
        if key in environ and key not in OWN_NAMES.values():
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    environ.update(CONTENT_LENGTH=str(size))  # a chunked body has none
    return environ
