"""Sample score files of the demo district, and the benchmark's score jobs."""

from assessments.demo import score_files  # noqa: F401 - registers its samples
