"""Admin of the SSID work."""

from ssid import admin_utah  # noqa: F401 - registers its own
