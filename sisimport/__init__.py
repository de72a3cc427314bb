"""SIS Import: state files into student records."""

from sisimport.celery import app as celery_app

__all__ = ["celery_app"]
