"""Import types of the SSID screens."""

from sisimport.imports.definition.registry import Tool, register, register_tool
from ssid import calpads, collection, ela, replacements, requests, utah_response

register_tool(
    Tool(
        key=calpads.TOOL,
        title="CALPADS SSID Import",
        short="CALPADS SSID",
        lead="Bring SSIDs and English learner status from a CALPADS file into the student records.",
        order=10,
    )
)
register(calpads.SSIDDownload)
register(ela.ELAImport)
register(requests.SSIDRequest)
register(replacements.ReplacementImport)
register_tool(
    Tool(
        key=utah_response.TOOL,
        title="SSID Process",
        lead="Process the response file that Utah's SSID system made of a Retrieve, New or Update request.",
        order=30,
        crumbs="Enrollment / SSID Process",
        in_menu=False,
    )
)
register(utah_response.UtahResponse)
register_tool(
    Tool(
        key=collection.TOOL,
        title="SSID Collection",
        lead="Collect missing SSIDs: give schools a list to fill in, and read it back.",
        order=40,
        crumbs="Enrollment / SSID Collection",
    )
)
register(collection.SSIDList)
