"""The demo district's people, made by a few set-based statements: any number of students, in flat memory.

Everything about student number `i` follows from `i` and the seed by hashing, so the same command makes the same
district anywhere, and a larger district begins with the people of a smaller one (except for schools).
"""

from dataclasses import dataclass

from sisimport.demo import names
from sisimport.imports.engine.sql import execute, fetch_one
from students.models import LEA

FIRST_LOCAL_NUMBER = 100_000
MAX_STUDENTS = 5_000_000
_RETIRED = 20_000_000  # offset of the second numbers that the state once gave some students
_STEP, _START, _MODULUS = 6_180_339_887, 8_012_345_678, 10**10  # the step shares no factor with the modulus


def state_ssid(i: int) -> str:
    """The state's SSID for student number `i` of the demo district; all different, in no visible order."""
    return f"{(i * _STEP + _START) % _MODULUS:010d}"


def state_ssid_sql(i: str) -> str:
    """Like `state_ssid`, in SQL."""
    return f"lpad((({i}::bigint * {_STEP} + {_START}) % {_MODULUS})::text, 10, '0')"


@dataclass(frozen=True, slots=True)
class Dice:
    """Numbers that look random but follow from a key."""

    seed: int

    def __call__(self, key: str, salt: int, sides: int) -> str:
        """SQL of an integer from 0 to sides - 1."""
        return f"((hashint8extended({key} * 97 + {salt}, {self.seed}) & 9223372036854775807) % {sides})::int"

    def pick(self, key: str, salt: int, words: list[str]) -> str:
        """SQL of one of the words."""
        literal = ", ".join("'" + word.replace("'", "''") + "'" for word in words)
        return f"(ARRAY[{literal}])[1 + {self(key, salt, len(words))}]"


def make_people(*, lea: LEA, students: int, seed: int, ssid_percent: int) -> dict[str, int]:
    """Fill the district. Returns how many of each record it has. Runs inside the caller's transaction."""
    dice = Dice(seed)
    # References are checked as each table is filled: a million deferred checks would be kept in memory until the end.
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET LOCAL work_mem = '128MB'")
    execute("SET LOCAL maintenance_work_mem = '128MB'")
    counts = {"schools": _schools(lea, dice, students)}
    _people(dice, students, ssid_percent)
    counts["students"] = execute(_STUDENTS, [lea.pk])
    counts["enrollments"] = _enrollments(dice)
    counts["el_records"] = execute(_EL_RECORDS)
    counts["ssids"], counts["retired_ssids"], counts["ssid_replacements"] = _ssids(dice)
    counts["guardians"] = execute(_guardians(dice))
    return counts


def analyze() -> None:
    """Analyze the tables for the planner. Call it outside the transaction of `make_people`."""
    for table in ("student", "enrollment", "elrecord", "ssid", "ssidreplacement", "guardian", "school", "lea"):
        execute(f"ANALYZE students_{table}")


def _schools(lea: LEA, dice: Dice, students: int) -> int:
    """About one school per 550 students; codes start with a zero, as the state's do."""
    total = min(max(students // 550, 6), 1_500)
    middle, high = max(total * 18 // 100, 1), max(total * 17 // 100, 1)
    elementary = total - middle - high
    place = f"{dice.pick('(k % 30)', 1, names.SCHOOL_FIRST)} || ' ' || {dice.pick('(k / 30 + k * 7)', 2, names.SCHOOL_SECOND)}"
    execute(
        f"""
        CREATE TEMP TABLE demo_school ON COMMIT DROP AS
        SELECT nextval(pg_get_serial_sequence('students_school', 'id')) AS id, level, nr, k,
          lpad((113100 + k * 17)::text, 7, '0') AS code,
          {place} || CASE WHEN k >= 60 THEN ' ' || (k / 60 + 1) ELSE '' END
            || CASE level WHEN 0 THEN ' Elementary' WHEN 1 THEN ' Middle' ELSE ' High' END AS name
        FROM (
          SELECT k::bigint AS k,
            CASE WHEN k < {elementary} THEN 0 WHEN k < {elementary + middle} THEN 1 ELSE 2 END AS level,
            CASE WHEN k < {elementary} THEN k WHEN k < {elementary + middle} THEN k - {elementary}
              ELSE k - {elementary + middle} END AS nr
          FROM generate_series(0, {total - 1}) AS k
        ) AS s ORDER BY k
        """
    )
    execute("CREATE INDEX ON demo_school (level, nr)")
    execute("INSERT INTO students_school (id, lea_id, code, name) SELECT id, %s, code, name FROM demo_school", [lea.pk])
    return total


def _people(d: Dice, students: int, ssid_percent: int) -> None:
    """One row per student with everything that the other tables need."""
    level_counts = {
        level: fetch_one("SELECT count(*) FROM demo_school WHERE level = %s", [level])[0] for level in (0, 1, 2)
    }
    school_nr = " ".join(
        f"WHEN level = {level} THEN {d('family', 20 + level, count)}" for level, count in level_counts.items()
    )
    language = (
        f"CASE WHEN {d('family', 30, 100)} < 56 THEN 'eng' WHEN {d('family', 30, 100)} < 84 THEN 'spa'"
        f" ELSE {d.pick('family', 31, names.LANGUAGES)} END"
    )
    suffix = d.pick("i", 18, ["Jr", "Jr", "II", "III"])
    girl, boy = d.pick("i", 10, names.GIRLS), d.pick("i", 11, names.BOYS)
    execute(
        f"""
        CREATE TEMP TABLE demo_person ON COMMIT DROP AS
        WITH numbered AS (
          SELECT i, {d("i", 1, 1000)} AS kin FROM generate_series(1::bigint, {students}) AS i
        ), families AS (
          -- 18 % follow an older sibling, a sixth of those as a twin born the same day.
          SELECT i, max(i) FILTER (WHERE kin >= 180 OR i = 1) OVER w AS family,
            max(i) FILTER (WHERE kin >= 30 OR i = 1) OVER w AS born
          FROM numbered WINDOW w AS (ORDER BY i)
        ), placed AS (
          SELECT i, family, born, ({d("born", 2, 27)} + 1) / 2 AS g, {d("i", 3, 1000)} AS sex FROM families
        ), leveled AS (
          SELECT *, CASE WHEN g <= 6 THEN 0 WHEN g <= 9 THEN 1 ELSE 2 END AS level, {language} AS language FROM placed
        ), named AS (
          SELECT *, CASE {school_nr} END AS school_nr,
            -- g 0 is TK, 1 is KN, 2 to 13 are grades 1 to 12.
            (make_date(2021 - g, 9, 2) + {d("born", 4, 365)} - 1) AS birth_date,
            CASE WHEN sex < 6 THEN 'X' WHEN sex < 505 THEN 'F' ELSE 'M' END AS gender,
            CASE WHEN sex < 2 THEN 'F' WHEN sex < 5 THEN 'M' ELSE '' END AS legal_gender,
            CASE WHEN sex < 3 OR sex BETWEEN 6 AND 504 THEN {girl} ELSE {boy} END AS first_name,
            {d.pick("family", 12, names.LAST)}
              || CASE WHEN {d("family", 13, 100)} < 7 THEN '-' || {d.pick("family", 14, names.LAST)} ELSE '' END AS last_name,
            CASE WHEN {d("i", 15, 100)} < 55 THEN {d.pick("i", 16, names.MIDDLE)} ELSE '' END AS middle_name
          FROM leveled
        )
        SELECT nextval(pg_get_serial_sequence('students_student', 'id')) AS id, n.i, n.family, n.g,
          ({FIRST_LOCAL_NUMBER} + n.i)::text AS local_number, sc.id AS school_id, sc.level, sc.nr,
          CASE WHEN g = 0 THEN 'TK' WHEN g = 1 THEN 'KN' ELSE lpad((g - 1)::text, 2, '0') END AS grade,
          last_name, first_name, middle_name, birth_date, gender, legal_gender, language,
          CASE WHEN gender = 'M' AND {d("i", 17, 100)} < 3 THEN {suffix} ELSE '' END AS suffix,
          {d("i", 19, 1000)} AS legal, {d("i", 23, 1000)} AS alias,
          {d("i", 24, 100)} < {ssid_percent} AS has_ssid, {d("i", 25, 1000)} AS ssid_past,
          {d("i", 26, 100)} AS el, {d("i", 27, 1200)} AS el_days, {d("i", 28, 100)} AS stay
        FROM named n JOIN demo_school sc ON sc.level = n.level AND sc.nr = n.school_nr ORDER BY n.i
        """
    )
    execute("ANALYZE demo_person")


# A few use a name other than the legal one; `legal` below 15 means a legal name is on record.
_STUDENTS = f"""
INSERT INTO students_student (id, lea_id, local_number, school_id, grade, last_name, first_name, middle_name, suffix,
  legal_last_name, legal_first_name, legal_middle_name, alias_last_name, alias_first_name, birth_date, gender, legal_gender,
  birth_country, birth_state, home_language, ethnicity)
SELECT id, %s, local_number, school_id, grade, last_name,
  CASE WHEN legal < 15 AND position('-' IN first_name) = 0 THEN left(first_name, 3) || 'y' ELSE first_name END,
  middle_name, suffix,
  CASE WHEN legal < 15 THEN last_name ELSE '' END, CASE WHEN legal < 15 THEN first_name ELSE '' END,
  CASE WHEN legal < 15 THEN middle_name ELSE '' END,
  CASE WHEN alias < 20 THEN last_name ELSE '' END, CASE WHEN alias < 20 THEN 'Nicky' ELSE '' END,
  birth_date, gender, legal_gender,
  CASE WHEN el_days %% 10 < 8 OR language = 'eng' THEN 'US' WHEN language = 'spa' THEN 'MX' WHEN language = 'vie' THEN 'VN'
    WHEN language IN ('cmn', 'yue') THEN 'CN' WHEN language = 'kor' THEN 'KR' WHEN language = 'fil' THEN 'PH' ELSE 'US' END,
  CASE WHEN el_days %% 10 < 8 OR language = 'eng' THEN 'US-CA' ELSE '' END, language,
  (ARRAY[{", ".join(f"'{e}'" for e in names.ETHNICITIES)}])[1 + el_days %% {len(names.ETHNICITIES)}]
FROM demo_person ORDER BY i
"""


def _enrollments(d: Dice) -> int:
    """An open enrollment for nearly all, an earlier one for movers; two in a hundred left in winter, most with the reason."""
    late = f"CASE WHEN stay < 12 THEN {d('i', 40, 90)} ELSE 0 END"
    current = execute(
        f"""
        INSERT INTO students_enrollment (student_id, school_id, grade, start_date, exit_date, exit_reason)
        SELECT id, school_id, grade, date '2025-08-12' + {late}, CASE WHEN stay >= 98 THEN date '2025-12-19' END,
          CASE WHEN stay >= 98 AND i % 5 > 0 THEN (ARRAY['T160', 'T200', 'E140'])[1 + i % 3] ELSE '' END
        FROM demo_person ORDER BY i
        """
    )
    earlier = execute(
        """
        INSERT INTO students_enrollment (student_id, school_id, grade, start_date, exit_date, exit_reason)
        SELECT p.id, o.id, CASE WHEN p.g = 2 THEN 'KN' ELSE lpad((p.g - 2)::text, 2, '0') END,
          date '2024-08-13', date '2025-06-06', 'E490'
        FROM demo_person p JOIN demo_school o ON o.level = p.level AND o.nr = 0
        WHERE p.stay < 15 AND p.g >= 2 AND p.nr <> 0 ORDER BY p.i
        """
    )
    return current + earlier


# Most students who speak another language at home are or were English learners; a few are not yet screened.
_EL_RECORDS = """
INSERT INTO students_elrecord (student_id, program_status, identified_date, tbd_date, exit_date, state_elas, state_elas_date,
  state_language)
SELECT id, status, CASE WHEN status <> 'Pending' AND (status <> 'EO' OR el % 2 = 0) THEN since END,
  CASE WHEN status = 'Pending' THEN date '2025-08-12' END,
  CASE WHEN status = 'Exited EL' THEN greatest(least(since + 600 + el_days, date '2025-06-02'), since) END, '', NULL, ''
FROM (
  SELECT i, id, el, el_days, least(birth_date + 1800 + el_days % 200, date '2025-09-30') AS since,
    CASE WHEN language = 'eng' THEN CASE WHEN el < 60 THEN 'EO' END
      WHEN el < 3 THEN 'Pending' WHEN el < 15 THEN 'Not EL' WHEN el < 45 AND g >= 4 THEN 'Exited EL' WHEN el < 97 THEN 'EL' END
      AS status
  FROM demo_person
) AS p WHERE status IS NOT NULL ORDER BY i
"""


def _ssids(d: Dice) -> tuple[int, int, int]:
    """SSIDs of students who have one. For a few the state merged two: the number on record here may be the retired
    one."""
    current = execute(
        f"""
        INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at)
        SELECT id, 'CA', CASE WHEN ssid_past < 4 THEN {state_ssid_sql(f"(i + {_RETIRED})")} ELSE {state_ssid_sql("i")} END,
          CASE WHEN {d("i", 41, 100)} < 5 THEN 'staff' WHEN {d("i", 41, 100)} < 7 THEN 'school_list' ELSE 'state_file' END,
          {d("i", 41, 100)} >= 7, timestamptz '2025-09-15 09:00 UTC'
        FROM demo_person WHERE has_ssid ORDER BY i
        """
    )
    retired = execute(
        f"""
        INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at, retired_at)
        SELECT id, 'CA', {state_ssid_sql(f"(i + {_RETIRED})")}, 'state_file', true, timestamptz '2024-09-10 09:00 UTC',
          timestamptz '2025-09-15 09:00 UTC'
        FROM demo_person WHERE has_ssid AND ssid_past BETWEEN 4 AND 11 ORDER BY i
        """
    )
    replacements = execute(
        f"""
        INSERT INTO students_ssidreplacement (state, retired_ssid, replacement_ssid, learned_at)
        SELECT 'CA', {state_ssid_sql(f"(i + {_RETIRED})")}, {state_ssid_sql("i")}, timestamptz '2025-09-15 09:00 UTC'
        FROM demo_person WHERE has_ssid AND ssid_past < 12 ORDER BY i
        """
    )
    return current, retired, replacements


def _guardians(d: Dice) -> str:
    """Siblings share a guardian."""
    return f"""
        INSERT INTO students_guardian (student_id, last_name, first_name, relationship)
        SELECT id, last_name, CASE WHEN {d("family", 42, 10)} < 6 THEN {d.pick("family", 43, names.GIRLS)}
            ELSE {d.pick("family", 44, names.BOYS)} END,
          CASE WHEN {d("family", 42, 10)} = 9 THEN 'Guardian' WHEN {d("family", 42, 10)} < 6 THEN 'Mother' ELSE 'Father' END
        FROM demo_person ORDER BY i
    """
