"""Menu entries and cards of the SSID work."""

from sisimport.accounts.access import Capability, works_for_all_districts
from sisimport.web.navigation import MOST_COUNTED, RECORDS, Entry, Setting, register, register_setting
from ssid.requests import navigation as navigation_senr  # noqa: F401 - they register their own
from ssid.utah import navigation as navigation_utah  # noqa: F401 - they register their own
from students.access import visible_school_ids
from students.missing import count_up_to as count_missing_up_to

register(
    Entry(
        label="Missing SSIDs",
        url_name="collection",
        url_names=("school_list", "collection_policy", "record", "record_find", "family_accounts"),
        section=RECORDS,
        order=20,
        said="collection without principal list for a school policy chart",
        count=lambda user: count_missing_up_to(visible_school_ids(user), MOST_COUNTED + 1),
    ),
    Entry(
        label="Annual enrollment",
        url_name="enrollments",
        url_names=("enrollment", "enrollment_blank", "enrollment_paper"),
        section=RECORDS,
        order=30,
        said="forms approve paper print Spanish",
        capability=Capability.EDIT_STUDENTS,
    ),
    Entry(
        label="Families",
        url_name="families",
        url_names=("school_letters",),
        section=RECORDS,
        order=40,
        said="parents letters invitation QR code accounts renew",
        capability=Capability.EDIT_STUDENTS,
    ),
)
register_setting(
    Setting(
        label="SSID policy",
        url_name="collection_policy",
        said="required recommended families online enrollment",
        capability=Capability.SETTINGS,
        offered_to=works_for_all_districts,
    )
)
