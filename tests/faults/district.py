"""An invented district made in one statement, and the state file that knows all its students."""

import io
from dataclasses import dataclass

from django.db import connection

from sisimport.imports.models import ImportFile, ImportRun, Work
from sisimport.imports.runs.services import start_run
from sisimport.imports.runs.uploads import keep_file
from students.models import LEA, School

LEA_CODE = "1975309"
FIRST = ("Amara", "Bao", "Camila", "Dmitri", "Eun-ji", "Farid", "Grace", "Hiro")
LAST = ("Quintana", "Rasmussen", "Sandoval", "Tran", "Urquhart", "Valdez", "Wójcik", "Ybarra")


@dataclass(frozen=True)
class District:
    """`students` students numbered from 1, none with an SSID; `file` brings one for each."""

    students: int
    file: ImportFile
    lea_code: str = LEA_CODE

    def start_test(self, *, enqueue: bool = True) -> ImportRun:
        return start_run(
            file=self.file,
            import_type="ssid-download",
            work=Work.TEST,
            options={},
            user=None,
            schools=None,
            enqueue=enqueue,
        )


def make_district(students: int, lea_code: str = LEA_CODE) -> District:
    """A district of one school. Every line of its file brings an SSID and an English learner record.

    Districts made one after the other get SSIDs of their own.
    """
    lea = LEA.objects.create(code=lea_code, name="Arroyo Seco Unified")
    school = School.objects.create(lea=lea, code="6012345", name="Arroyo Elementary")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO students_student (
              lea_id, school_id, local_number, grade, last_name, first_name, middle_name, suffix, legal_last_name,
              legal_first_name, legal_middle_name, alias_last_name, alias_first_name, birth_date, gender, legal_gender,
              birth_country, birth_state, home_language, ethnicity)
            SELECT %s, %s, (100000 + n)::text, '05', (%s::text[])[1 + n %% 8], (%s::text[])[1 + n / 8 %% 8], '', '', '',
              '', '', '', '', date '2014-01-01' + n %% 300, 'F', '', 'US', '', 'eng', ''
            FROM generate_series(1, %s) AS n
            """,
            [lea.pk, school.pk, list(LAST), list(FIRST), students],
        )
    return District(students=students, file=state_file(lea_code=lea_code), lea_code=lea_code)


def state_file(lines: int | None = None, lea_code: str = LEA_CODE) -> ImportFile:
    """A state file with a line for each student of a district, or for the first `lines` of them."""
    lea = LEA.objects.get(code=lea_code)
    first_ssid = 9_000_000_000 + 1_000_000 * LEA.objects.filter(pk__lt=lea.pk).count()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT concat_ws('^', %s, '6012345', %s + substr(local_number, 2)::int, local_number, last_name,
              first_name, '', 'F', to_char(birth_date, 'YYYYMMDD'), '20250815', '05', 'EO', '20190901', '00', '20190901')
            FROM students_student WHERE lea_id = %s ORDER BY id LIMIT %s
            """,
            [lea_code, first_ssid, lea.pk, lines],
        )
        text = "".join(f"{line}\n" for (line,) in cursor.fetchall())
    return keep_file(stream=io.BytesIO(text.encode()), name="ssid.txt", user=None)
