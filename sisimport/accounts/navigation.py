"""The menu entry for mail that was not sent."""

from sisimport.accounts.kept_mail import may_read_mail
from sisimport.imports.access import Capability
from sisimport.imports.navigation import REVIEW, Entry, register

register(
    Entry(
        label="Mail",
        url_name="kept_mails",
        url_names=("kept_mail",),
        section=REVIEW,
        order=80,
        capability=Capability.SETTINGS,
        offered_to=may_read_mail,
    )
)
