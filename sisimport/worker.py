"""A worker process: `python -m sisimport.worker [Celery worker options]`.

Celery's own command with what every worker of ours shares. Gossip, mingle and heartbeat are off: workers need not know
of each other, PostgreSQL tells them what is to be done.
"""

import sys
import warnings


def main(options: list[str]) -> None:
    """Work until told to stop."""
    from celery.platforms import SecurityWarning

    from sisimport.celery import app

    # In a container or a fresh clone root is usual, and messages are JSON (the warning is about pickle).
    warnings.simplefilter("ignore", SecurityWarning)
    shared = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    app.worker_main(["--quiet", "worker", *shared, *options])


if __name__ == "__main__":
    main(sys.argv[1:])
