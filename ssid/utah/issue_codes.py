"""Issue codes of the Utah response file, with their wording."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    # The whole file
    IssueCode(
        "UTAH-PROFILE",
        "The district does not report to Utah",
        "{found} does not report to Utah; expected a response for {expected}.",
        "Check the file; the state of an LEA is one of its settings.",
    ),
    IssueCode(
        "UTAH-VERIFY",
        "A Verify answer is not loaded",
        "The file answers a Verify request; expected the response to {expected}.",
        "Verify has no response to load: correct what it found at the state site.",
    ),
    IssueCode(
        "UTAH-MIXED",
        "Several kinds of request in one file",
        "The file answers requests of several kinds ({found}); expected {expected}.",
        "Download the response again and upload it unchanged.",
    ),
    IssueCode(
        "UTAH-NO-REQUEST",
        "Not the answer to a request made here",
        "No line of the file is for a student in {found}; expected {expected}.",
        "Check that the response belongs to a request made here, and to this district and school.",
    ),
    IssueCode(
        "UTAH-REQUEST-FILE",
        "Not a response",
        "The file has {found}; expected {expected}.",
        "This may be the request file: upload the response (RESP_….csv) that the state made of it.",
    ),
    # One line
    IssueCode(
        "UTAH-TWICE",
        "The same value in several lines",
        "{field} {found} is in several lines, first in line {first_line}; none of them is used.",
        "Find out which line is right, remove the others, then test again.",
    ),
    IssueCode(
        "UTAH-NOT-SENT",
        "The student was not in the request",
        "Student {found} was not in the request that this file answers (number {expected}).",
        "Check that this is the response to that request, or make a new request.",
    ),
    IssueCode(
        "UTAH-SCHOOL",
        "School differs from the request",
        "{field} is {found}; the request had {expected}.",
        "Check that this is the response to that request.",
    ),
    IssueCode(
        "UTAH-LEFT",
        "The student left",
        "Student {found} left after the request was made.",
        "Check the enrollment; staff can enter the SSID by hand if the student comes back.",
    ),
    IssueCode(
        "UTAH-REFUSED",
        "The state reports an error",
        "The state did not process this line: {found}.",
        "Correct the student record as the state's message says, then make a new request.",
    ),
    IssueCode(
        "UTAH-MESSAGE",
        "A message from the state",
        "The state processed this line and says: {found}.",
        "Read the message; correct the student record if it asks for that.",
    ),
    IssueCode(
        "UTAH-NOMATCH",
        "No SSID found",
        "The state has no SSID for this student.",
        "Make a New request once all Retrieve answers are processed: it will issue one.",
        skips=True,
    ),
    IssueCode(
        "UTAH-NOSSID",
        "No SSID in the answer",
        "The answer has no SSID for this student.",
        "Ask the state's SSID help desk, or make a new request.",
    ),
    IssueCode(
        "UTAH-CONTRADICTS",
        "Status and SSID contradict each other",
        "The status is {found}, yet the line has an SSID; nothing is written.",
        "Look the student up at the state site; staff can enter the SSID by hand.",
    ),
    IssueCode(
        "UTAH-ECHO",
        "A value that differs from the request",
        "{field} in the answer is {found}; the request had {expected}.",
        "Check that the state has the right value.",
    ),
    IssueCode(
        "UTAH-LINE",
        "A line number in place of an SSID",
        "SSID {found} is the number of this student's line in the request.",
        "Check that the columns File Line Number and SSID are not swapped, and upload the response unchanged.",
    ),
    IssueCode(
        "UTAH-OTHER-SSID",
        "Not the student's SSID",
        "SSID {found} in the answer is not the student's current one ({expected}).{former_text}",
        "Check at the state site which number is right; staff can correct it by hand.",
    ),
    IssueCode(
        "UTAH-UNCONFIRMED",
        "Not confirmed",
        "The state did not confirm the update of this student; the student stays flagged.",
        "Check the state site, then make a new Update request.",
        skips=True,
    ),
    IssueCode(
        "UTAH-CHANGED-AGAIN",
        "Changed again since the request",
        "The student changed again after the request was made ({found}); the student stays flagged.",
        "Make a new Update request.",
        skips=True,
    ),
    IssueCode(
        "UTAH-NOFLAG",
        "Nothing to confirm",
        "The student is no longer flagged as changed.",
        "Nothing to do.",
    ),
)
