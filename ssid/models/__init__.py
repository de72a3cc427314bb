"""Records of the SSID work: requests sent to the state. The staged rows of the import types stand in modules of their own."""

from ssid.models.requests import SENRLine, SENRRequest
from ssid.models.staged import SSIDDownloadRow, joined_student

__all__ = ["SENRLine", "SENRRequest", "SSIDDownloadRow", "joined_student"]
