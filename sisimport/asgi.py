"""The web server's entry point: gunicorn sisimport.asgi --worker-class=sisimport.serving.worker.Worker."""

from django.conf import settings

from sisimport.serving.front import Front
from sisimport.wsgi import application as django

application = Front(
    django,
    folder=settings.FILE_UPLOAD_TEMP_DIR,
    threads=settings.WEB_THREADS,
    upload_seconds=settings.UPLOAD_MAX_SECONDS,
)
