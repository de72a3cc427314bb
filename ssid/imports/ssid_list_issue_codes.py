"""Issue codes of SSID collection, with their wording."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "LIST-BLANK",
        "No SSID filled in",
        "The SSID is blank: the school has not filled it in.",
        "Nothing to do now; the student stays on the list of missing SSIDs.",
        skips=True,
    ),
    IssueCode(
        "LIST-NOTFOUND",
        "No student with this name and birth date",
        "No student {found}, born {expected}, is on record at this school.",
        "Compare spelling and birth date with the student list, or add the local student number to the line.",
    ),
    IssueCode(
        "LIST-ALIKE",
        "Several students with this name and birth date",
        "More than one student {found}, born {expected}, is on record.",
        "Add the local student number to the line, to show which of them it is.",
    ),
    IssueCode(
        "LIST-WHO",
        "The line does not show who it is",
        "The line must have a local student number, or last name, first name and birth date together.",
        "Fill in the missing columns of the line, then test again.",
    ),
    IssueCode(
        "LIST-CONFIRMED",
        "The school confirms an unverified SSID",
        "The school's SSID {found} is the one on record, which was not verified until now.",
        "Nothing to do.",
    ),
    IssueCode(
        "LIST-TOLD",
        "The family gave another number",
        "The family gave {expected}, the school gave {found}; the school's number counts.",
        "Compare the two numbers digit by digit before you update.",
    ),
)
