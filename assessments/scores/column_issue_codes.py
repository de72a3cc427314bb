"""Issue codes of columns of score files that are wrong as a whole: sorted, shifted, exchanged, filled down, of another year."""

from sisimport.files.issues import IssueCode, codes

codes.register(
    IssueCode(
        "EXC-APART",
        "Exception: columns that do not go together",
        "In the state's files, a level rises with its score, a part with the whole test, and the grade with the age. In this"
        " file, these columns do not: {columns}. They are imported anyway.",
        "Before the scores are used, check whether a column was sorted, shifted or exchanged separately from the others. If "
        "so, revert the import and use the file as it was downloaded.",
    ),
    IssueCode(
        "EXC-LEVEL-ORDER",
        "Exception: levels that do not rise with the scale score",
        "In {count} lines of {test}, the level does not go with the scale score as in the other lines of their grade. The first"
        " is line {first}: level {level} with a scale score of {score}.",
        "Check these records with the state: within a grade, a higher level always has higher scores.",
        ends="They are imported anyway.",
    ),
    IssueCode(
        "EXC-FILLED",
        "Exception: columns with one value in every line",
        "Every line, or a long run of lines, has the same value in these columns, although the students differ: {columns}. In the"
        " state's files, so many students never share one value there. It is imported anyway.",
        "Before the scores are used, check whether a cell was filled down. If so, revert the import and use the file as it was"
        " downloaded.",
    ),
    IssueCode(
        "EXC-CROSSED",
        "Exception: levels with swapped headings",
        "The levels in these columns go with each other's scores rather than with their own: {columns}. They are imported"
        " anyway.",
        "Before the scores are used, compare the headings with a file that was downloaded. If they were exchanged, revert the"
        " import and use the file as it was downloaded.",
    ),
    IssueCode(
        "EXC-COLUMN-OTHER",
        "Exception: much of a column differs from the record",
        "Many scores on record would get other values in these columns: {columns}. The values in the file are written.",
        "Check some of the changes. If the state sent new results, there is nothing to do; if a column was sorted, shifted or"
        " pasted, use the file as it was downloaded.",
    ),
    IssueCode(
        "EXC-EXCHANGED",
        "Exception: two columns are exchanged on record",
        "In nearly all scores that would change, each of these columns has the value that the other has on record: {columns}."
        " The values in the file are written.",
        "Compare the headings with a file that was downloaded. If the columns were exchanged in this file, revert the import and"
        " use the file as it was downloaded; if they were exchanged in the earlier file, there is nothing to do.",
    ),
    IssueCode(
        "EXC-CODE-MANY",
        "Exception: a rare condition code on many lines",
        "{count} of {of} scored lines of {test} have the condition code {found}, which the state gives to few students. They are "
        "imported with it.",
        "Check whether the column of condition codes was filled down or pasted; if so, revert the import and use the file as it"
        " was downloaded.",
    ),
    IssueCode(
        "EXC-CODE-LOWEST",
        "Exception: a condition code for the lowest score beside higher ones",
        "The condition code {found} goes with the lowest score of a grade. {count} lines of {test} (the first is line {first})"
        " have it with a higher score than other lines of their grade. They are imported with it.",
        "Check whether the column of condition codes was filled down or pasted; if so, revert the import and use the file as it"
        " was downloaded.",
    ),
    IssueCode(
        "EXC-SORTED",
        "Exception: most scores do not go with their levels",
        "{count} of {of} scale scores do not go with the level or the grade of their line; in the state's file all do.",
        "Before the scores are used, check whether a column of the file was sorted, shifted or exchanged separately from the "
        "others. If so, revert the import and use the file as it was downloaded.",
    ),
    IssueCode(
        "EXC-FILE-SORTED",
        "Exception: scores that do not go with their levels would replace others",
        "{count} of {of} scale scores do not go with the level or the grade of their line, and they would replace scores on "
        "record. Nothing was imported.",
        "Download the file again: a column was sorted, shifted or exchanged separately from the others. If the file is right, "
        "first revert the import of the scores on record.",
    ),
    IssueCode(
        "EXC-PARTS-FAR",
        "Exception: levels of parts far from that of the whole test",
        "In these columns, several students are at the lowest level and have the highest in the whole test, or the reverse, or no"
        " student has the lowest or highest level who has it in the whole test: {columns}.",
        "Before the scores are used, check whether levels were replaced or moved in a part of the file. If so, revert the import"
        " and use the file as it was downloaded.",
        ends="They are imported anyway.",
    ),
    IssueCode(
        "EXC-ROUNDED",
        "Exception: rounded scores",
        "Every value in these columns is a multiple of ten: {columns}. The state's scores are not rounded.",
        "Revert the import if it was done, and use the file as it was downloaded: a spreadsheet may have rounded the columns.",
        ends="They are imported anyway.",
    ),
    IssueCode(
        "EXC-ORDER",
        "Exception: scores that do not rise together",
        "In several lines of a grade, the values in these columns fall where the scale score or the level rises: {columns}.",
        "Before the scores are used, check whether a part of the column was sorted, shifted or exchanged. If so, revert the"
        " import and use the file as it was downloaded.",
        ends="They are imported anyway.",
    ),
    IssueCode(
        "EXC-GRADE-BLANK",
        "Exception: scores without a grade tested",
        "In {count} scored lines there is no grade tested; the first is line {first}. The scores are imported without a grade,"
        " and results by grade do not count them; the grade of a score on record stays.",
        "Download the file again: the state gives the grade of every score, so the column may have been cleared.",
    ),
    IssueCode(
        "EXC-GRADES",
        "Exception: grades of another year in the column of the grade tested",
        "In many of {count} scored lines the grade tested is {way} the one in which the students were tested: {why}.",
        "Before the scores are used, check whether this column has the grade enrolled, or that of another year. If so, revert the"
        " import and use the file as it was downloaded.",
        ends="It is imported anyway.",
    ),
    IssueCode(
        "EXC-FILE-GRADES",
        "Exception: grades of another year would replace those on record",
        "In many of {count} scored lines the grade tested is {way} the one in which the students were tested: {why}. Scores on"
        " record would get these grades. Nothing was imported.",
        "Download the file again: the column of the grade tested has the grade enrolled, or that of another year. If the file"
        " is right, first revert the import of the scores on record.",
    ),
)
