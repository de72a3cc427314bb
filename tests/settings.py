"""Settings of the test suite: the product's own, with a data directory (and so a PostgreSQL) for tests alone."""

import os
import tempfile
from pathlib import Path

# pytest's own folders stay where they were: the product moves temporary files into its data directory.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
os.environ["SISIMPORT_DATA_DIR"] = os.environ.get("SISIMPORT_DATA_DIR") or str(
    Path(__file__).resolve().parent.parent / "var" / "test"
)

# One key for this process and those that it starts, whose data directories differ.
os.environ.setdefault("FILE_KEYS", "dGVzdHMgb25seTogdGhpcnR5LXR3byBieXRlcy4gLi4=")

from sisimport.settings import *  # noqa: F403
from sisimport.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The test databases are thrown away: nothing is lost by not waiting for the disk.
_options = DATABASES["default"]["OPTIONS"].get("options", "")  # limits of a web server or worker that a test starts
DATABASES["default"]["OPTIONS"]["options"] = f"{_options} -c synchronous_commit=off".strip()

# Sessions of tests begin without signing in, and statements of pages are counted; tests of the limits set them.
SESSION_IDLE_SECONDS = 0
STEP_UP_SECONDS = 0
UPLOADS_PER_MINUTE = EXPORTS_PER_MINUTE = 0

# What a page keeps for a minute must not reach the next test.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

# Every client builds the middleware again: static files are found when asked for, not listed each time from a folder that
# only a deployment fills.
WHITENOISE_AUTOREFRESH = True
