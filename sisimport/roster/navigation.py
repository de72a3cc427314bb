"""Menu entry of column mappings."""

from sisimport.accounts.access import Capability
from sisimport.web.navigation import RECORDS, Entry, register

register(
    Entry(
        label="Column mappings",
        url_name="column_mappings",
        url_names=("column_mapping", "map_columns"),
        section=RECORDS,
        order=95,
        capability=Capability.TEST,
    )
)
