"""Issue codes of the state's research files."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "RES-CODE",
        "A code that the state's files cannot have",
        "{field} is {found}; expected is {expected}.",
        "Download the research file again: a spreadsheet may have changed its codes.",
    ),
    IssueCode(
        "RES-NUMBER",
        "No number",
        "{field} is {found}; expected is {expected}.",
        "Download the research file again. A star stands for what the state hides, and stays hidden.",
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
        "Test {found} of the state's files is none of those that results are compared of.",
        "Nothing to do.",
        skips=True,
    ),
    IssueCode(
        "RES-OLDER",
        "Names of an earlier year",
        "The file is of {found}; the name on record is of {expected} and stays.",
        "Nothing to do.",
        skips=True,
    ),
    IssueCode(
        "RES-SCOPE",
        "Research files are for the whole district",
        "State results are compared in all schools, and you see some of them only.",
        "Ask somebody who sees all schools to import the file.",
    ),
)
