"""WSGI entry point (gunicorn sisimport.wsgi)."""

import os

from django.core.wsgi import get_wsgi_application

from sisimport.runtime import processes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
processes.kind = "web"
application = get_wsgi_application()

from sisimport.accounts.connection_checks import log_connections  # noqa: E402 - the settings are ready only now

log_connections()
