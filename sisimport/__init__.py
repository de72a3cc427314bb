"""SIS Import: state files into student records."""

import atexit
import gc

# Before anything large is loaded. A program loads some thousand modules that stay, and a page or a line of a file makes some
# thousand objects of which few refer to each other in a circle: looked at every 700, they cost a sixth of a start. At the end
# nothing is looked at: the memory goes back as a whole, and taking it apart was a third of what a short command costs.
gc.set_threshold(50_000, 20, 20)
atexit.register(gc.freeze)

from sisimport.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
