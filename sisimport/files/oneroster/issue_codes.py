"""Wording of findings about OneRoster files."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "ONE-MANIFEST",
        "The manifest of a OneRoster zip",
        "The OneRoster zip contains {found}; expected {expected}.",
        "Export the roster again as OneRoster CSV 1.1 or 1.2 and upload the zip as it came, with its manifest.csv.",
    ),
    IssueCode(
        "ONE-FILE",
        "A file of a OneRoster zip",
        "The OneRoster zip contains {found}; expected {expected}.",
        "Export the roster again with all files that its manifest.csv names, and upload the zip as it came.",
    ),
    IssueCode(
        "ONE-COLUMN",
        "A column of a OneRoster file",
        "The file {file} has {found}; expected {expected}.",
        "Export the roster again, so that every file has its line with column names.",
    ),
    IssueCode(
        "ONE-LEFT-OUT",
        "A file the manifest lists as absent",
        "{found} is in the zip, but manifest.csv lists it as absent: it was not read.",
        "If the file should be used, have manifest.csv list it as bulk or delta, and export again.",
    ),
    IssueCode(
        "ONE-OTHERS",
        "Users who are not students",
        "{found} lines of users.csv were skipped: they are about people who are not students ({expected}).",
        "Nothing to do.",
    ),
    IssueCode(
        "ONE-CLASSES",
        "Classes that students left",
        "{found} class enrollments are marked as deleted, but the student stays at the school, or nothing shows that the student "
        "is leaving it: no school enrollment was ended for them.",
        "Nothing to do. A student who leaves is marked in users.csv or roles.csv.",
    ),
    IssueCode(
        "ONE-MORE-LOST",
        "More lines that match no user",
        "{found} more lines of {expected} match no user; the first ones are listed below.",
        "Export all files of the roster at the same time, so that they list the same people.",
    ),
    IssueCode(
        "ONE-NO-BIRTHS",
        "No birth dates",
        "The zip has no {found}: students on record keep their birth date, and new ones cannot be created.",
        "Export the roster with demographics.csv.",
    ),
    IssueCode(
        "ONE-LOST",
        "A line that matches no user",
        "In {found}.",
        "Export all files of the roster at the same time, so that they list the same people, and test the new zip.",
    ),
    IssueCode(
        "ONE-TWICE",
        "One sourcedId, several people",
        "The sourcedId is in users.csv more than once with different data: {found}.",
        "Each person has one sourcedId. Correct it in the system that the roster comes from and export again.",
    ),
    IssueCode(
        "ONE-SCHOOL",
        "A school that cannot be identified",
        "The line names {found}.",
        "Give the school the state's code (14 digits with the district's, or 7 digits) as its identifier in the system that the "
        "roster comes from, and export again.",
    ),
    IssueCode(
        "ONE-ROLE",
        "Unclear who this is",
        "The user has {found}, so it is unclear whether this is a student.",
        "Give the user a role of OneRoster (student, teacher, guardian …) and export again.",
    ),
    IssueCode(
        "ONE-STATUS",
        "Unclear whether the student is there",
        "The user has the status {found}; expected active or tobedeleted, so it is unclear whether the student is still there.",
        "Give the user one of the two statuses of OneRoster in the system that the roster comes from, and export again.",
    ),
    IssueCode(
        "ONE-NUMBER",
        "No local student number",
        "The line has no {found}, which contains the local student number.",
        "Fill in the number in the system that the roster comes from; if its sourcedId is the number, test again with that "
        "option.",
    ),
    IssueCode(
        "ONE-NEW",
        "Not enough data for a new student",
        "{found} is not on record, and the line has no {expected}: a student cannot be created from it.",
        "Test a bulk export with users.csv, roles.csv and demographics.csv.",
    ),
    IssueCode(
        "ONE-NO-SCHOOL",
        "No school",
        "The line has no school: {found} will be a student of the district without a school.",
        "Nothing to do if the student has no school; otherwise enroll the student in the system that the roster comes from.",
    ),
    IssueCode(
        "ONE-PRIMARY",
        "Two primary schools",
        "Several open enrollments are marked primary: {found}.",
        "Mark one of them as primary in the system that the roster comes from.",
        ends="The one that started last counts as the student's school.",
    ),
    IssueCode(
        "ONE-ENDS",
        "Marked as deleted",
        "The line is marked tobedeleted: the student stays on record.",
        "Nothing to do if the student left. A student is never deleted by an import.",
        ends="The enrollment ends on {found}.",
    ),
    IssueCode(
        "ONE-ENDS-WHEN",
        "Marked as deleted, without a date",
        "The line is marked tobedeleted, but {found} in dateLastModified is not a date: nothing shows when the enrollment ends.",
        "Enter the exit date by hand, or export again with dateLastModified filled in.",
    ),
    IssueCode(
        "ONE-ALL-GONE",
        "Most students of a whole export are marked as deleted",
        "{count} of {of} lines about students on record are marked tobedeleted, in a file that the manifest lists as bulk: their "
        "enrollments would end. Nothing was imported.",
        "Export the roster again; a bulk file lists everyone who is enrolled. If these students did leave, test the "
        "file again with the option that confirms it.",
    ),
    IssueCode(
        "ONE-DISTRICT",
        "Schools whose codes are another district's",
        "In orgs.csv {found}, but the district above them is {expected}. The schools' own codes are used.",
        "Check the identifiers of district and schools in the system that the roster comes from. Nothing to do for charter "
        "schools that report under another district.",
    ),
    IssueCode(
        "ONE-GONE",
        "Marked as deleted, and not on record",
        "{found} is marked tobedeleted and is not on record.",
        "Nothing to do.",
        skips=True,
    ),
)
