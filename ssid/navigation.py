"""Menu entries and cards of the SSID work."""

from sisimport.accounts.access import Capability
from sisimport.web.navigation import RECORDS, Entry, register
from ssid.requests import navigation as navigation_senr  # noqa: F401 - they register their own
from ssid.utah import navigation as navigation_utah  # noqa: F401 - they register their own

register(
    Entry(
        label="Missing SSIDs",
        url_name="collection",
        url_names=("school_list", "collection_policy", "record", "record_find", "family_accounts"),
        section=RECORDS,
        order=20,
    ),
    Entry(
        label="Annual enrollment",
        url_name="enrollments",
        url_names=("enrollment",),
        section=RECORDS,
        order=30,
        capability=Capability.EDIT_STUDENTS,
    ),
)
