"""WSGI entry point (gunicorn sisimport.wsgi)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
application = get_wsgi_application()
