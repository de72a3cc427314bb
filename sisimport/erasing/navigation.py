"""Menu entry of erased students."""

from sisimport.accounts.access import Capability
from sisimport.web.navigation import REVIEW, Entry, register
from students.access import visible_school_ids

register(
    Entry(
        label="Erased students",
        url_name="erasures",
        url_names=("erase_student", "erase_off_record"),
        section=REVIEW,
        order=78,
        capability=Capability.SETTINGS,
        offered_to=lambda user: visible_school_ids(user) is None,
    )
)
