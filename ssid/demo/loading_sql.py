"""The hand-written script for the state's SSID and ELA file: match, five checks, INSERT. Loaders run it after
reading."""

from sisimport.demo.loaders import SCRIPT_TWICE, DelimitedFile, LoadedFile
from sisimport.imports.engine.sql import execute
from students.patterns import TEN_DIGITS

COLUMNS = (
    "lea",
    "school",
    "ssid",
    "local_number",
    "last_name",
    "first_name",
    "middle_name",
    "gender",
    "birth_date",
    "start",
    "grade",
    "elas",
    "elas_date",
    "language",
    "created",
)
_FILE = DelimitedFile(
    columns=COLUMNS,
    wanted=(
        "ssid",
        "local_number",
        "last_name",
        "first_name",
        "middle_name",
        "birth_date",
        "elas",
        "elas_date",
        "language",
    ),
    delimiter="^",
    has_header=False,
)

# The five checks: a well-formed SSID, no second line, a student on record, the same person, no other SSID or owner.
_CHECKED = """
CREATE TEMPORARY TABLE checked ON COMMIT DROP AS
SELECT s.id AS student_id, f.ssid, f.elas, f.elas_date, f.language,
  CASE
    WHEN f.ssid !~ '@ten_digits' THEN 'not an SSID'
    WHEN f.times > 1 THEN 'a second line'
    WHEN s.id IS NULL THEN 'nobody'
    WHEN (s.match_last_name, s.match_first_name, s.match_middle_name) <> (f.last_name, f.first_name, f.middle_name)
      OR to_char(s.birth_date, 'YYYYMMDD') <> f.birth_date THEN 'another person'
    WHEN own.ssid <> f.ssid OR taken.student_id <> s.id THEN 'another SSID'
  END AS problem, own.id AS own_id
FROM (SELECT *, count(*) OVER (PARTITION BY local_number) AS times FROM staged) f
LEFT JOIN students_student s ON s.local_number = f.local_number
LEFT JOIN students_ssid own ON own.student_id = s.id AND own.retired_at IS NULL
LEFT JOIN students_ssid taken ON taken.state = 'CA' AND taken.ssid = f.ssid
""".replace("@ten_digits", TEN_DIGITS)
_SSIDS = """
INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at)
SELECT student_id, 'CA', ssid, 'state_file', true, now() FROM checked WHERE problem IS NULL AND own_id IS NULL
ORDER BY student_id
"""
_EL = """
INSERT INTO students_elrecord (student_id, program_status, identified_date, state_elas, state_elas_date, state_language)
SELECT student_id, CASE elas WHEN 'EL' THEN 'EL' WHEN 'IFEP' THEN 'Not EL' WHEN 'RFEP' THEN 'Exited EL' WHEN 'TBD' THEN 'Pending'
    ELSE 'EO' END, to_date(nullif(elas_date, ''), 'YYYYMMDD'), elas, to_date(nullif(elas_date, ''), 'YYYYMMDD'), language
FROM checked WHERE problem IS NULL
ORDER BY student_id
"""


def _insert(sql: str) -> int:
    execute(_CHECKED)
    count = execute(sql)
    execute("DROP TABLE checked")
    return count


def _insert_ssids() -> int:
    return _insert(_SSIDS)


def _insert_el() -> int:
    return _insert(_EL)


def _file() -> DelimitedFile:
    return _FILE


SSID_FILE = LoadedFile(file=_file, insert=_insert_ssids, table="students_ssid", gate=SCRIPT_TWICE)
ELA_FILE = LoadedFile(file=_file, insert=_insert_el, table="students_elrecord", gate=SCRIPT_TWICE)
