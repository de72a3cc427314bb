"""The shared pages: menu, home, upload, a run's report, downloads, the admin of runs."""
