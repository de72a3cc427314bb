"""A container's health check: `python -m sisimport.health web|worker`. Exit code 0: healthy.

web: the site answers on /health/, with a request like the proxy's. worker (and reconciler): it looked for runs, and so reached
the database, within the last half minute.
"""

import http.client
import os
import sys
import time
from pathlib import Path

OLDEST_SECONDS = 30.0


def web_is_well(port: int) -> bool:
    """Send a request with the first allowed host name: any other is refused."""
    host = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".*") or "localhost"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=8)
    try:
        connection.request("GET", "/health/", headers={"Host": host, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def worker_is_well(heartbeat: Path) -> bool:
    try:
        return time.time() - heartbeat.stat().st_mtime < OLDEST_SECONDS
    except OSError:
        return False


if __name__ == "__main__":
    if sys.argv[1:] == ["web"]:
        well = web_is_well(int(os.environ.get("PORT", "8000")))
    else:
        well = worker_is_well(Path(os.environ["SISIMPORT_HEARTBEAT"]))
    sys.exit(0 if well else 1)
