"""Menu entry of exports."""

from sisimport.accounts.access import Capability
from sisimport.web.navigation import RECORDS, Entry, register

register(
    Entry(
        label="Data out",
        url_name="exports",
        section=RECORDS,
        order=80,
        capability=Capability.EXPORT,
        said="export download CSV OneRoster Ed-Fi",
    )
)
