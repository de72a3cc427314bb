"""The Celery application: one queue, tasks found in each app's tasks.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sisimport.settings")
app = Celery("sisimport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
