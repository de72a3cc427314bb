"""All operations: ours, and those of other apps in modules named `endpoints`."""

from django.utils.module_loading import autodiscover_modules

from sisimport.api import catalogue, imports, runs, students  # noqa: F401 - they declare operations
from sisimport.api.application import api, router

autodiscover_modules("endpoints")
api.add_router("", router)

__all__ = ["api"]
