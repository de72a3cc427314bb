"""Menu entries of webhooks, pick-up places and deliveries."""

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
register(
    Entry(
        label="Pick-up",
        url_name="pick_up",
        section=REVIEW,
        order=84,
        capability=Capability.SETTINGS,
        url_names=("pick_up_place",),
    )
)
register(
    Entry(
        label="Delivery",
        url_name="deliveries",
        section=REVIEW,
        order=85,
        capability=Capability.SETTINGS,
        url_names=("delivery",),
    )
)
