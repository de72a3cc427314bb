"""Wording of refusals that a column mapping resolves."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "ROSTER-COLUMNS",
        "Columns of another system",
        "The student roster needs {found}; the file has no columns with these names.{known} If it is an export of another"
        " system, map its columns.",
        "Press Map its columns (command line: add_mapping) and choose once what each column is: files with this header line"
        " are read automatically from then on. Or name the columns as the roster does.",
    ),
    IssueCode(
        "ROSTER-GONE",
        "A mapped column is gone",
        "The file has no column {found}; {expected} reads it.",
        "Export the file with that column. If it has another name now, press Map its columns and save the next version of the"
        " mapping.",
    ),
    IssueCode(
        "ROSTER-UNKNOWN",
        "Unknown file",
        "The file has {found}; expected {expected}.",
        "Choose the import type, so that the file is compared with its layout. For a student list from another system, press Map"
        " its columns (command line: add_mapping).",
    ),
    IssueCode(
        "ROSTER-WHICH",
        "Several mappings fit",
        "The file fits {found} equally well.",
        "Choose one of them under Columns (command line: --option mapping=NAME), and test the file again.",
    ),
)
