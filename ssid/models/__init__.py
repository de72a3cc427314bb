"""Records of the SSID work: requests sent to the state. The staged rows of the import types are in separate modules."""

from ssid.models.request_rows import MatchRequest, SSIDRequestRow
from ssid.models.requests import SENRLine, SENRRequest
from ssid.models.staged import SSIDDownloadRow
from ssid.models.staged_ela import ELARow
from ssid.models.staged_list import SSIDListRow
from ssid.models.staged_replacement import ReplacementRow
from ssid.models.utah import UtahAnswer, UtahDueDate, UtahFunction, UtahRequest, UtahRequestStudent
from ssid.models.utah_rows import UtahResponseRow

__all__ = [
    "ELARow",
    "MatchRequest",
    "ReplacementRow",
    "SENRLine",
    "SENRRequest",
    "SSIDDownloadRow",
    "SSIDListRow",
    "SSIDRequestRow",
    "UtahAnswer",
    "UtahDueDate",
    "UtahFunction",
    "UtahRequest",
    "UtahRequestStudent",
    "UtahResponseRow",
]
