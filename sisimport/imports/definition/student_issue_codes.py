"""Issue codes about student records, shared by every import type that matches students or writes SSIDs."""

from sisimport.files.issues import IssueCode, codes

SSID_CAUSES = {
    "blank": "The SSID is missing.",
    "local": "This is the student's own local number, not an SSID.",
    "spreadsheet": "A spreadsheet turned the number into a rounded one; its digits are lost.",
    "short": "It is too short: a leading zero was lost in a spreadsheet, a digit is missing, or it is a local number.",
    "long": "It is too long.",
    "characters": "It contains characters that are not digits.",
}

codes.register(
    IssueCode(
        "STU-NOTFOUND",
        "No student with this local number",
        "No student has the local number {found}.{near_text}",
        "Look the number up in the student list; a student enrolled after your last roster may be missing.",
    ),
    IssueCode(
        "STU-AMBIGUOUS",
        "Several students have this local number",
        "The local number {found} belongs to students of several districts: {candidates}.",
        "Correct the Reporting LEA in the file so that it shows which district the student belongs to.",
    ),
    IssueCode(
        "NUMBER-READ",
        "A local number without its marks or zeros",
        "The local number {found} was read as {expected}.",
        "Nothing to do if that is the student; otherwise correct the number in the file.",
    ),
    IssueCode(
        "NUMBER-NEAR",
        "Almost the number of a student on record",
        "{found} would be a new student, but {expected} is on record, {difference}.",
        "If they are the same person, accept the match on the match desk, or correct the number in the file. If not, refuse it "
        "there, or test again with “Are new students” for the whole file.",
    ),
    IssueCode(
        "NUMBER-LOST",
        "A spreadsheet damaged the number",
        "{found} would be a new student's number, but a spreadsheet rounded it, turned it into a date or left a formula: "
        "digits are lost.",
        "Take the number from the program the file came from, and upload that file unopened.",
    ),
    IssueCode(
        "CODE-ZEROS",
        "Codes that lost their zeros",
        "{field} codes were read with their leading zeros: {found} ({lines} lines).",
        "Nothing to do. A file that is not opened in a spreadsheet keeps its zeros.",
    ),
    IssueCode(
        "LEA-CHARTER",
        "A charter school that reports under its own code",
        "{field} {found} is the code of a school of district {expected}: a charter school that reports under its own code. Its "
        "{lines} lines were read as lines of that district.",
        "Nothing to do if the school is under that district here. A charter that is a district of its own has to be set up "
        "as one first.",
    ),
    IssueCode(
        "CODE-SHORT",
        "A code that is too short",
        "{field} {found} is not a code on record, and a code of the state has seven digits.",
        "Write the code with all its digits, leading zeros too. A district outside California has to be set up before its "
        "files are read.",
    ),
    IssueCode(
        "CODE-NONE",
        "Zeros in place of a code",
        "{field} is {found}: zeros alone mean that the code is not known.",
        "Write the code of the district or school, and test again.",
    ),
    IssueCode(
        "DEMO-MISMATCH",
        "The file and the student record differ",
        "{field} in the file is {found}; on record it is {expected}.{hint_text}",
        "Find out which is right, correct the student or the file, and test again.",
        screen=(
            "{warning}Campus {field} ('{expected}') DOES NOT match {field} ('{found}') on ISSID Import File for localStudentID "
            "('{local_number}').{hint_text}"
        ),
    ),
    IssueCode(
        "DEMO-NEAR",
        "Nearly the same name",
        "{field} in the file is {found}; on record it is {expected}: they differ only by {difference}.",
        "Correct the spelling on one side, or accept the match.",
        screen=(
            "{warning}Campus {field} ('{expected}') DOES NOT match {field} ('{found}') on ISSID Import File for localStudentID "
            "('{local_number}')."
        ),
    ),
    IssueCode(
        "SSID-FORMAT",
        "Not an SSID",
        "{found} is not a valid SSID: {expected} are expected. {cause_text}",
        "Download the file again and upload it without opening it in a spreadsheet.",
    ),
    IssueCode(
        "SSID-TAKEN",
        "The SSID belongs to another student",
        "SSID {found} already belongs to another student{other_text}.",
        "Compare the two students: one may be a duplicate record, or the state merged two SSIDs.",
    ),
    IssueCode(
        "SSID-PRESENT",
        "The student has this SSID already",
        "The student already has SSID {found}.",
        "Nothing to do.",
        screen="StateID being imported already exists for localStudentID ({local_number}).",
    ),
    IssueCode(
        "SSID-CONFLICT",
        "The student already has a different SSID",
        "SSID {found} cannot replace the current SSID {expected}.",
        "An import never overwrites an SSID. Check with the state which is right; staff can correct it by hand.",
        screen="StateID ({found}) being imported cannot overwrite current stateID ({expected}).",
    ),
    IssueCode(
        "SSID-FORMER",
        "A former SSID of this student",
        "SSID {found} is a former number of this student: it was retired.{current_text}",
        "If the file is old, get a newer one; there is nothing else to do. If the state says that the former number is valid "
        "again, staff can assign it to the student by hand.",
    ),
    IssueCode(
        "SSID-RETIRED",
        "The student's SSID was retired by the state",
        "The state replaced the student's SSID {expected} by {found}.",
        "Mark “Replace retired SSIDs” and test again to use the new number.",
        screen="StateID ({found}) being imported cannot overwrite current stateID ({expected}).",
    ),
    IssueCode(
        "SSID-REPLACED",
        "A retired SSID is replaced",
        "SSID {found} replaces {expected}, which the state retired.",
        "Nothing to do if the state's merge is right.",
        ends="The old number is kept in the history.",
    ),
    IssueCode(
        "DUP-SAME",
        "The same line twice",
        "{field} {found} is already in line {first_line}, with the same data.",
        "Nothing to do: the first line is used.",
    ),
    IssueCode(
        "DUP-DIFFERS",
        "Two lines contradict each other",
        "{field} {found} is in several lines with different data, first in line {first_line}.",
        "Keep the right line and remove the others, then test again.",
    ),
    IssueCode(
        "ENR-LEA",
        "Unknown district",
        "{field} {found} is not one of your districts.",
        "Check that the file is from your district.",
    ),
    IssueCode(
        "ENR-SCHOOL",
        "Unknown school",
        "{field} {found} is not one of your schools.",
        "Add the school, or check the school code in the file.",
    ),
    IssueCode(
        "ENR-OTHER",
        "Not enrolled in that school",
        "The student is not enrolled in school {found}.",
        "Check the student's enrollment; the record is still imported.",
    ),
    IssueCode(
        "ELA-CODE",
        "Unknown English learner code",
        "{found} is not an English learner status: EO, IFEP, EL, RFEP or TBD is expected.",
        "Correct the code; the SSID of the line is still imported.",
    ),
    IssueCode(
        "FILE-LEA",
        "The file is another district's",
        "The file is from district {found}, which is neither a district on record nor a charter school of one; known here: "
        "{expected}.",
        "Download the file of your own district. If the code is that of a charter school that reports independently, add the "
        "school first; if it is a district that should be here, add it.",
    ),
    IssueCode(
        "STU-SCOPE",
        "Not one of your schools",
        "{found} is not a student of your schools, or the school in the line is not yours.",
        "Ask someone who works for all schools to import this line.",
    ),
    IssueCode(
        "STU-ALIKE",
        "Possibly a student already on record",
        "{found} would be a new student, but student {expected} has the same name and birth date and is not in the file.",
        "If they are the same person, accept the match on the match desk: the line then updates that student. If not, refuse it "
        "there, or test again with “Are new students” for the whole file.",
    ),
    IssueCode(
        "NAME-WORD",
        "A word in place of a name",
        "{field} is {found}, which programs write where there is no value. It never replaces a name on record; where "
        "the record has none, it is used as the name.",
        "Nothing to do if that is a new student's name. If not, write the name, or leave the line out, and test again. A student "
        "on record who now has this name is renamed on the student's page.",
    ),
    IssueCode(
        "NUMBER-ODD",
        "A number with spaces, signs or only zeros",
        "{found} would be a new student's number: such numbers seldom contain spaces, signs or decimals, and are seldom "
        "zeros alone or a word.",
        "Compare it with the program the file came from; if it has another form there, correct the file and test again.",
        ends="It is used as it is.",
    ),
    IssueCode(
        "NAME-SUFFIX",
        "A suffix within a name",
        "{field} is {found}: it ends with a suffix, which has a column of its own. It is used as the name.",
        "Move the suffix to its column and test again, or leave it, if it is part of the name.",
    ),
    IssueCode(
        "NAME-INITIAL",
        "An initial in place of a name",
        "{field} is {found}, on record {expected}: the file has only its first letter. It is used as the name.",
        "Write the whole name in the file and test again, unless the student's name is one letter.",
    ),
    IssueCode(
        "NAME-PART",
        "A name that was cut off or doubled",
        "{field} is {found}; on record it is {expected}, which the file has in part, or twice. It is used as the name.",
        "Write the whole name in the file and test again, unless the student uses the shorter one.",
    ),
    IssueCode(
        "NAME-MOVED",
        "A name in other columns than on record",
        "{field} is {found}; on record it is {expected}. The file has the same words as the record, but in other columns.",
        "Check which part belongs in which column: a second surname is part of the last name. If the record is right, correct "
        "the file and test again.",
        ends="The value in the file is written.",
    ),
    IssueCode(
        "NAME-ODD",
        "A name with signs that names seldom have",
        "{field} is {found}: names seldom have such signs, digits or capitals; it is used as the name.",
        "Compare it with the student's papers: a program may have damaged it. If so, enter the name in the file and test again.",
    ),
    IssueCode(
        "LANG-CODE",
        "Unknown language",
        "{field} is {found}, which is not a language code; expected three letters, such as spa, or the state's two digits.",
        "Write the code of the language, or leave it blank, and test again.",
    ),
    IssueCode(
        "LANG-ODD",
        "A language that is not on the state's list",
        "{field} is {found}, a code that is not on the state's list of languages. It is used as it is.",
        "Nothing to do if it is the right code; otherwise correct it and test again.",
    ),
    IssueCode(
        "VALUE-ODD",
        "An unusual value",
        "{field} is {found}, which is not one of the usual values. It is used as it is.",
        "Nothing to do if it is right; otherwise correct it and test again.",
    ),
    IssueCode(
        "VALUE-NONE",
        "Not a valid code",
        "{field} is {found}, which does not have the form of such a code: two letters for a country, such as US, and US-CA for a "
        "state.",
        "Correct the code, or leave it blank, and test again.",
    ),
    IssueCode(
        "STU-AGE",
        "Unusual age",
        "{field} is {found}, which gives an age of {years}; the usual age is {expected}.",
        "Check birth date and grade; the century or the year may be mistyped.",
    ),
    IssueCode(
        "BIRTH-SWAPPED",
        "Birth date with day and month swapped",
        "{field} is {found}; on record it is {expected}, the same date with day and month swapped.",
        "Find out which is right, for example from the birth certificate. If the record is right, correct the date in "
        "the file and test again.",
        ends="The file's date is written.",
    ),
    IssueCode(
        "BIRTH-ORDER",
        "Day and month swapped in most birth dates",
        "In {swapped} of {of} lines that could show it, day and month of the birth date are swapped compared with the "
        "records (the first is line {line}: {found}, on record {expected}). Nothing was imported, so that no birth date is lost.",
        "Write the dates as year-month-day (2014-03-09) and test the file again. If the records are wrong and the file is right,"
        " test it with the option that confirms it.",
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
        "{found} is a misprint of TBD and was read as TBD.",
        "Nothing to do.",
    ),
    IssueCode(
        "ELA-BIRTH",
        "English learner date before birth",
        "{field} is {found}, before the student was born ({expected}); English learner data is not changed.",
        "Correct the date in the file, or the birth date of the student, and test again.",
    ),
    IssueCode(
        "ELA-BORN",
        "English learner date on the day of birth",
        "{field} is {found}, the day on which the student was born.",
        "Check the date; its column may contain the birth dates. If it is wrong, correct it and test again.",
    ),
    IssueCode(
        "ELA-EXIT",
        "Exit before the identification",
        "{field} is {found}, before the student was identified ({expected}); English learner data is not changed.",
        "Correct the dates in the file, and test again.",
    ),
    IssueCode(
        "ELA-OLDER",
        "A status older than the one on record",
        "{status} starts on {found}, but {record_status} is on record since {expected} (SELA0285).{effect_text}",
        "Check which status is current. If it is the one on record, test again with “Never write it” for older statuses, or "
        "get a newer file from the state.",
    ),
    IssueCode(
        "ENR-BIRTH",
        "Enrollment before birth, or on that day",
        "{field} is {found}, and the birth date is {expected}.",
        "Correct the date or the birth date; the column of one may contain the other.",
    ),
    IssueCode(
        "ENR-FUTURE",
        "Enrollment too far ahead",
        "{field} is {found}, after the end of the next school year ({expected}).",
        "Correct the date; the year may be mistyped.",
    ),
    IssueCode(
        "ENR-DATES",
        "Enrollment ends before it starts",
        "The exit date {found} is before the start date {expected}.",
        "Correct one of the two dates.",
    ),
    IssueCode(
        "ENR-WHICH",
        "Several enrollments at the school",
        "The line has no start date, and the student has several enrollments at this school: its grade and exit date "
        "are written to none of them.",
        "Add the enrollment start date to the line.",
    ),
    IssueCode(
        "ENR-OVERLAP",
        "A second enrollment at the same school",
        "{field} is {found}, but the student has been enrolled at this school since {expected}, without an exit.",
        "Check the start date: it may be mistyped, or its column was sorted or shifted. If the student left and came back, enter "
        "the exit date of the first enrollment.",
        ends="A second enrollment is added.",
    ),
    IssueCode(
        "NEW-LEA",
        "A new district",
        "The district {found} is not known yet.",
        "Check the code: a mistyped one makes a district that does not exist.",
        ends="It will be created.",
    ),
    IssueCode(
        "NEW-SCHOOL",
        "A new school",
        "The school {found} is not known yet.",
        "Check the code: a mistyped one, or one that lost its leading zero, makes a school that does not exist.",
        ends="It will be created.",
    ),
    IssueCode(
        "NAME-KEPT",
        "A poorer spelling of the name on record",
        "{field} in the file is {found}; on record it is {expected}, the same name with more of its accents, signs or lowercase "
        "letters, without signs around it, or with a plain apostrophe. The record is kept.",
        "Nothing to do if the record is right. If the file is right, test again with the option that writes names as "
        "the file has them, or change the student's name.",
    ),
    IssueCode(
        "NAMES-KEPT",
        "Poorer spellings of names on record",
        "{found} names in {lines} lines are those on record with fewer accents, signs or lowercase letters: the "
        "records are kept. The first lines are listed one by one.",
        "Nothing to do if the records are right; a program that writes names as they are, with accents and lowercase letters, "
        "avoids the question.",
    ),
    IssueCode(
        "EL-NO-STATUS",
        "English learner dates without a status",
        "The line has English learner dates, but no Program Status, and the student has no EL record: the dates are left out.",
        "Add the Program Status.",
    ),
    IssueCode(
        "CHANGED-SINCE-TEST",
        "Changed since Test",
        "The records changed in the meantime, so this was set aside and not written: {kinds}.{why_text}",
        "Test the file again to see how it compares now, then Update. After a revert: what was written later is kept; once "
        "that is undone, the revert can be tried again.",
    ),
    IssueCode(
        "MATCH-ACCEPTED",
        "Match accepted on this run",
        "The number in the file is {found}; someone accepted it as the student with local number {expected}.",
        "Nothing to do. It can be taken back on the match desk.",
    ),
    IssueCode(
        "MATCH-REMEMBERED",
        "Match accepted earlier",
        "The number in the file is {found}; these values were accepted before as the student with local number {expected}.",
        "Nothing to do. It can be taken back on the match desk.",
    ),
    IssueCode(
        "MATCH-OUTDATED",
        "An accepted match is not used",
        "The match accepted before for number {found} is not used: the student's record has changed since.",
        "Compare the line with the student and accept it again if it is right.",
    ),
)
