"""The four functions of the SSID Process in a table: when to run them, what the file contains, what the state does with
it, and the result.

Source: SSID Process screen of Utah's student information system (manual).
"""

from dataclasses import dataclass
from typing import Final

from ssid.models import UtahFunction

# Whom to contact when looking up or entering a student by hand at the state's site.
HELP_DESK: Final = "ssidhelp@schools.utah.gov"


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """One row of the table."""

    function: UtahFunction
    when: str
    holds: str
    state_does: str
    response: str
    processing: str


FUNCTIONS: Final = (
    FunctionFacts(
        UtahFunction.RETRIEVE,
        when="After all students are entered",
        holds="All students without an SSID",
        state_does="Looks for SSIDs that they already have",
        response="The SSIDs that were found, for students of the request file",
        processing="Gives students their existing SSIDs",
    ),
    FunctionFacts(
        UtahFunction.NEW,
        when="After the response to Retrieve was processed here",
        holds="All students without an SSID",
        state_does="Issues an SSID to every one of them",
        response="SSIDs of the students who had none before",
        processing="Gives students their new SSIDs",
    ),
    FunctionFacts(
        UtahFunction.UPDATE,
        when="As needed",
        holds="All students whose name, birth date, gender or ethnicity changed",
        state_does="Saves the new values",
        response="A mark in each record that was updated",
        processing="Clears the “changed” mark of these students",
    ),
    FunctionFacts(
        UtahFunction.VERIFY,
        when="Before test preprints, October 1, December 1 and the year-end files",
        holds="All students with an SSID",
        state_does="Compares LEA, school, number, name, birth date and gender with its own records",
        response="No response file",
        processing="Nothing to process: correct errors at the state’s site",
    ),
)
