"""Issue codes of English learner data, with their wording. Meanings follow the published rules; the words are ours."""

from sisimport.imports.issues import IssueCode, codes

HINTS = {
    "IVR0164": "the state wants a start date for every status but EO",
    "SELA0255": "this status does not usually follow the one on record",
    "SELA0280": "English or American Sign Language goes only with EO",
    "SELA0281": "TBD is only a first status, or follows EO",
    "SELA0283": "the same status should keep the same start date",
    "SELA0285": "a new status needs a later date than the one before",
    "SELA0301": "this grade carries no English learner status",
    "SELA0520": "since 1 July 2020 EL and IFEP come to the state from the ELPAC vendor",
    "BIRTH": "the status starts before the student was born",
}

codes.register(
    IssueCode(
        "ELA-STATUS",
        "English learner status differs",
        "ELA status in the file is {found}, Program Status on record is {expected}; it will be overwritten.",
        "Check the status before you update.",
    ),
    IssueCode(
        "ELA-DATE",
        "English learner date differs",
        "ELA start date in the file is {found}, on record {expected}; it will be overwritten.",
        "Check the date before you update.",
    ),
    IssueCode(
        "ELA-LANG",
        "Home language differs",
        "Primary language in the file is {found}, home language on record is {expected}; it will be overwritten.",
        "Check the language before you update.",
    ),
    IssueCode(
        "ELA-MISSING",
        "The file has no English learner data",
        "The student has an EL record ({expected}), the file has neither status nor date; the record is left as it is.",
        "Check with the state why the status is missing there.",
    ),
    IssueCode(
        "ELA-LEGACY",
        "Old English learner code",
        "{found} is a code from before CALPADS and has no single meaning now; English learner data is not changed.",
        "Look up the student's status at the state and enter it by hand.",
    ),
    IssueCode(
        "ELA-TVD",
        "TVD read as TBD",
        "{found} is a misprint of TBD and was read as that.",
        "Nothing to do.",
    ),
    IssueCode(
        "ELA-HINT",
        "The state would question this",
        "{field} is {found}: {rule_text} ({rule}).",
        "Check the English learner history; the line is imported all the same.",
    ),
)
