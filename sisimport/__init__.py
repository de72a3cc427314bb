"""SIS Import: state files into student records."""

import gc

# Before anything large is loaded. A program loads some thousand modules that stay, a page or a line of a file makes some thousand
# objects of which few refer to each other in a circle: looked at every 700, they cost a sixth of the time of a start.
gc.set_threshold(50_000, 20, 20)

from sisimport.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
