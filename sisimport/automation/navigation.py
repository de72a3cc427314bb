"""Menu entry of webhooks, and what they are on the account page."""

from sisimport.accounts.access import Capability
from sisimport.web.navigation import REVIEW, Entry, register

register(
    Entry(
        label="Webhooks",
        url_name="webhooks",
        section=REVIEW,
        order=86,
        capability=Capability.SETTINGS,
        url_names=("webhook",),
    )
)
