"""Admin pages of student records."""

from students.admin import audit, ssids, students, users  # noqa: F401 - they register their pages
