"""Issue codes of English learner data, with their wording. Meanings follow the published rules; the wording is ours."""

from sisimport.files.issues import IssueCode, codes

HINTS = {
    "IVR0164": "the state wants a start date for every status but EO",
    "SELA0255": "this status does not usually follow the one on record",
    "SELA0280": "English or American Sign Language goes only with EO",
    "SELA0281": "TBD is only a first status, or follows EO",
    "SELA0283": "the same status should keep the same start date",
    "SELA0285": "a new status needs a later date than the one before",
    "SELA0301": "this grade has no English learner status",
    "SELA0520": "since July 1, 2020, the state gets EL and IFEP from the ELPAC vendor",
}

codes.register(
    IssueCode(
        "ELA-STATUS",
        "English learner status differs",
        "ELA status in the file is {found}, Program Status on record is {expected}; {effect}.",
        "Check the status before you update.",
        screen=(
            "WARNING: Campus LEP Status ('{expected}') DOES NOT match LEP Status ('{found}') on ISSID Import File for "
            "localStudentID ('{local_number}'); {effect}."
        ),
    ),
    IssueCode(
        "ELA-DATE",
        "English learner date differs",
        "ELA start date in the file is {found}, on record {expected}; {effect}.",
        "Check the date before you update.",
        screen=(
            "WARNING: Campus LEP Date ('{expected}') DOES NOT match LEP Date on ISSID Import File for localStudentID "
            "('{local_number}')."
        ),
    ),
    IssueCode(
        "ELA-LANG",
        "Home language differs",
        "Primary language in the file is {found}, home language on record is {expected}; {effect}.",
        "Check the language before you update.",
        screen=(
            "WARNING: Campus Home Primary Language ('{expected}') DOES NOT match Home Primary Language ('{found}') on ISSID "
            "Import File for localStudentID ('{local_number}'); {effect}."
        ),
    ),
    IssueCode(
        "ELA-DATE-ALONE",
        "A start date without a status",
        "{field} is {found}, and the status is blank; English learner data is not changed.",
        "Check with the state which status began on that day; the column of statuses may have moved.",
    ),
    IssueCode(
        "ELA-ONE-DAY",
        "One English learner date for nearly all students",
        "{count} of the {of} start dates that would be written for a status on record are {found}; {other} of them replace "
        "another date.",
        "Check that the column was not filled down from one line, or taken from another column. Nothing to do if it is right.",
    ),
    IssueCode(
        "ELA-MISSING",
        "The file has no English learner data",
        "The student has an EL record ({expected}), the file has neither status nor date; the record is left as it is.",
        "Check with the state why the status is missing there.",
        screen=(
            "WARNING: Campus LEP Status ('{expected}') DOES NOT match: no LEP data on ISSID Import File for localStudentID "
            "('{local_number}')."
        ),
    ),
    IssueCode(
        "ELA-MISPRINT",
        "TVD is not an English learner status",
        "{found} is a misprint of TBD in old instructions; English learner data is not changed.",
        "Test the file again: TVD is read as TBD now.",
        retired=True,
    ),
    IssueCode(
        "ELA-LANG-CODE",
        "Unknown language code",
        "{found} is not one of the state's primary language codes; the home language is not changed.",
        "Correct the code in the file; two digits and three letters are both accepted.",
    ),
    IssueCode(
        "ELA-EARLIER",
        "A later status of the same student is in the file",
        "{found} is an earlier status of this student; the one in line {latest_line} counts.",
        "Nothing to do.",
        skips=True,
    ),
    IssueCode(
        "ELA-DELETE",
        "A line that asks the state to delete",
        "The line asks the state to delete a status (transaction type {found}); it is not imported.",
        "Nothing to do if the deletion is meant for the state only.",
        skips=True,
    ),
    IssueCode(
        "SSID-OTHER",
        "SSID differs from the record",
        "SSID in the file is {found}, on record {expected}.",
        "Check with the state whose line this is; import the SSID file to bring SSIDs up to date.",
        ends="The English learner data is imported anyway.",
        screen=(
            "WARNING: Campus stateID ({expected}) DOES NOT match stateID ({found}) on ISSID Import File for localStudentID "
            "('{local_number}')."
        ),
    ),
    IssueCode(
        "SSID-OLD",
        "A retired SSID",
        "SSID {found} was retired; the student's current SSID is {expected}.",
        "Nothing to do.",
    ),
    IssueCode(
        "REP-SAME",
        "An SSID replaced by itself",
        "Retired and replacement SSID are both {found}.",
        "Download the file again; the line has no meaning.",
    ),
    IssueCode(
        "REP-OTHER",
        "Two students that cannot be one person",
        "{field} {found} leads to a different student than the retired SSID does, and the two differ in {fact}.",
        "Ask the state whether the merge is right before you change anything.",
    ),
    IssueCode(
        "REP-NUMBER",
        "The local number is another student's",
        "Local number {found} is not the number of the student who has the retired SSID; the SSID counts.",
        "Compare both students: they may be one person entered twice.",
    ),
    IssueCode(
        "REP-NUMBER-GONE",
        "Found by the SSID alone",
        "No student has the local number {found}; the student was found by the SSID.",
        "Nothing to do if the number was changed since.",
    ),
    IssueCode(
        "REP-SHARED",
        "One replacement for two students",
        "The file gives SSID {found}, or the one it leads to, to more than one student.",
        "The students may be one person entered twice; merge them, then test again.",
    ),
    IssueCode(
        "REP-CIRCLE",
        "SSIDs that replace each other",
        "SSID {found} leads back to an SSID that it should replace, through other lines of the file or the records.",
        "Ask the state which SSID the student has now, then upload a file with that line only.",
    ),
    IssueCode(
        "REP-CHAIN",
        "Replaced twice in one file",
        "SSID {found} is itself the replacement in line {first_line}.",
        "Update with this file, then test and update with it once more.",
    ),
    IssueCode(
        "REP-DIFFERS",
        "Another replacement is on record",
        "The retired SSID was replaced by {expected} before; the file now has {found}.",
        "Ask the state which is right.",
    ),
    IssueCode(
        "REP-MOVED-ON",
        "The replacement was itself retired",
        "SSID {found} was retired and replaced by {expected}.",
        "Get a newer file from the state.",
    ),
    IssueCode(
        "REP-EXCHANGED",
        "Retired and new numbers may be exchanged",
        "All {count} replacement SSIDs in the file are on record, and none of its retired ones ever was. The retired ones are "
        "kept as former numbers.",
        "If the two columns are exchanged, do not update: use the file as the state sent it. Otherwise there is nothing to do.",
    ),
    IssueCode(
        "REP-NOSSID",
        "The student has no SSID",
        "The student has no current SSID.",
        "Import the SSID download file, which has names and birth date to compare.",
        ends="The state's statement that {found} is the current one is noted.",
    ),
    IssueCode(
        "ELA-HINT",
        "The state would question this",
        "{field} is {found}: {rule_text} ({rule}).",
        "Check the English learner history.",
        ends="The line is imported anyway.",
    ),
)
