"""The import types of the student roster."""

from sisimport.imports.definition.registry import Tool, register, register_source, register_tool
from sisimport.roster.import_type import TOOL, Roster
from sisimport.roster.mapped_roster import mapped_roster
from sisimport.roster.oneroster import OneRoster

register_tool(
    Tool(
        key=TOOL,
        title="Student roster",
        lead="Create and update students from the district's own list.",
        order=90,
        crumbs="Records",
    )
)
register(Roster)
register_source(mapped_roster)
register(OneRoster)
