"""Issue codes of match results: how the state answered a request, and what was chosen. The wording is ours."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "CAND-GUARDIAN",
        "A guardian without a whole name",
        "{field} is {found}: the name is damaged, or the first or last name is missing. The guardian is not imported.",
        "Enter the guardian by hand, or correct the name in the file and test again.",
    ),
    IssueCode(
        "MATCH-NONE",
        "The state found no SSID",
        "The state found no candidate for the student with local number {found}; nothing is written.",
        "Check the names and the birth date you sent; if they are right, request a new SSID.",
        skips=True,
    ),
    IssueCode(
        "SEL-NONE",
        "No candidate is chosen",
        "No candidate is chosen for local number {found}: {what}. Candidates (end of the SSID, score): {choices}.",
        "Choose on the page “Choose candidates” of this Test, or mark the row in the selection column and test again.",
    ),
    IssueCode(
        "SEL-MARK",
        "A mark in the selection column that means neither yes nor no",
        "“{found}” in the selection column is not a choice: x, y, yes, 1, true or a check mark (✓ ✔) choose the candidate; n,"
        " no, 0, false, - or a blank do not.",
        "Choose on the page “Choose candidates” of this Test, or correct the mark and test again.",
    ),
    IssueCode(
        "SEL-NOMATCH",
        "A candidate where the state found none",
        "For local number {found} the match category is No Match, yet a candidate with an SSID is chosen.",
        "Check that the SSID was not typed in, or moved there from another line: then correct the file and test again.",
        ends="It is imported.",
    ),
    IssueCode(
        "SEL-MANY",
        "More than one candidate is chosen",
        "More than one candidate is chosen for local number {found}. Candidates (end of the SSID, score): {choices}.",
        "Leave the mark on one row only, or choose on the page “Choose candidates” of this Test.",
    ),
    IssueCode(
        "SEL-SCORE",
        "A Single Match taken by its score",
        "The one candidate scores {found}; none is marked.",
        "Nothing to do. Refuse the candidate, or test with a higher limit, if you want to see it first.",
        ends="It is imported without a mark.",
    ),
    IssueCode(
        "SEL-OTHER",
        "Another candidate was chosen",
        "For local number {found} the candidate in line {expected} was chosen; this one is left out.",
        "Nothing to do.",
        skips=True,
    ),
    IssueCode(
        "SEL-REFUSED",
        "The candidates were refused",
        "Someone decided that no candidate for local number {found} is the student; nothing is written.",
        "Request a new SSID if the student never had one.",
        skips=True,
    ),
    IssueCode(
        "SEL-TWICE",
        "One SSID chosen for two students",
        "SSID {found} is chosen for local number {expected} and for {other_number}; it can belong to one student only.",
        "Compare the two students (one may be a duplicate record) and choose again.",
    ),
    IssueCode(
        "CAND-OTHER",
        "The candidate is a different person",
        "The candidate scores {found}, but has a different birth date and different names, and is not marked.",
        "Check that no lines or columns of the file were moved. If it is the student, mark the candidate, or choose on the page "
        "“Choose candidates” of this Test.",
    ),
    IssueCode(
        "CAND-DIFFERS",
        "The candidate and the student differ",
        "{field} is {found}, on record {expected}.",
        "Compare the two side by side before you update.",
        screen=(
            "{warning}Campus {field} ('{expected}') DOES NOT match {field} ('{found}') on ISSID Import File for localStudentID "
            "('{local_number}')."
        ),
    ),
)
