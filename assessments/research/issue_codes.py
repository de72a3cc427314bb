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
        "In {count} of {of} lines more students of one grade or group were tested than of all students (line {first} is the"
        " first). "
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
