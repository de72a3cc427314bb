"""The import type of the student roster."""

from sisimport.imports.definition.registry import Tool, register, register_tool
from sisimport.roster.import_type import TOOL, Roster

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
