"""The views of the `reporting` schema: what each column means, and the statement that makes it.

They are a contract with other systems. A column keeps its name, type and meaning as long as VERSION is the same; new
columns come last. The exports also take their columns from here, so that a file and a view never disagree.
"""

from dataclasses import dataclass

from django.conf import settings

SCHEMA = "reporting"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Column:
    """name: in views and files. source: SQL over the view's tables. meaning: one sentence for the documentation."""

    name: str
    source: str
    meaning: str


@dataclass(frozen=True, slots=True)
class View:
    """One view. tables: its FROM clause. row: what one row represents. where: which rows of the tables belong to it."""

    name: str
    row: str
    tables: str
    columns: tuple[Column, ...]
    where: str = ""

    @property
    def sql(self) -> str:
        """The statement of the view, without CREATE."""
        selected = ",\n  ".join(f"{column.source} AS {column.name}" for column in self.columns)
        where = f"\n  WHERE {self.where}" if self.where else ""
        return f"SELECT\n  {selected}\nFROM {self.tables}{where}"


C = Column
_YEAR = "({0}.school_year - 1)::text || '-' || lpad(({0}.school_year % 100)::text, 2, '0')"
_YEAR_END = "The year in which the school year ends, a number: 2024. A query with this column reads that year alone."
_CURRENT_SSID = "LEFT JOIN students_ssid i ON i.student_id = s.id AND i.retired_at IS NULL"
_STUDENT = (
    C("student_id", "s.id", "Internal number of the student; joins the views of this schema."),
    C("lea_code", "l.code", "State code of the LEA, leading zeros kept."),
    C("local_number", "s.local_number", "The district's own student number."),
)
_OF_STUDENT = "JOIN students_student s ON s.id = {0}.student_id JOIN students_lea l ON l.id = s.lea_id"

STUDENTS = View(
    "students",
    "a student on record",
    f"students_student s JOIN students_lea l ON l.id = s.lea_id"
    f" LEFT JOIN students_school c ON c.id = s.school_id {_CURRENT_SSID}",
    (
        *_STUDENT,
        C("ssid", "coalesce(i.ssid, '')", "Current SSID; empty: none."),
        C("ssid_state", "coalesce(i.state, '')", "State that issued the SSID."),
        C("last_name", "s.last_name", "Last name in use."),
        C("first_name", "s.first_name", "First name in use."),
        C("middle_name", "s.middle_name", "Middle name in use."),
        C("suffix", "s.suffix", "Name suffix, such as Jr."),
        C("legal_last_name", "s.legal_last_name", "Legal last name, where it differs from the one in use."),
        C("legal_first_name", "s.legal_first_name", "Legal first name, where it differs."),
        C("legal_middle_name", "s.legal_middle_name", "Legal middle name, where it differs."),
        C("birth_date", "s.birth_date", "Date of birth."),
        C("gender", "s.gender", "F, M or X."),
        C("legal_gender", "s.legal_gender", "F, M or X, where it differs from the gender."),
        C("birth_country", "s.birth_country", "Country of birth, two letters."),
        C("birth_state", "s.birth_state", "State or province of birth."),
        C("home_language", "s.home_language", "Home language, three letters of ISO 639-2."),
        C("ethnicity", "s.ethnicity", "Ethnicity and race as the district records it."),
        C("school_code", "coalesce(c.code, '')", "State code of the current school."),
        C("school_name", "coalesce(c.name, '')", "Name of that school."),
        C("grade", "s.grade", "Current grade: 01 to 12, KN, TK, …"),
        C(
            "enrolled",
            # As in students/missing.py: a test compares the two.
            "(s.school_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM students_lastday l WHERE l.student_id = s.id"
            f" AND l.day < (now() AT TIME ZONE '{settings.TIME_ZONE}')::date))",
            "Whether the student is enrolled today: has a school, and an enrollment that has not ended or none on record.",
        ),
    ),
)
SSIDS = View(
    "ssids",
    "an SSID that a student has or had",
    "students_ssid x " + _OF_STUDENT.format("x"),
    (
        *_STUDENT,
        C("ssid", "x.ssid", "The SSID, leading zeros kept."),
        C("state", "x.state", "State that issued it: CA or UT."),
        C("is_current", "(x.retired_at IS NULL)", "Whether it is the student's current SSID."),
        C("origin", "x.origin", "Where it came from: state_file, school_list, staff, student or roster."),
        C("verified", "x.verified", "Whether a file of the state confirmed it."),
        C("created_at", "x.created_at", "When it was recorded (with time zone)."),
        C("retired_at", "x.retired_at", "When it was retired; empty: current."),
        C("run", "x.origin_run", "The run that recorded it; empty: a person."),
        C("line", "x.origin_line", "The line of that run's file."),
    ),
)
ENROLLMENTS = View(
    "enrollments",
    "a student's stay at a school",
    "students_enrollment e " + _OF_STUDENT.format("e") + " JOIN students_school c ON c.id = e.school_id",
    (
        *_STUDENT,
        C("school_code", "c.code", "State code of the school."),
        C("school_name", "c.name", "Name of the school."),
        C("grade", "e.grade", "Grade during the stay."),
        C("start_date", "e.start_date", "First day; empty: not known."),
        C("exit_date", "e.exit_date", "Last day; empty: still enrolled."),
    ),
)
EL = View(
    "el",
    "a student's English learner record",
    "students_elrecord e " + _OF_STUDENT.format("e"),
    (
        *_STUDENT,
        C("program_status", "e.program_status", "EL, Exited EL, Pending, Not EL or EO."),
        C("identified_date", "e.identified_date", "When the student was identified."),
        C("tbd_date", "e.tbd_date", "Since when the status is to be determined."),
        C("exit_date", "e.exit_date", "When the student was reclassified."),
        C("state_elas", "e.state_elas", "Status at the state: EO, IFEP, EL, RFEP, TBD or ADEL."),
        C("state_elas_date", "e.state_elas_date", "Start of that status at the state."),
        C("state_language", "e.state_language", "Primary language at the state."),
    ),
)
ASSESSMENTS = View(
    "assessments",
    "a test set-up, or a part of one",
    "assessments_assessment a LEFT JOIN assessments_assessment p ON p.id = a.parent_id",
    (
        C("assessment_id", "a.id", "Internal number; joins `scores`."),
        C("assessment_code", "a.state_code", "Code of the test, or of the part under its test."),
        C("assessment", "a.name", "Name of the test or part."),
        C("parent_id", "a.parent_id", "For a part: internal number of its test."),
        C("parent_code", "coalesce(p.state_code, '')", "For a part: code of its test."),
        C("parent", "coalesce(p.name, '')", "For a part: name of its test."),
        C("score_type", "a.score_type", "scale, level or raw."),
    ),
)
# Names of levels are in the set-up or, for a part without its own, in that of the test.
_LEVELS = """LEFT JOIN LATERAL (
    SELECT named.value ->> 'name' AS name
    FROM jsonb_array_elements(CASE WHEN a.results <> '[]' THEN a.results ELSE coalesce(p.results, '[]') END) named
    WHERE named.value ->> 'code' = x.result LIMIT 1
  ) level ON x.result <> ''"""
SCORES = View(
    "scores",
    "a student's result on one test, or one part of it, in one school year",
    f"""assessments_score x {_OF_STUDENT.format("x")}
  JOIN assessments_assessment a ON a.id = x.assessment_id
  LEFT JOIN assessments_assessment p ON p.id = a.parent_id
  LEFT JOIN students_school c ON c.id = s.school_id
  {_CURRENT_SSID}
  LEFT JOIN imports_importrun r ON r.id = x.run_id
  {_LEVELS}""",
    (
        C("school_year", _YEAR.format("x"), "School year of the result: 2023-24."),
        C("school_code", "coalesce(c.code, '')", "State code of the student's current school."),
        C("local_number", "s.local_number", "The district's own student number."),
        C("ssid", "coalesce(i.ssid, '')", "Current SSID; empty: none."),
        C("assessment_code", "a.state_code", "Code of the test, or of the part under its test."),
        C("assessment", "a.name", "Name of the test or part."),
        C("parent_code", "coalesce(p.state_code, '')", "For a part: code of its test; empty: a test."),
        C("grade_assessed", "x.grade", "Grade in which the student was tested."),
        C("test_date", "x.date", "Date of the result."),
        C("scale_score", "x.scale_score", "Scale score as the state gave it; empty: none."),
        C("raw_score", "x.raw_score", "Raw score as the state gave it; empty: none."),
        C("level", "x.result", "Level or result as the state codes it."),
        C("level_name", "coalesce(level.name, x.result)", "The level in words, as named for that test."),
        C("condition_code", "x.status", "Condition code, such as an exemption."),
        C("run", "x.run_id", "The run that wrote it last."),
        C("lea_code", "l.code", "State code of the LEA."),
        C("standard_error", "x.error_band", "Standard error of the scale score."),
        C("measure", "x.measure", "Lexile or Quantile measure."),
        C("imported_at", "r.finished_at", "When that run ended (with time zone)."),
        C("student_id", "x.student_id", "Internal number of the student."),
        C("assessment_id", "x.assessment_id", "Internal number of the test or part."),
        C("school_year_end", "x.school_year", _YEAR_END),
    ),
)
# The text that assessments/scores/as_tested.py makes from the file's columns: facts separated by commas, in this order.
_FACTS = (
    ("lea_as_tested", "District of enrollment at the time of the test: codes of county and district, 7 digits."),
    ("school_as_tested", "School of enrollment at the time of the test, 7 digits."),
    ("tested_school", "School at which the test was taken, 7 digits."),
    ("include_indicator", "Y: counts in results; N, E, T, R: does not. Empty: not in the file."),
    ("gender", "F, M or X."),
    ("ethnicity", "Race and ethnicity for reporting, as the state codes it: 100 to 800."),
    ("elas", "English Language Acquisition Status: EO, IFEP, EL, RFEP, TBD or ADEL."),
    ("disadvantaged", "Socioeconomically disadvantaged: Y or N."),
    ("disability", "Student with disability: Y or N."),
    ("homeless", "Y or N."),
    ("foster", "Y or N."),
    ("migrant", "Y or N."),
    ("military", "Of a military family: Y or N."),
)
AS_TESTED = View(
    "as_tested",
    "a student who was tested, as the state's file shows for one test and school year",
    f"""assessments_score x {_OF_STUDENT.format("x")}
  JOIN assessments_assessment a ON a.id = x.assessment_id""",
    (
        *_STUDENT,
        C("school_year", _YEAR.format("x"), "School year of the test: 2023-24."),
        C("assessment_code", "a.state_code", "Code of the test."),
        C("assessment_id", "a.id", "Internal number of the test; joins `scores`."),
        C("grade", "x.grade", "Grade in which the student was tested."),
        C("condition_code", "x.status", "Condition code, such as an exemption."),
        *(
            C(name, f"split_part(x.as_tested, ',', {place})", meaning)
            for place, (name, meaning) in enumerate(_FACTS, 1)
        ),
        C("school_year_end", "x.school_year", _YEAR_END),
    ),
    where="x.as_tested <> ''",
)
IMPORTS = View(
    "imports",
    "a run: a Test, an Update, an Import or a Revert",
    "imports_importrun r LEFT JOIN imports_importfile f ON f.id = r.file_id",
    (
        C("run", "r.id", "Number of the run."),
        C("import_type", "r.import_type", "Import type, as on the command line."),
        C("work", "r.work", "test, update, import, revert or convert."),
        C("status", "r.status", "queued, running, completed, rejected, failed or cancelled."),
        C("reverted", "r.reverted", "Whether it was undone: empty, partly or wholly."),
        C("file_name", "coalesce(f.name, '')", "Name of the uploaded file."),
        C("layout", "r.layout", "Layout the file was recognized as."),
        C("created_at", "r.created_at", "When it was asked for (with time zone)."),
        C("finished_at", "r.finished_at", "When it ended (with time zone)."),
        C("record_count", "r.record_count", "Records of the file."),
        C("import_count", "r.import_count", "Records written."),
        C("unchanged_count", "r.unchanged_count", "Records that held nothing new."),
        C("refused_count", "r.refused_count", "Records refused with an error."),
        C("set_aside_count", "r.set_aside_count", "Records set aside because their student changed after the Test."),
        C("skipped_count", "r.skipped_count", "Records that needed no import."),
        C("error_count", "r.error_count", "Errors reported."),
        C("warning_count", "r.warning_count", "Warnings reported."),
        C("reverts_run", "r.reverts_id", "For a Revert: the run it undid."),
    ),
)
VIEWS = (STUDENTS, SSIDS, ENROLLMENTS, EL, ASSESSMENTS, SCORES, IMPORTS, AS_TESTED)
