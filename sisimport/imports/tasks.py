"""Where Celery looks for the tasks of this app; they are in runs/tasks.py."""

from sisimport.imports.runs.tasks import execute_run_task  # noqa: F401
