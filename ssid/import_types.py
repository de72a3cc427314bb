"""Import types of the SSID screens."""

from sisimport.imports.definition.registry import Tool, register, register_tool
from ssid.imports import ela, match_results, replacements, ssid_download, ssid_list
from ssid.utah import response as utah_response

register_tool(
    Tool(
        key=ssid_download.TOOL,
        title="CALPADS SSID Import",
        short="CALPADS SSID",
        lead="Bring SSIDs and English learner status from a CALPADS file into the student records.",
        order=10,
        state="CA",
        screen_words=True,
        documentation=(
            ("CALPADS documentation", "https://documentation.calpads.org"),
            ("California Department of Education, CALPADS", "https://www.cde.ca.gov/ds/sp/cl/"),
        ),
    )
)
register(ssid_download.SSIDDownload)
register(ela.ELAImport)
register(match_results.SSIDRequest)
register(replacements.ReplacementImport)
register_tool(
    Tool(
        key=utah_response.TOOL,
        title="SSID Process",
        lead="Process the response file that Utah's SSID system made of a Retrieve, New or Update request.",
        order=30,
        state="UT",
        crumbs="Enrollment / SSID Process",
        documentation=(("SSID site of the Utah State Board of Education", "https://ssid.schools.utah.gov"),),
        in_menu=False,
    )
)
register(utah_response.UtahResponse)
register_tool(
    Tool(
        key=ssid_list.TOOL,
        title="SSID Collection",
        lead="Collect missing SSIDs: give schools a list to fill in, and read it back.",
        order=40,
        crumbs="Enrollment / SSID Collection",
    )
)
register(ssid_list.SSIDList)
