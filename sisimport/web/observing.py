"""What requests report for monitoring: the pattern of an address, never the address."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from sisimport.runtime import tracing

NO_ROUTE = "(no page)"


def route_of(request: HttpRequest | None) -> str:
    """The pattern that the address matches: students/<int:pk>/."""
    match = getattr(request, "resolver_match", None)
    return str(match.route) if match is not None else NO_ROUTE


class TracingMiddleware:
    """A span around each request. In the settings only if traces are sent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        method = request.method if request.method in _METHODS else "_OTHER"
        with tracing.span(str(method), {"http.request.method": str(method)}, server=True) as span:
            response = self.get_response(request)
            route = route_of(request)
            span.rename(f"{method} {route}")
            span.say({"http.route": route, "http.response.status_code": response.status_code})
            return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
