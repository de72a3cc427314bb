"""SIS Import: state files into student records."""

import atexit
import gc

# Set before anything large is loaded. A program loads thousands of modules that stay, and a page or a line of a file makes
# thousands of objects, few of which form reference cycles: collecting at every 700 takes a sixth of the start-up time. At exit
# nothing is collected: the memory is freed as a whole, and freeing it piece by piece was a third of the cost of a short command.
gc.set_threshold(50_000, 20, 20)
atexit.register(gc.freeze)

from sisimport.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
