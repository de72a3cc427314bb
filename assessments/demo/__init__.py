"""Sample score files of the demo district, its set-ups, and the benchmark's score jobs."""

from assessments.demo import cleaning, research_files, score_files  # noqa: F401 - register what they offer
