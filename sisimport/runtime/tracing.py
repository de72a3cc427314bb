"""Traces by OpenTelemetry: a span for each request and each run, sent over OTLP/HTTP. No statements, no values, no addresses.

A span holds the pattern of an address, a method, a status, an import type, a work and the phases: words of our own. Off until
OTEL_EXPORTER_OTLP_ENDPOINT is set; needs the extra `opentelemetry`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sisimport.runtime.error_reports import NotInstalledError

_provider: Any = None
_tracer: Any = None


def start(endpoint: str, *, version: str) -> None:
    """Send spans from now on, in this process and in those it forks. Raises NotInstalledError."""
    global _provider, _tracer  # noqa: PLW0603 - once per process
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise NotInstalledError(
            "OTEL_EXPORTER_OTLP_ENDPOINT needs the optional packages of the extra opentelemetry: install them."
        ) from error
    resource = Resource({"service.name": "sis-import", "service.version": version})  # no name of this machine
    _provider = TracerProvider(resource=resource)
    _provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5))
    )
    _tracer = _provider.get_tracer("sisimport", version)


def stop() -> None:
    """Send pending spans, then stop."""
    global _provider, _tracer  # noqa: PLW0603 - once per process
    if _provider is not None:
        _provider.shutdown()
    _provider = _tracer = None


class Span:
    """Data that may be recorded about a piece of work while it runs."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def say(self, attributes: Mapping[str, str | int | float]) -> None:
        if self._span is not None:
            self._span.set_attributes(attributes)

    def rename(self, name: str) -> None:
        if self._span is not None:
            self._span.update_name(name)

    def failed(self, error: BaseException) -> None:
        """Record only the type of an error."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._span.set_attribute("error.type", type(error).__qualname__)
            self._span.set_status(StatusCode.ERROR)


@contextmanager
def span(name: str, attributes: Mapping[str, str | int | float], *, server: bool = False) -> Iterator[Span]:
    """A span around a piece of work; nothing if tracing is off. An error passes through after its type is recorded."""
    if _tracer is None:
        yield Span()
        return
    from opentelemetry.trace import SpanKind

    kind = SpanKind.SERVER if server else SpanKind.INTERNAL
    with _tracer.start_as_current_span(name, kind=kind, record_exception=False, set_status_on_exception=False) as made:
        saying = Span(made)
        saying.say(attributes)
        try:
            yield saying
        except BaseException as error:
            saying.failed(error)
            raise
