"""gunicorn's ASGI worker, plus limits it lacks: `--worker-class=sisimport.serving.worker.Worker`.

gunicorn waits forever for the first request of a connection, and accepts any number of connections.
"""

import resource
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

HEADER_SECONDS = 20.0  # until the first request's headers are complete
KEPT_FOR_OURSELVES = 128  # file descriptors: database, log, files
MOST_DESCRIPTORS = 8192


class Protocol(ASGIProtocol):
    """A connection that is closed if its first request does not arrive in time."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.worker.nr_conns > self.worker.most_connections:
            self._close_transport()
        else:
            self.worker.loop.call_later(HEADER_SECONDS, self._close_unasked)

    def _close_unasked(self) -> None:
        if self.req_count <= 1 and self._current_request is None and not self._closed:
            self._close_transport()


class Worker(gasgi.ASGIWorker):
    """One process of the web server."""

    def init_process(self) -> None:
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        self.most_connections = most - KEPT_FOR_OURSELVES
        gasgi.ASGIProtocol = Protocol  # the worker creates one for each connection
        super().init_process()
