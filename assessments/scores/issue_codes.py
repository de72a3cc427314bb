"""Issue codes of score imports, in the three families of the screen: Ambiguity, Discrepancy, Exception; and skips.

Families after CAASPP Import (vendor help page, 2025); the wording is ours.
"""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "AMB-STUDENTS",
        "Ambiguity: several students fit",
        "No student has SSID {found}; several students have this name and birth date: {candidates}.",
        "Find out whose score it is and give that student the SSID, then test again.",
    ),
    IssueCode(
        "AMB-RECORDS",
        "Ambiguity: several records for one student and test",
        "The file has other scores for the same student and test in line {other_line}.",
        "Keep the right record and remove the others, or download the file again.",
    ),
    IssueCode(
        "AMB-REPEAT",
        "Ambiguity: the same record twice",
        "Line {other_line} has the same scores for the same student; that line counts.",
        "Nothing to do.",
    ),
    IssueCode(
        "AMB-REPEAT-OTHER",
        "Ambiguity: the same scores with other details",
        "Line {other_line} has the same scores for the same student; that line counts and this one is left out. Differences:"
        " {found}.",
        "Find out which line is right. If it is this one, remove the other from the file and test again.",
        skips=True,
    ),
    IssueCode(
        "AMB-NOT-COUNTED",
        "Ambiguity: a second record, which does not count",
        "Line {other_line} has the score of record for the same student and test. This line has other scores and does not count"
        " (include indicator {found}); it is left out.",
        "Nothing to do: each student counts once. If this score is the right one, have the record corrected in the testing portal"
        " and download the file again.",
        skips=True,
    ),
    IssueCode(
        "AMB-REFUSED",
        "Ambiguity: the same record as a refused line",
        "Line {other_line} has the same scores for the same student and is refused, so this line is refused too.",
        "Correct that line and test again.",
    ),
    IssueCode(
        "AMB-UIN",
        "Ambiguity: one UIN for several students",
        "Lines of several students have the same UIN ({lines} lines, first line {first}: {found}); it is not kept for them."
        " The scores are imported.",
        "Nothing to do: a score is identified by its student, test and school year.",
    ),
    IssueCode(
        "AMB-UIN-ELSEWHERE",
        "Ambiguity: UIN on record for another student",
        "A record with UIN {found} was imported for another student before; that score stays with that student.",
        "Find out whose score it is. If the earlier student is the wrong one, revert the run that imported the score.",
    ),
    IssueCode(
        "EXC-BLANKED",
        "Exception: a score on record becomes blank",
        "The record has {found}; the file has no value there, so the record becomes blank.",
        "If the state withdrew the value, there is nothing to do. If the file lost it, do not import this file; download it"
        " again.",
    ),
    IssueCode(
        "AMB-ELAS",
        "Ambiguity: two English learner statuses for one student",
        "{field} is {found}, but {expected} in line {other_line} for the same student.",
        "Find out which is right, correct the file and test again, or enter the status by hand.",
        ends="Neither is imported; the scores are.",
    ),
    IssueCode(
        "DIS-NOTFOUND",
        "Discrepancy: no student with this SSID",
        "No student has SSID {found}.",
        "Import the student's SSID first, or check whether the student is still in the district.",
    ),
    IssueCode(
        "DIS-PARTIAL",
        "Discrepancy: partial match",
        "No student has SSID {found}, but student {candidates} has this name and birth date.",
        "If it is that student, give the student the SSID first, then test again.",
    ),
    IssueCode(
        "DIS-NAME",
        "Discrepancy: name differs",
        "{field} in the file is {found}, on record {expected}.{hint_text}",
        "Find out which is right, correct the student or the file, and test again.",
    ),
    IssueCode(
        "DIS-NEAR",
        "Discrepancy: nearly the same name",
        "{field} in the file is {found}, on record {expected}.",
        "Correct the spelling when convenient.",
        ends="The scores are imported anyway.",
    ),
    IssueCode(
        "DIS-BIRTH",
        "Discrepancy: birth date differs",
        "{field} in the file is {found}, on record {expected}.",
        "Find out which is right, correct the student or the file, and test again.",
    ),
    IssueCode(
        "DIS-RETIRED",
        "Discrepancy: matched by a retired SSID",
        "SSID {found} is a retired number of this student.",
        "Nothing to do if the state's merge is right.",
        ends="The scores are imported anyway.",
    ),
    IssueCode(
        "EXC-SSID",
        "Exception: not an SSID",
        "{field} is {found}; expected ten digits.",
        "A spreadsheet may have changed the number: download the file again and do not open it in a spreadsheet.",
    ),
    IssueCode(
        "EXC-RECORD-TYPE",
        "Exception: unknown record type",
        "{field} is {found}; expected {expected}.",
        "Check the import type; a record type of another year or program cannot be imported with this one.",
    ),
    IssueCode(
        "EXC-SCORE",
        "Exception: not a score",
        "{field} is {found}; expected {expected}.",
        "Correct the value, or download the file again.",
    ),
    IssueCode(
        "EXC-LEVEL",
        "Exception: unknown level",
        "{field} is {found}; expected {expected}.",
        "Correct the value, or download the file again.",
    ),
    IssueCode(
        "EXC-LEVELS",
        "Exception: a column that has more than levels",
        "In {count} lines {field} is not a level of the test; those lines are refused. The other lines may have levels only by"
        " chance; they are imported.",
        "Before the scores are used, check whether the column was exchanged, sorted or pasted. If so, revert the import and use"
        " the file as it was downloaded.",
    ),
    IssueCode(
        "EXC-CONDITION",
        "Exception: unknown condition code",
        "{field} is {found}; expected {expected}.",
        "Check the record with the state; the columns of the line may have moved.",
        ends="The score is imported with it anyway.",
    ),
    IssueCode(
        "EXC-GRADE",
        "Exception: unknown grade",
        "{field} is {found}; expected {expected}.",
        "Check the record with the state; the columns of the line may have moved.",
        ends="The score is imported without a grade.",
    ),
    IssueCode(
        "EXC-TEST-GRADE",
        "Exception: grade does not take this test",
        "{field} is {found}; {test} is given in grades {expected}.",
        "Check the record with the state; the grade or the test may be wrong.",
        ends="It is imported anyway; families see no level.",
    ),
    IssueCode(
        "EXC-PART-GRADE",
        "Exception: grade does not have this part of the test",
        "The line has {field}, and its grade is {found}; {part} is given in grades {expected}.",
        "Check the record with the state; the grade may be wrong, or columns of the line may have moved.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-RANGE",
        "Exception: score out of range",
        "{field} is {found}; scores of this test and grade run from {expected}.",
        "Check the record with the state; it may have been scored or keyed incorrectly.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-RAW",
        "Exception: raw score or percentage out of range",
        "{field} is {found}; the state's values run from {expected}.",
        "Download the file again: the column may have moved.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-LEVEL-RANGE",
        "Exception: level does not go with the score",
        "{field} is {found}; a scale score of {score} in this grade is level {expected}.",
        "Check the record with the state; the level may be of another test.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-OTHER-TEST",
        "Exception: columns of another test are filled",
        "{field} is {found} ({expected}), and the line has scores or levels in columns of other tests.",
        "Check the record type with the state; the columns of the line may have moved.",
        ends="It is imported as a score of {expected} anyway.",
    ),
    IssueCode(
        "EXC-MEASURE",
        "Exception: not a measure of this test",
        "{field} is {found}, which is not a measure of {expected}.",
        "Check the record with the state: scores of English and mathematics may be exchanged, or a column moved.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-CODE-TEST",
        "Exception: condition code of another test",
        "{field} is {found}, which records of {expected} never have.",
        "Check the record with the state; the column of condition codes may have moved.",
        ends="The score is imported with it anyway.",
    ),
    IssueCode(
        "EXC-CODE-SCORE",
        "Exception: score does not go with the condition code",
        "{field} is {found}, for which the state gives a scale score of {expected} in this grade; the file has {score}.",
        "Check the record with the state; the column of condition codes or of scores may have moved.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-NONE-EXEMPT",
        "Exception: exempt from a domain, and all domains scored",
        "{field} is {found} (exempt from one domain), but all domains have a score.",
        "Check the record with the state; the column of condition codes may have moved.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-HALF",
        "Exception: scale score or level is missing",
        "{field} is blank, and the {expected} is {found}; the state gives both or neither.",
        "Download the file again if the column was emptied or moved; otherwise check the record with the state.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-NO-SCORE",
        "Exception: a level that means no score, with a score",
        "{field} is {found}, which means that there is no score, but the scale score is {expected}.",
        "Check the record with the state; the column of levels or of scores may have moved.",
        ends="Both are imported.",
    ),
    IssueCode(
        "EXC-ERROR",
        "Exception: a standard error as large as a score, or zero",
        "{field} is {found}, and the scale score is {expected}.",
        "Download the file again: the column of standard errors or of scores may have moved.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-WHOLE",
        "Exception: not a whole number",
        "{field} is {found}; the state gives whole numbers.",
        "Download the file again: a spreadsheet may have recalculated the column.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-INCLUDE",
        "Exception: an include indicator that is not one of the state's",
        "In {count} lines (the first is line {first_line}) the include indicator is not Y, N, E, T or R. The scores are imported"
        " but do not count in any results.",
        "Check the column, and import the file again as it was downloaded.",
    ),
    IssueCode(
        "EXC-TESTED-ODD",
        "Exception: genders or statuses that the state does not have",
        "In {count} lines the gender or the ELAS at the time of the test is not one of the state's; the first is line {first}. It"
        " is not kept; the scores are imported without it.",
        "Use the file as it was downloaded: a column may have been moved or translated.",
    ),
    IssueCode(
        "EXC-TESTED-TVD",
        "Exception: TVD read as TBD",
        "In {count} lines the ELAS at the time of the test is TVD, a misprint of TBD; the first is line {first}. It was read as"
        " TBD.",
        "Nothing to do.",
    ),
    IssueCode(
        "EXC-UIN-BLANK",
        "Exception: lines without a UIN",
        "There is no {field} in {count} of the lines with a score; the first is line {first}. A record scored again cannot be"
        " recognized without it. The scores are imported.",
        "Nothing to do: a score is identified by its student, test and school year. If the column was cleared, download the file"
        " again.",
    ),
    IssueCode(
        "EXC-NOT-BESIDE",
        "Exception: columns beside the scores are missing",
        "The file has no column {columns}. The scores are imported without {what}; those on record keep theirs as long as the"
        " scale score is the same.",
        "To have these values as well, download the file again, with all its columns.",
    ),
    IssueCode(
        "EXC-UIN-SPOILED",
        "Exception: UINs damaged by a spreadsheet",
        "In {count} lines (the first is line {first}) a spreadsheet rounded the {field} or left a formula there. These UINs are"
        " not kept; the scores are imported.",
        "Use the file as it was downloaded: a spreadsheet may have changed other values, too.",
    ),
    IssueCode(
        "EXC-TESTED-CODE",
        "Exception: codes of schools that are not numbers",
        "In {count} lines the code of the district or school at the time of the test is not a number; the first is line {first}."
        " The code is not kept; the scores are imported without it.",
        "Use the file as it was downloaded: a spreadsheet rounds long codes.",
    ),
    IssueCode(
        "EXC-SCHOOL",
        "Exception: not in the chosen schools",
        "The student is at school {found}; the import was limited to {expected}.",
        "Choose more schools, or leave the line to someone else.",
    ),
    IssueCode(
        "EXC-OTHER-SITE",
        "Exception: file of the other reporting site",
        "The file has {found}: it is from the reporting site for educators, not from the state's test operations site.",
        "Download the student data file from the test operations site and upload that file.",
    ),
    IssueCode(
        "EXC-FILE-YEAR",
        "Exception: scores of another school year",
        "The import type is for {expected}, but the tests in this file were taken in {found} (test dates in that school year,"
        " July 1 to June 30: {other} of {dated}). Nothing was imported, and the scores of {expected} on record are unchanged."
        " Upload the file again with the import type of {found}.",
        "Choose the import type of the school year in which the tests were taken. If the list has none, an import admin adds"
        " that year first (Add a school year; command line: add_layout).",
    ),
    IssueCode(
        "EXC-YEAR",
        "Exception: test date in another school year",
        "{field} is {found}; the school year {expected} runs from {first} to {last}.",
        "Correct the date if it is wrong; otherwise import the record with the type of the year in which the test was taken.",
    ),
    IssueCode(
        "EXC-LATE",
        "Exception: test date after the school year",
        "{field} is {found}, after June 30; tests of {expected} ran until {last}.",
        "Nothing to do if the date is right; otherwise correct it.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-YEAR-TOLD",
        "Exception: no test date, other dates of another school year",
        "The record has no test date, and {column} is {found}; the school year {expected} runs from {first} to {last}.",
        "Add the test date if the record is of this school year; otherwise import it with the type of its own year.",
    ),
    IssueCode(
        "EXC-UNDATED",
        "Exception: no test date, and a dated score on record",
        "The record has no test date, but the score on record for {expected} has one. Nothing shows that this score is from the"
        " same school year, so it does not replace the one on record.",
        "Add the test date, or download the file again; a file whose date columns are blank may be from another year.",
    ),
    IssueCode(
        "EXC-NO-DATE",
        "Exception: nothing shows the school year",
        "The record has no test date and no other date that shows its school year.",
        "Make sure that the file is for {expected}. If not, choose the import type of its year.",
        ends="It is taken as one of {expected}, the year of the file's columns.",
    ),
    IssueCode(
        "EXC-DATE",
        "Exception: no test date",
        "No test date of the line can be read, so the school year of its scores is not certain.",
        "Correct the date in the file, or download the file again.",
    ),
    IssueCode(
        "EXC-FUTURE",
        "Exception: test date in the future",
        "{field} is {found}, a day in the future; expected {expected}.",
        "Correct the date, or download the file again.",
    ),
    IssueCode(
        "EXC-BEFORE-BIRTH",
        "Exception: tested before birth",
        "{field} is {found}; the student was born on {expected}.",
        "Find out which of the dates is wrong, correct the student or the file, and test again.",
    ),
    IssueCode(
        "EXC-EXCEL",
        "Exception: Excel workbook",
        "Excel files cannot be imported: the file is {found}; expected {expected}.",
        "Convert it first and check the result (on the command line: --option excel=convert), or download the text file.",
    ),
    IssueCode(
        "SKIP-UNSCORED",
        "Skipped: no score",
        "The record has no score ({found}).",
        "Nothing to do: students who were not tested have no score.",
        skips=True,
    ),
    IssueCode(
        "SKIP-CODED",
        "Skipped: a code for no score, with scores",
        "{field} is {found}, which means that there is no score, but the record has scores or levels. It is left out.",
        "Check the record with the state: the column of condition codes may have moved. If the score is right, remove the code"
        " and test again.",
        skips=True,
    ),
    IssueCode(
        "SKIP-OPTION",
        "Skipped: assessment not chosen",
        "Scores of {expected} are not imported, as chosen.",
        "Nothing to do, or choose the assessment and test again.",
        skips=True,
    ),
)
