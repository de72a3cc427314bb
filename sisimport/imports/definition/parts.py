"""What an import type declares besides its rules and its plan, grouped in parts. The how-to explains every setting."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Screen:
    """How pages, reports and the command line show an import type."""

    tool: str  # key of its screen (see registry.Tool)
    label: str  # its name in the Import Type list
    order: int = 0  # its place in that list
    listed: bool = True  # False while unfinished: known only to the command line and to tests
    description: str = ""  # one or two sentences under the list
    file_hint: str = ".txt, .csv or .zip"  # which files it takes; shown next to the file field


@dataclass(frozen=True, kw_only=True)
class Matching:
    """How a line leads to its district, school and student, and what a person may decide about that."""

    lea_field: str | None = "lea"  # the field with the code of the district; None: lines name none
    blank_lea: bool = False  # a line that names no district is about the only one on record, if there is one
    school_field: str | None = "school"
    # The field that leads to the student. If it is not the local number, accepted matches are put into the row
    # model's column `student_pk`, and the type joins by it.
    number_field: str = "local_number"
    remembers_matches: bool = False  # a person may say which student's record a line is, and later Tests remember it
    # Codes that ask whose record a line is: errors, and warnings about lines that are imported unless a person objects.
    near_codes: tuple[str, ...] = ("DEMO-NEAR", "DEMO-MISMATCH", "STU-NOTFOUND", "STU-AMBIGUOUS")
    near_warnings: tuple[str, ...] = ()
    # Fields by which lines of one file are related; empty: a decision on one line plans the whole file again.
    related_fields: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Settings that save passes over large files. Most types declare none of them."""

    analyze_columns: tuple[str, ...] = ()  # columns that the planner needs statistics on; empty: all
    # `plan` needs nothing that checking finds, so the pass over the rules can tell in which rows nothing would change.
    marks_idle_rows: bool = False
    codes_on_record: tuple[str, ...] = ()  # codes of the rules that fire where `on_record_when` holds
    collect_values_of: str | None = None  # a field of few values: the reader collects them in `context.collected`
