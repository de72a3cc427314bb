"""Issue codes about lines that seem to be about someone else, and columns that were sorted, shifted, exchanged or filled down."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "STU-OTHER",
        "The number of someone else on record",
        "{found} is on record with a different last name, first name and birth date: the line is about someone "
        "else. The record is kept, unless the option confirms that the file is right.",
        "Check whether lines or columns of the file were sorted or shifted. If the number is wrong, correct it. If the record "
        "is wrong, change it on the student's page, or test again with “The file is right, the records are wrong” for the whole "
        "file.",
    ),
    IssueCode(
        "STU-DOUBT",
        "Possibly the number of someone else on record",
        "For {found}, two of last name, first name and birth date differ from the record.",
        "Check that the line is about that student, and correct its number if not.",
        ends="The values in the file are written.",
    ),
    IssueCode(
        "STU-MIXED",
        "Name and birth date of another student",
        "{found} would get the name and birth date of student {expected}, who is on record under that number. The record is "
        "kept, unless the option confirms that the file is right.",
        "Check whether lines or columns of the file were sorted or shifted, and correct the number. If the records are wrong, "
        "change them on the students' pages, or test again with “The file is right, the records are wrong” for the whole file.",
    ),
    IssueCode(
        "NAME-EXCHANGED",
        "Last and first name are swapped",
        "{field} is {found} and the first name {expected}; on record it is the other way around. The record is kept, unless the "
        "option confirms that the file is right.",
        "Check which column holds the last name. If the file is right, test it again with “The file is right, the records are "
        "wrong” for the whole file, or change the student's page.",
    ),
    IssueCode(
        "COLUMN-SORTED",
        "Most students would get a different name, birth date or gender",
        "{count} of {of} students on record would get a different {what}. Nothing was imported, so that no record is lost.",
        "Check whether the column was sorted separately, or contains something else. If the file is right and the records are "
        "wrong, test it again with the option that confirms it.",
    ),
    IssueCode(
        "SSID-SHIFTED",
        "Most SSIDs belong to other students",
        "In {count} of {of} lines that could show it, the SSID is on record for a student with a different birth date. Nothing "
        "was imported, so that no student gets another student's SSID.",
        "Check whether the column of SSIDs, or that of local numbers, was sorted or shifted separately. If not, correct these "
        "SSIDs on record, or leave their lines out.",
    ),
    IssueCode(
        "SSID-SERIES",
        "SSIDs that go up by one from line to line",
        "{count} of the {of} SSIDs that students would get are one more than the SSID in the line before (first in "
        "line {first}).",
        "A spreadsheet that fills a column down writes numbers like that: compare some with the state's file (SSID Download).",
    ),
    IssueCode(
        "SSID-SORTED",
        "A column of SSIDs that was sorted separately",
        "The {count} SSIDs that students would get are in order from line to line, and so are the {beside}: the column of"
        "SSIDs seems to have been sorted separately from the others.",
        "Compare some of them with the state's file (SSID Download) before you update: each student may get another "
        "student's SSID.",
    ),
    IssueCode(
        "SSID-NEXT",
        "SSIDs that go with the next line",
        "The {count} SSIDs that students would get go with the birth dates of the line {where} each, and not with those of their "
        "own: the column of SSIDs seems to have been shifted by a line.",
        "Compare some of them with the state's file (SSID Download) before you update: each student may get another "
        "student's SSID.",
    ),
    IssueCode(
        "SSID-COLUMN",
        "SSIDs made from another column",
        "In {count} of {of} lines (line {first} is the first) the SSID contains the value of another column: {what}. "
        "Nothing was imported.",
        "The state assigns SSIDs without such values. Put the SSIDs of the state's file (SSID Download) into the column, "
        "and test again.",
    ),
    IssueCode(
        "SSID-LIKE",
        "An SSID with another value in it",
        "In {count} of {of} lines (line {first} is the first) the SSID contains the value of another column: {what}.",
        "Compare these SSIDs with the state's file (SSID Download) before you update.",
    ),
    IssueCode(
        "SSID-ZEROS",
        "SSIDs that all begin or end with a zero",
        "The {count} SSIDs that students would get all {where} with a zero: a digit may be lost, or they may be rounded.",
        "Compare some of them with the state's file (SSID Download) before you update.",
    ),
    IssueCode(
        "SSID-LENGTH",
        "SSIDs with more or fewer digits than the others",
        "{count} SSIDs do not have {usual} digits like nearly all others in the file and on record; the first is in line {line}, "
        "with {digits} digits.",
        "Compare them with the state's answer before you update: a digit may be missing, or there may be one too many.",
    ),
    IssueCode(
        "SSID-GAP",
        "A line without an SSID in the state's file",
        "Line {line} has no SSID, though the state's file has one in every line: the SSIDs before or after it may be one "
        "line too high or too low.",
        "Compare some of them with the file as it was downloaded, before you update.",
    ),
    IssueCode(
        "NUMBER-LENGTH",
        "New students with longer or shorter local numbers",
        "The local numbers of {count} new students do not have {usual} characters like nearly all others in the file; the first "
        "is in line {line}, with {digits} characters.",
        "Check them before you update: a digit may be missing, or there may be one too many, and the student may be on "
        "record under the right number.",
    ),
    IssueCode(
        "NUMBER-LETTER",
        "Letters that look like digits in local numbers",
        "The local numbers of {count} new students have the letter O, I or l among digits (line {line} is the first).",
        "Check them before you update: the student may be on record under the number with the digit 0 or 1.",
    ),
    IssueCode(
        "BORN-ALIKE",
        "One day of the month for all birth dates",
        "All {count} new students were born on day {found} of a month.",
        "Check that the birth dates were not rounded, or filled in where they were missing.",
    ),
    IssueCode(
        "NUMBER-LIKE",
        "Local numbers with another value in them",
        "For {count} of {of} new students (line {first} is the first) the local number contains the value of another "
        "column: {what}.",
        "Check that the right column is under the heading of the local number. Nothing to do if the district makes its "
        "numbers like this.",
    ),
    IssueCode(
        "PLACES-MANY",
        "A new district or school for nearly every line",
        "The file would set up {count} {what} for {of} lines. Nothing was imported.",
        "Check whether a spreadsheet counted the codes up from line to line. If they are right, test the file again with the "
        "option that confirms it.",
    ),
    IssueCode(
        "SCHOOL-LEA",
        "A district in place of a school",
        "{field} is {found}, the code of a district on record. The line is not imported.",
        "Check that the columns of district and school are not swapped, and test again.",
    ),
    IssueCode(
        "COLUMN-OTHER",
        "A column that changed as a whole",
        "{count} of {of} students on record would get a different {what}{same}. The values in the file are written.",
        "Check that the column was not sorted separately, moved, or filled down from one line. Nothing to do if it is right.",
    ),
    IssueCode(
        "COLUMN-DAY",
        "One date for nearly all students",
        "Nearly all lines have the {what} {found}, but on record {count} of these {of} students have been enrolled there"
        "since a different day of that school year, or without an exit. The file's date is written.",
        "Check that the column was not filled down from one line. Nothing to do if it is right.",
    ),
    IssueCode(
        "COLUMN-SAME",
        "One value for nearly all students",
        "{count} of {of} lines bring the same {what}, {found}.",
        "Check that the column was not filled down from one line. Nothing to do if it is right.",
    ),
    IssueCode(
        "COLUMN-BORN",
        "One birth date for nearly all new students",
        "Nearly all new students of the file have the birth date {found}. It is written.",
        "Check that the column was not filled down from one line, or that the date is not a placeholder for an unknown one.",
    ),
    IssueCode(
        "FACT-CHANGED",
        "Birth date or gender differs from the record",
        "{field} is {found}; on record it is {expected}.",
        "Check which is right, for example from the birth certificate: the state uses it to find a student. If the record is "
        "right, correct the file and test again.",
        ends="The value in the file is written.",
    ),
    IssueCode(
        "EL-CHANGED",
        "English learner data that seldom changes",
        "{field} is {found}; on record it is {expected}.",
        "Check which is right: an English learner becomes RFEP, and the dates on which this was determined do not change. If the "
        "record is right, correct the file and test again.",
        ends="The value in the file is written.",
    ),
    IssueCode(
        "NAME-CHANGED",
        "Name differs from the record",
        "{field} is {found}; on record it is {expected}, with nothing in common.",
        "Nothing to do if the student was renamed. If the line is about someone else, such as a twin, or the column was filled "
        "down, correct the file and test again.",
        ends="The value in the file is written.",
    ),
    IssueCode(
        "GRADE-LOWER",
        "A grade below the one on record",
        "{field} is {found}; on record it is {expected}.",
        "Check that the list is not an older one. Nothing to do for a student who went back a grade.",
        ends="The file's grade is written.",
    ),
)
