"""The wording of findings from reading a file (codes FILE-…)."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    # The whole file
    IssueCode(
        "FILE-EMPTY",
        "Nothing in the file",
        "The file contains {found}; expected {expected}.",
        "Download the file from the state again and check that it has lines before you upload it.",
    ),
    IssueCode(
        "FILE-SIZE",
        "File too large",
        "The file is {found}; the limit here is {expected}.",
        "Check that it is the right file; an administrator can raise the limit in the settings.",
    ),
    IssueCode(
        "FILE-TYPE",
        "Not a text file",
        "The file is {found}; expected {expected}.",
        "Upload the file as it came from the state, unopened. From a spreadsheet, save it as CSV (UTF-8) first.",
    ),
    IssueCode(
        "FILE-OTHER-TYPE",
        "A file of another type",
        "The file looks like {found}; {expected} was chosen.",
        "Choose the import type that fits the file, or choose the right file.",
    ),
    IssueCode(
        "FILE-UNKNOWN",
        "Unknown file",
        "The file has {found}; expected {expected}.",
        "Choose the import type, so that the file is compared with its layout; keep the line with column names.",
    ),
    IssueCode(
        "FILE-OUTGOING",
        "A file that goes to the state",
        "The file is {found}. It goes to the state; no import type reads it.",
        "Send it to the state, and import the file of results that comes back.",
    ),
    IssueCode(
        "FILE-AMBIGUOUS",
        "File fits several layouts",
        "The file fits {found} equally well; expected {expected}.",
        "Upload the file with the column names as they came from the state.",
    ),
    IssueCode(
        "FILE-ZIP",
        "Archive cannot be opened",
        "The archive contains {found}; expected {expected}.",
        "Unpack the archive and upload the one file that contains the records.",
    ),
    IssueCode(
        "FILE-VIRUS",
        "The virus scanner found something",
        "The virus scanner refused the file: it found {found}. None of it was read or kept.",
        "Do not open the file. Tell your administrator where it came from, and download it again from the state.",
    ),
    IssueCode(
        "FILE-UNSCANNED",
        "The virus scanner did not answer",
        "The virus scanner did not say whether the file is clean, so it was not read.",
        "Try again in a few minutes. If it happens again, tell your administrator: the log shows why.",
    ),
    IssueCode(
        "FILE-WORKBOOK",
        "Workbook cannot be converted",
        "The workbook contains {found}; expected {expected}.",
        "Correct the workbook, or use text: download a state file again as text, or save your own list as CSV.",
    ),
    IssueCode(
        "FILE-SHEETS",
        "Workbook sheets that were not read",
        "Parts of the workbook were not read, or not to the end: {found}.",
        "Check whether these sheets contain students. If they do, give them the column names of the first sheet, or save them as"
        " separate files.",
    ),
    IssueCode(
        "FILE-ENCODING",
        "Text encoding",
        "The file contains {found}; expected {expected}.",
        "Check names with accents; to be sure, download the file again, or save it as UTF-8 text (in Excel: CSV UTF-8).",
    ),
    IssueCode(
        "FILE-NUL",
        "Zero bytes in the file",
        "Line {line} contains {found} (byte {byte} of the line); expected {expected}.",
        "The file was damaged in transit: download it again.",
    ),
    IssueCode(
        "FILE-LINE-LENGTH",
        "A line that does not end",
        "Line {line} is {found}; expected {expected}.",
        "The file has lost its line endings or is a different kind of file: download it again.",
    ),
    IssueCode(
        "FILE-DELIMITER",
        "Column separator",
        "The columns are separated by {found}; expected {expected}.",
        "Upload the file as it came from the state; the separator between columns is part of the layout.",
    ),
    IssueCode(
        "FILE-COLUMNS",
        "Wrong number of columns",
        "{what} has {found} {noun}; expected {expected}{hint}.",
        "Compare the line with its neighbors: a separator inside a name, or a missing one, shifts every value after it.",
    ),
    IssueCode(
        "FILE-MIXED",
        "Columns contain something else",
        "{found}; expected {expected}.",
        "Check that this is the right file and that its columns are in the original order. If files were joined one after"
        " another, import each one separately.",
    ),
    IssueCode(
        "FILE-NO-HEADER",
        "Column names missing",
        "The first line contains {found}; expected {expected}.",
        "Keep the first line with the column names, in their original spelling.",
    ),
    IssueCode(
        "FILE-COLUMN-MISSING",
        "A required column is missing",
        "Missing from the column names: {found}; expected {expected}.",
        "Add what is missing, or upload the file with all its columns.",
    ),
    IssueCode(
        "FILE-COLUMN-TWICE",
        "A column appears twice",
        "The column {found} appears more than once (columns {places}); expected {expected}.",
        "Remove the second column, or give it a different name.",
    ),
    # The whole file, which is still read
    IssueCode(
        "FILE-CUT",
        "The file seems to be cut off",
        "The last line (line {line}) ends too early, without the mark {expected} that ends every record.",
        "Download the file again: records after this line are missing.",
    ),
    IssueCode(
        "FILE-LAST-LINE",
        "The last line may be cut off",
        "The last line (line {line}) has no line end, and {found}: the file may have been cut off there.",
        "Compare the end of the file with its source, or download the file again: records after this line may be missing.",
    ),
    IssueCode(
        "FILE-END-COLUMN",
        "End of line markers missing",
        "No line has an end marker: the column {found}, which contains {expected} in every line, is missing. Lines that are "
        "cut off cannot be detected.",
        "Download the file again, or check that only this column was removed.",
    ),
    IssueCode(
        "FILE-COLUMN-UNKNOWN",
        "Columns not used",
        "Columns that are not part of this layout were left out: {found}.",
        "Nothing to do, unless a column name is misspelled.",
    ),
    IssueCode(
        "FILE-COLUMN-ABSENT",
        "Columns not in the file",
        "Columns of the layout that this file does not have: {found}. Their values stay as they are.",
        "Nothing to do, unless you expected them to be updated.",
    ),
    IssueCode(
        "FILE-HEADER",
        "Line with column names",
        "Line {line} contains column names and was skipped; expected {expected}.",
        "Nothing to do.",
    ),
    IssueCode(
        "FILE-TOTAL",
        "Lines that are totals",
        "Lines that are not records but totals were left out: {found}, the first is line {line} ({example}).",
        "Nothing to do.",
    ),
    IssueCode(
        "FILE-TOTAL-COUNT",
        "A total that differs from the records read",
        "Line {line} says that there are {found} records; the file has {expected}.",
        "Compare the file with its source, or download it again: if it has fewer records than its total says, lines are missing;"
        " if it has more, lines may be in it twice.",
    ),
    IssueCode(
        "FILE-HEADER-AGAIN",
        "Column names in the middle of the file",
        "Lines that repeat the column names were skipped: {found}, the first is line {line}. Several files seem to have been"
        " joined one after another; the records of all of them were read.",
        "Check that all of them should be imported, and that no newer list comes before an older one.",
    ),
    IssueCode(
        "FILE-HEADERLESS",
        "Column names missing, read by position",
        "The file has no line with column names; its {found} columns were read in the order of {expected}.",
        "Check that the file is for that year and that no columns were moved; it is better to keep the line with the column"
        " names.",
    ),
    IssueCode(
        "FILE-HEADING",
        "Lines above the records",
        "{found} above {expected} was skipped: it is neither a record nor a line of column names.",
        "Nothing to do, unless it is a student.",
    ),
    IssueCode("FILE-BOM", "Byte order mark", "The file starts with {found}, which was skipped.", "Nothing to do."),
    IssueCode(
        "FILE-NEWLINE",
        "Line endings",
        "The lines end with {found}; expected {expected}. They were read anyway.",
        "Nothing to do.",
    ),
    IssueCode(
        "FILE-BLANK-LINES",
        "Blank lines",
        "Blank lines skipped: {found}, the first is line {line}.",
        "Nothing to do: line numbers in this report still count them.",
    ),
    IssueCode(
        "FILE-TRAILING",
        "Blank columns at the end",
        "The lines end with separators for columns that have no name and no value; these were left out.",
        "Nothing to do.",
    ),
    IssueCode(
        "FILE-WRAPPED",
        "Lines in one cell",
        "Each line was a single cell, as a spreadsheet keeps lines that were pasted into one column; the columns inside were "
        "read.",
        "Nothing to do. A file that is not opened in a spreadsheet keeps its columns.",
    ),
    IssueCode(
        "FILE-SEPARATORS",
        "Two column separators",
        "The column names are separated by {found}, the records by {expected}; each was read by its own separator.",
        "Nothing to do if the values are in the right columns.",
    ),
    IssueCode(
        "FILE-MEMBER",
        "File taken from an archive",
        "The archive was opened and {found} was read.",
        "Nothing to do.",
    ),
    IssueCode(
        "FILE-MEMBERS-LEFT",
        "Other files in an archive",
        "The archive also contains {found}: not read.",
        "Nothing to do, unless one of them contains students too: upload that one separately.",
    ),
    # One record
    IssueCode(
        "FILE-LENGTH",
        "Value too long",
        "{field} has {length} characters; expected {expected}.",
        "Check the value; a missing separator joins two columns into one.",
    ),
    IssueCode(
        "FILE-DATE",
        "Date cannot be read",
        "{field} is {found}; expected {expected}.",
        "Correct the date in the file, or download the file again.",
    ),
    IssueCode(
        "FILE-DATE-FORM",
        "Dates in another format",
        "{field} is {found}, a date in the format {form}; it was read as {expected}.",
        "Check that day and month are right; a file that was not opened in a spreadsheet keeps the state's format.",
    ),
    IssueCode(
        "FILE-DATE-FORMS",
        "Many dates in another format",
        "{found} dates are in another format ({example}) and were read anyway; expected {expected}.",
        "Check that day and month are right; a file that was not opened in a spreadsheet keeps the state's format.",
    ),
    IssueCode(
        "FILE-DAY-NUMBER",
        "A date as a spreadsheet number",
        "{field} is {found}, a day number as spreadsheets count from 1900; it was read as {expected}.",
        "Check the date: in a workbook that counts from 1904, it is four years later. Format the column as dates before saving, "
        "to avoid such numbers.",
    ),
    IssueCode(
        "FILE-DAYS-1904",
        "Day numbers that count from 1904",
        "The {what} are day numbers that count from 1904, as some workbooks do: read from 1900 they would be four years too "
        "early, as {found} of {expected} dates on record show. Nothing was imported.",
        "Format the column as dates in the workbook, or write them as year-month-day, and test the file again.",
    ),
    IssueCode(
        "FILE-DATE-FUTURE",
        "Date after today",
        "{field} is {found}, which is after today; expected {expected}.",
        "Correct the date; the year may be mistyped.",
    ),
    IssueCode(
        "FILE-HIDDEN",
        "Hidden characters removed",
        "{field} contained {what} (removed); it was read as {found}.",
        "Check the value where the file was made; the characters cannot be seen there.",
    ),
    IssueCode(
        "FILE-DAMAGED",
        "Letters are damaged",
        "{field} is {found}: it contains {what}; expected {expected}.",
        "Open the file in a text editor. If the value is damaged there, correct it at its source, or export the file again as"
        " UTF-8: it may have been saved in the wrong encoding.",
    ),
    IssueCode(
        "FILE-REPAIRED",
        "Letters corrected",
        "{field} is {found}, read as {expected}.",
        "Nothing to do if the name is right; the program that wrote the file damages letters with accents.",
    ),
    IssueCode(
        "FILE-STRAY",
        "Stray signs around a name",
        "{field} is {found}, read as {expected}.",
        "Nothing to do if the name is right; correct it where the file was made.",
    ),
    IssueCode(
        "FILE-STRAYS",
        "Stray signs around many names",
        "{found} names had stray signs before or after them and were read without them; the first {expected} are listed one by "
        "one.",
        "Nothing to do if the names are right; the program that made the file leaves such signs.",
    ),
    IssueCode(
        "FILE-PLACEHOLDER",
        "Words that mean blank",
        "{found} values such as NULL or N/A were read as blank ({example}).",
        "Nothing to do, unless such a word is a real value.",
    ),
    IssueCode(
        "FILE-LOST",
        "Errors of a spreadsheet in place of values",
        "{found} values are errors of a spreadsheet such as #REF! and were read as blank ({example}).",
        "Export the file again: a spreadsheet could not compute these values, and they are lost in it.",
    ),
    IssueCode(
        "FILE-MARKS",
        "Marks and grouping removed from numbers",
        "{found} numbers had marks around them that keep a spreadsheet from changing them, or were written in groups; they were "
        "read without these ({example}).",
        "Nothing to do.",
    ),
    IssueCode(
        "FILE-FORMULA",
        "A formula in place of a value",
        "{field} is a formula in the workbook (cell {found}); its result is not read.",
        "Paste the column in the workbook as values only, then upload it again.",
    ),
    IssueCode(
        "FILE-ROUNDED",
        "A number that a spreadsheet rounded",
        "{field} is {found} in the workbook (cell {expected}), not the whole number: a spreadsheet rounded or shortened it.",
        "Correct the cell from the program that the number comes from, then upload the workbook again.",
    ),
    IssueCode(
        "FILE-DIGITS",
        "Not a number",
        "{field} is {found}; expected {expected}.",
        "Correct the value; a spreadsheet may have changed it.",
    ),
    IssueCode(
        "FILE-CODE",
        "Unknown code",
        "{field} is {found}; expected {expected}.",
        "Correct the code in the file; the reference lists the known codes.",
    ),
    IssueCode(
        "FILE-CODE-SPELLING",
        "Codes written another way",
        "{found} codes were written as other systems write them and were read ({example}).",
        "Nothing to do if that is what they mean; otherwise use the codes of the layout.",
    ),
    IssueCode(
        "FILE-REQUIRED",
        "Value missing",
        "{field} is {found}; expected {expected}.",
        "Fill in the value, or leave the line out.",
    ),
    IssueCode(
        "FILE-QUOTE",
        "Quotation mark not closed",
        "A quotation mark in {found} has no closing mark in this line{hint}; expected {expected}.",
        "Remove the quotation mark from the file, or close it, and test the file again.",
    ),
    IssueCode(
        "FILE-LINE-WIDTH",
        "Line of the wrong width",
        "The line has {found} characters; expected {expected}.",
        "The line may be cut off: download the file again.",
    ),
    IssueCode(
        "FILE-END-MARKER",
        "End of line marker missing",
        "The line ends with {found}; expected {expected}.",
        "The line may be cut off: download the file again.",
    ),
)
