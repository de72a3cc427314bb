"""Admin of the SSID work."""

from ssid.utah import admin as admin_utah  # noqa: F401 - registers its own
