"""What can be said of a record or a file: severities, the register of issue codes, and the text they are shown as.

An issue travels as a code and parameters; `render` makes the sentence once, where it is shown. The codes of the reader
itself (FILE-…) are registered here, each domain registers its own.
"""

import enum
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any


class Severity(enum.IntEnum):
    """An error keeps a record (or the whole file) out; a warning and a notice do not."""

    NOTICE = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class IssueCode:
    """One kind of finding.

    `title` is the cause as a group heading, `message` a `str.format` template over field (its label), found, expected
    and the parameters, `fix` says in one sentence what to do. `skips`: the record counts as skipped, not as refused.
    """

    code: str
    title: str
    message: str
    fix: str
    skips: bool = False


class IssueCodes:
    """The register of issue codes."""

    def __init__(self) -> None:
        self._codes: dict[str, IssueCode] = {}

    def register(self, *new: IssueCode) -> None:
        """Raises ValueError for a code that is already taken, or listed twice."""
        for code in new:
            if code.code in self._codes:
                raise ValueError(f"issue code {code.code} is registered twice")
            self._codes[code.code] = code

    def get(self, code: str) -> IssueCode:
        """Raises KeyError for an unknown code."""
        return self._codes[code]

    def all(self) -> list[IssueCode]:
        return sorted(self._codes.values(), key=lambda known: known.code)

    def __contains__(self, code: object) -> bool:
        return code in self._codes

    def __iter__(self) -> Iterator[IssueCode]:
        return iter(self.all())


@dataclass(frozen=True, slots=True)
class Problem:
    """An issue before it has a place: what the reader says of one record, or of the file.

    `field` is the layout's field key (None: the whole line or file), `found` and `expected` are text for people.
    """

    code: str
    severity: Severity
    field: str | None = None
    found: str = ""
    expected: str = ""
    params: Mapping[str, Any] = dataclass_field(default_factory=dict)

    def __str__(self) -> str:
        return render(self.code, field=self.field, found=self.found, expected=self.expected, params=self.params)


class FileError(Exception):
    """The whole file is refused, and why: `str(error)` is the sentence shown to the user."""

    def __init__(
        self,
        code: str,
        *,
        field: str | None = None,
        found: str = "",
        expected: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.code, self.field, self.found, self.expected = code, field, found, expected
        self.params: dict[str, Any] = dict(params or {})
        super().__init__(code, field, found, expected)

    def __str__(self) -> str:
        return render(self.code, field=self.field, found=self.found, expected=self.expected, params=self.params)

    @property
    def fix(self) -> str:
        return codes.get(self.code).fix if self.code in codes else ""


class _Parameters(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def render(
    code: str | IssueCode,
    *,
    field: str | None = None,
    found: str | None = None,
    expected: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> str:
    """The sentence for an issue; `field` is the label to show.

    Never raises: a stored issue outlives the wording it was made for, so a missing parameter is left out and a code
    that is no longer known shows its values.
    """
    known = code if isinstance(code, IssueCode) else codes.get(code) if code in codes else None
    values = _Parameters(params or {})
    values.update(field=field or "the value", found=found or "blank", expected=expected or "blank")
    template = known.message if known else "{field}: {found}; expected {expected}."
    try:
        text = string.Formatter().vformat(template, (), values)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        text = f"{values['field']}: {values['found']}; expected {values['expected']}."
    return text[:1].upper() + text[1:]


codes = IssueCodes()

codes.register(
    # The whole file
    IssueCode(
        "FILE-EMPTY",
        "Nothing in the file",
        "The file holds {found}; expected {expected}.",
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
        "Choose the import type that fits the file, or choose the other file.",
    ),
    IssueCode(
        "FILE-UNKNOWN",
        "Unknown file",
        "The file has {found}; expected {expected}.",
        "Choose the import type, so that the file is compared with its layout; keep the line with column names.",
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
        "The archive holds {found}; expected {expected}.",
        "Unpack the archive and upload the one text file that holds the records.",
    ),
    IssueCode(
        "FILE-WORKBOOK",
        "Workbook cannot be converted",
        "The workbook holds {found}; expected {expected}.",
        "Download the text file from the state instead; a spreadsheet changes numbers and dates.",
    ),
    IssueCode(
        "FILE-ENCODING",
        "Text encoding",
        "The file holds {found}; expected {expected}.",
        "Names with accents may look wrong: download the file again, or save it as UTF-8 text.",
    ),
    IssueCode(
        "FILE-NUL",
        "Zero bytes in the file",
        "Line {line} holds {found} (byte {byte} of the line); expected {expected}.",
        "The file was damaged on its way: download it again.",
    ),
    IssueCode(
        "FILE-LINE-LENGTH",
        "A line without end",
        "Line {line} is {found}; expected {expected}.",
        "The file has lost its line ends or is of another kind: download it again.",
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
        "Compare the line with its neighbours: a separator inside a name, or a missing one, moves all that follows.",
    ),
    IssueCode(
        "FILE-MIXED",
        "Columns hold something else",
        "{found}; expected {expected}.",
        "Check that this is the right file and that its columns are in the original order.",
    ),
    IssueCode(
        "FILE-NO-HEADER",
        "Column names missing",
        "The first line holds {found}; expected {expected}.",
        "Keep the first line with the column names, spelled as they came.",
    ),
    IssueCode(
        "FILE-COLUMN-MISSING",
        "A needed column is missing",
        "The column {found} is missing; expected {expected}.",
        "Add the column, or upload the file with all its columns.",
    ),
    IssueCode(
        "FILE-COLUMN-TWICE",
        "A column comes twice",
        "The column {found} comes more than once; expected {expected}.",
        "Remove the second column, or give it its own name.",
    ),
    # The whole file, read all the same
    IssueCode(
        "FILE-CUT",
        "The file seems to be cut off",
        "The last line (line {line}) ends too early, without the mark {expected} that ends every record.",
        "Download the file again: records after this line are missing.",
    ),
    IssueCode(
        "FILE-END-COLUMN",
        "End of line markers missing",
        "No line has an end marker: the column {found}, which holds {expected} in every line, is missing. Lines that are "
        "cut off cannot be told.",
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
        "Line {line} holds column names and was skipped; expected {expected}.",
        "Nothing to do.",
    ),
    IssueCode("FILE-BOM", "Byte order mark", "The file starts with {found}, which was skipped.", "Nothing to do."),
    IssueCode(
        "FILE-NEWLINE",
        "Line ends",
        "The lines end with {found}; expected {expected}. They were read all the same.",
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
        "Separator at the end of lines",
        "The lines end with one separator too many, which was left out.",
        "Nothing to do.",
    ),
    IssueCode(
        "FILE-MEMBER",
        "File taken from an archive",
        "The archive was opened and {found} was read.",
        "Nothing to do.",
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
        "Dates in another form",
        "{field} is {found}, read as {expected}.",
        "Check that day and month are as meant; a file that was not opened in a spreadsheet keeps the state's form.",
    ),
    IssueCode(
        "FILE-DATE-FORMS",
        "Many dates in another form",
        "{found} dates are in another form ({example}) and were read all the same; expected {expected}.",
        "Check that day and month are as meant; a file that was not opened in a spreadsheet keeps the state's form.",
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
        "Correct the code in the file; the reference lists the codes that are known.",
    ),
    IssueCode(
        "FILE-REQUIRED",
        "Value missing",
        "{field} is blank; expected {expected}.",
        "Fill in the value, or leave the line out.",
    ),
    IssueCode(
        "FILE-QUOTE",
        "Quotation mark not closed",
        "A quotation mark is opened in {found} and not closed in this line; expected {expected}.",
        "Remove the quotation mark or close it.",
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
