"""Issue codes of the state's research files."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "RES-CODE",
        "A code that the state's files cannot have",
        "{field} is {found}; expected {expected}.",
        "Download the research file again: a spreadsheet may have changed its codes.",
    ),
    IssueCode(
        "RES-NUMBER",
        "Not a number",
        "{field} is {found}; expected {expected}.",
        "Download the research file again. A star means that the state hides the figure; it stays hidden.",
    ),
    IssueCode(
        "RES-ELSEWHERE",
        "A place that is not compared",
        "The line is about another county or district ({found}).",
        "Nothing to do: the state, your counties and your districts with their schools are kept.",
        skips=True,
    ),
    IssueCode(
        "RES-TEST",
        "A test that is not compared",
        "Test {found} in the state's files is not a test whose results are compared.",
        "Nothing to do.",
        skips=True,
    ),
    IssueCode(
        "RES-OLDER",
        "Names of an earlier year",
        "The file is for {found}; the name on record is from {expected} and stays.",
        "Nothing to do.",
        skips=True,
    ),
    IssueCode(
        "RES-YEAR",
        "A year without results",
        "{field} is {found}; expected {expected}.",
        "Download the research file again: a spreadsheet may have changed its years.",
    ),
    IssueCode(
        "RES-CHANGED",
        "A figure or name that differs from the record",
        "{field} is {found}; on record it is {expected}.",
        "Nothing to do if the state published it again; otherwise check whether lines or columns of the file were moved.",
        ends="It is replaced.",
    ),
    IssueCode(
        "RES-NONSENSE",
        "Figures that contradict each other",
        "{field} is {found}; expected {expected}.",
        "Download the research file again: its columns may have been exchanged, sorted or shifted.",
    ),
    IssueCode(
        "RES-PARTS",
        "Parts with more students than the whole",
        "In {count} of {of} lines more students of one grade, group or place were tested than of the whole that it is part of"
        " (line {first} is the first). "
        "Nothing was imported.",
        "Download the research file again: a column may have been sorted or shifted separately from the others. If the file is "
        "right, test it again with the option “The file is right”.",
    ),
    IssueCode(
        "RES-HEADINGS",
        "Columns with swapped headings",
        "Headings were swapped among these columns: {columns}. In {count} of {of} lines {why}. Nothing was imported.",
        "Put the headings back, or download the research file again. If the file is right, test it again with the option"
        " “The file is right”.",
    ),
    IssueCode(
        "RES-APART",
        "Columns that do not go together",
        "{columns}: in {count} of {of} lines {why}.",
        "Compare some lines with the research file as it was downloaded: a column may have been sorted, shifted, filled down,"
        " rounded or exchanged. Nothing to do if the file is as the state published it.",
    ),
    IssueCode(
        "RES-NAMES",
        "Names of places that contradict each other",
        "{why} (line {line} is the first of {count}).",
        "Download the entities file again: a column may have been sorted, shifted or filled down. Nothing to do if the names are"
        " right.",
    ),
    IssueCode(
        "RES-NONE",
        "No line about our districts",
        "None of the {of} lines about districts and schools is about a district on record.",
        "Check that this is the file of your county or of the whole state, and that a spreadsheet has not changed its codes.",
    ),
    IssueCode(
        "RES-SCHOOLS",
        "No school on record",
        "The file has {count} schools under our districts, and none of them is on record.",
        "Check that a spreadsheet has not changed the codes of the schools, and that the schools on record have the codes of"
        " the state.",
    ),
    IssueCode(
        "RES-REPLACED",
        "Most figures on record would change",
        "{count} of {of} lines would replace the figures on record for the same place, year, test, grade and group with others."
        " Nothing was imported, so that no figure is lost.",
        "Check whether a column was sorted or shifted, or the year changed. If the state published these results again, test the"
        " file again with the option “The file is right”.",
    ),
    IssueCode(
        "RES-OTHER-YEAR",
        "The figures of another year",
        "{count} of {of} lines have exactly the figures that are on record for {found}. Nothing was imported.",
        "Choose the file for the right year. If this file's year is right and the one on record is wrong, revert that import"
        " first, or test again with the option “The file is right”.",
    ),
    IssueCode(
        "RES-SCOPE",
        "Research files are for the whole district",
        "State results are compared in all schools, and you see only some of them.",
        "Ask someone who sees all schools to import the file.",
    ),
)
