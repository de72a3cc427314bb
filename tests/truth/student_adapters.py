"""Adapters of the roster, of the state's files of SSIDs, of a school's list and of Utah's answers."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sisimport.files.oneroster import HEADER
from sisimport.imports.definition.rules import RECORD
from ssid.models import UtahFunction
from ssid.rules.english_learner_plan import known_languages, language_codes
from students.models import SSID, ChangedRecord, ELRecord, Enrollment, SSIDReplacement, Student
from tests.files.samples import DOWNLOAD
from tests.imports.journey import District, give_el, give_ssid, make_district
from tests.ssid.request_files import HEADER as REQUEST_HEADER
from tests.ssid.request_files import RESULT
from tests.ssid.utah.exchange import lines_of, request, response_line, utah
from tests.truth.adapter import NUMBERS, Adapter, current_ssid, equals, holders, the_student
from tests.truth.lines import Claim, Line
from tests.truth.sheets import Sheet

SSIDS = tuple(f"901234567{n}" for n in range(8))
PEOPLE = (
    ("García-López", "José", "Luis", date(2009, 2, 14), "M", "10"),
    ("O'Neil", "Ana", "", date(2012, 6, 30), "F", "07"),
    ("Tran", "Minh", "", date(2013, 1, 9), "F", "06"),
    ("Peña", "Ilse", "María", date(2014, 11, 2), "X", "05"),
    ("Lee", "Sam", "", date(2010, 5, 6), "M", "09"),
)
STATUS = {"EL": "EL", "IFEP": "Not EL", "RFEP": "Exited EL", "TBD": "Pending", "TVD": "Pending", "EO": "EO"}
PENDING = ("TBD", "TVD")
VALUES: Mapping[str, Sequence[str]] = {
    "lea": ["1234567", "7654321", "234567", ""],
    "school": ["0123456", "0123457", "123456", "0000009", ""],
    "local_number": [*NUMBERS, "0101", "'102", "103.0", "9", ""],
    "ssid": [*SSIDS, "123", "901-234 5670", ""],
    "last_name": ["García-López", "O'Neil", "ONEIL", "O'Neil Jr", "Tran", "Pe�a", "Peña"],
    "first_name": ["José", "Jose Luis", "Ana", "Sam"],
    "birth_date": ["2009-02-14", "20090214", "2012-06-30", "20120630", "6/30/2012", "2062-01-01"],
    "gender": ["M", "F", "X", "f", "Female", "Q"],
    "grade": ["10", "7", "K", "KN", "0", "PS", "13"],
    "home_language": ["spa", "01", "vie", "English", ""],
    "enrollment_start": ["2024-08-12", "2025-01-06", "2001-01-01", ""],
    "enrollment_exit": ["2024-12-20", "2020-01-01", "2062-06-30", ""],
    "el_status": ["EL", "IFEP", "RFEP", "TVD", "Pending", "EO", "Fluent", ""],
    "el_identified_date": ["2015-09-01", "2018-09-01", "2001-09-01", "2062-09-01", ""],
    "el_tbd_date": ["2015-09-01", "2001-09-01", ""],
    "el_exit_date": ["2020-05-05", "2001-05-05", ""],
    "elas": ["EL", "IFEP", "RFEP", "TBD", "TVD", "EO", "FEP", "XX", ""],
    "elas_date": ["20150901", "20180901", "20010901", "20620901", ""],
    "language": ["spa", "01", "vie", "zz9", ""],
    "selection": ["X", "x", "N", "?", "1", ""],
    "category": ["Single Match", "Multiple Match", "No Match", "Odd"],
    "score": ["100%", "100", "91", "1", ""],
    "transaction_type": ["", "A", "R", "D", "Z"],
    "retired_ssid": [*SSIDS, "12", ""],
    "replacement_ssid": [*SSIDS, "12", ""],
    "status": ["Match", "No Match", "Updated", "Error", "Odd", ""],
}


def _folded(text: str) -> str:
    return text.casefold().lstrip("0")


def people(*, held: Sequence[int] = (1, 2)) -> District:
    """Five students; those at `held` have an SSID (of the second as files say it, of the third another), the fifth a
    former one; the second is an English learner, the third waits for a status."""
    made = make_district()
    students = []
    for number, (last, first, middle, born, gender, grade) in zip(NUMBERS, PEOPLE, strict=True):
        students.append(
            made.student(
                local_number=number, last_name=last, first_name=first, middle_name=middle, birth_date=born,
                gender=gender, grade=grade,
            )
        )  # fmt: skip
    for at in held:
        give_ssid(students[at], SSIDS[at] if at == 1 else SSIDS[at + 4])
    give_ssid(students[4], SSIDS[7], retired_at=datetime(2024, 1, 1, tzinfo=UTC))
    give_el(students[1], "EL", identified_date=date(2015, 9, 1))
    give_el(students[2], "Pending", tbd_date=date(2019, 9, 1))
    return made


# -- the district's roster ---------------------------------------------------------------------------------------------

_ROSTER = (
    "lea", "school", "local_number", "ssid", "last_name", "first_name", "middle_name", "birth_date", "gender",
    "home_language", "grade", "enrollment_start", "enrollment_exit", "el_status", "el_identified_date", "el_tbd_date",
    "el_exit_date", "alias_first_name",
)  # fmt: skip
_ROSTER_STATUS = STATUS | {"PENDING": "Pending", "EXITED EL": "Exited EL", "NOT EL": "Not EL"}
_PLAIN = ("last_name", "first_name", "middle_name", "alias_first_name")


_ONEROSTER = {
    "district": "lea", "school": "school", "identifier": "local_number", "SSID": "ssid", "familyName": "last_name",
    "givenName": "first_name", "middleName": "middle_name", "preferredGivenName": "alias_first_name",
    "birthDate": "birth_date", "sex": "gender", "grades": "grade", "beginDate": "enrollment_start",
    "endDate": "enrollment_exit",
}  # fmt: skip


class RosterAdapter(Adapter):
    values = VALUES
    parts = {"ssid": ("ssid",), "el": ("el",)}
    options = ({}, {"new_students": "yes"}, {"older_status": "keep"}, {"blank": "clear"})

    def arrange(self, turn: int) -> Sheet:
        people()
        records = []
        for at, (last, first, middle, born, gender, grade) in enumerate(PEOPLE):
            values = {
                "lea": "1234567", "school": "0123456", "local_number": NUMBERS[at], "last_name": last, "first_name": first,
                "middle_name": middle, "birth_date": f"{born}", "gender": gender, "home_language": "spa", "grade": grade,
                "enrollment_start": "2024-08-12",
            }  # fmt: skip
            if at == turn % 5:
                values |= {"grade": "11", "home_language": "vie", "alias_first_name": "Lu"}
            if at == (turn + 1) % 5:
                values |= {"ssid": SSIDS[at], "el_status": "EL", "el_identified_date": "2018-09-01"}
            records.append([values.get(name, "") for name in _ROSTER])
        records.append([{**dict(zip(_ROSTER, records[0], strict=True)), "local_number": "106", "first_name": "Rosa",
                         "birth_date": "2011-03-03"}[name] for name in _ROSTER])  # fmt: skip
        second = dict(zip(_ROSTER, records[turn % 5], strict=True)) | {
            "school": "0123457",
            "enrollment_start": "2025-01-06",
        }
        records.append([second[name] for name in _ROSTER])
        return Sheet(",", {name: at for at, name in enumerate(_ROSTER)}, records, list(_ROSTER))

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        student = the_student(line)
        if student is None:
            yield Claim(RECORD, "no student has its number", holds=False)
            return
        for name in _PLAIN:
            if line.text(name):
                yield equals(RECORD, name, getattr(student, name), line.text(name))
        yield equals(RECORD, "birth date", student.birth_date, line.day("birth_date"))
        for name in ("gender", "home_language"):
            if line.text(name) and not line.doubted(name):
                yield equals(RECORD, name, _folded(getattr(student, name)), _folded(line.text(name)))
        yield from self._enrollment(line, student)
        if line.text("ssid"):
            yield equals("ssid", "SSID", current_ssid(student), line.text("ssid"))
        if not (line.said("ELA-OLDER") and options.get("older_status") == "keep"):
            yield from self._english_learner(line, student)

    def _english_learner(self, line: Line, student: Student) -> Iterator[Claim]:
        status = line.text("el_status").upper()
        if not status:
            return
        record = ELRecord.objects.filter(student=student).first()
        yield equals("el", "status", record and record.program_status, _ROSTER_STATUS.get(status, status))
        for name in ("identified_date", "tbd_date", "exit_date"):
            if line.day(f"el_{name}"):
                yield equals("el", name, record and getattr(record, name), line.day(f"el_{name}"))

    def _enrollment(self, line: Line, student: Student) -> Iterator[Claim]:
        stays = Enrollment.objects.filter(student=student, school__code=line.text("school").zfill(7))
        if line.day("enrollment_start"):
            stays = stays.filter(start_date=line.day("enrollment_start"))
        yield Claim(RECORD, "there is no such enrollment", stays.exists())
        if line.day("enrollment_exit"):
            stays = stays.filter(exit_date=line.day("enrollment_exit"))
            yield Claim(RECORD, "no such enrollment has its exit", stays.exists())
        if line.text("grade"):
            grades = {_folded(grade) for grade in stays.values_list("grade", flat=True)}
            yield Claim(RECORD, f"its grade is not among {grades}", _folded(line.text("grade")) in grades)

    def may_add(self, kind: str, row: Mapping[str, Any], imported: Sequence[Line]) -> bool:
        name = {"lea": "lea", "school": "school", "student": "local_number"}.get(kind)
        key = {"lea": "code", "school": "code", "student": "local_number"}.get(kind, "")
        return name is not None and any(line.text(name) == row[key] for line in imported)


class OneRosterAdapter(RosterAdapter):
    """The line that a student of a OneRoster zip becomes when the zip is taken in."""

    parts = {"ssid": ("ssid",)}
    options = ({}, {"new_students": "yes"})

    def arrange(self, turn: int) -> Sheet:
        sheet = super().arrange(turn)
        records = []
        for number, record in enumerate(sheet.records):
            values = dict(zip(_ROSTER, record, strict=True))
            said = {"mode": "bulk", "sourcedId": f"u{number}", "lines": f"users.csv {number + 2}"}
            records.append([said.get(name) or values.get(_ONEROSTER.get(name, ""), "") for name in HEADER])
        return Sheet(",", {field: HEADER.index(name) for name, field in _ONEROSTER.items()}, records, list(HEADER))

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        student = the_student(line)
        if student is None:
            yield Claim(RECORD, "no student has its number", holds=False)
            return
        for name in _PLAIN:
            if line.text(name):
                yield equals(RECORD, name, getattr(student, name), line.text(name))
        if line.day("birth_date"):
            yield equals(RECORD, "birth date", student.birth_date, line.day("birth_date"))
        if line.text("gender") and not line.doubted("gender"):
            yield equals(RECORD, "gender", _folded(student.gender), _folded(line.text("gender")))
        if line.text("school"):
            yield from self._enrollment(line, student)
        if line.text("ssid"):
            yield equals("ssid", "SSID", current_ssid(student), line.text("ssid"))


# -- the state's files -------------------------------------------------------------------------------------------------


class StateAdapter(Adapter):
    """SSID and English learner data by local number."""

    values = VALUES
    parts = {"ssid": ("ssid",), "el": ("el", "student.home_language")}
    writes_ssid = True

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        student = the_student(line)
        if student is None:
            yield Claim(RECORD, "no student has its number", holds=False)
            return
        if self.writes_ssid:
            yield equals("ssid", "SSID", current_ssid(student), line.text("ssid"))
        if self.says_language(line):
            code = line.text("language").lower()
            yield equals("language", "home language", student.home_language, language_codes().get(code, code))
        yield from self._english_learner(line, student, options)

    def says_language(self, line: Line) -> bool:
        is_known = line.text("language").lower() in known_languages()
        return is_known and not line.is_faulty("language") and not line.is_faulty("el")

    def _english_learner(self, line: Line, student: Student, options: Mapping[str, str]) -> Iterator[Claim]:
        status = line.text("elas").upper()
        kept = options.get("older_status") == "keep" and line.said("ELA-OLDER")
        if status not in STATUS or kept:
            return
        record = ELRecord.objects.filter(student=student).first()
        yield equals("el", "status", record and record.program_status, STATUS[status])
        exits = status == "RFEP" and options.get("rfep_date") == "exit"
        name = "tbd_date" if status in PENDING else "exit_date" if exits else "identified_date"
        if line.day("elas_date"):
            yield equals("el", name, record and getattr(record, name), line.day("elas_date"))


class DownloadAdapter(StateAdapter):
    options = ({}, {"replace_retired": "1", "rfep_date": "exit"}, {"older_status": "keep"})

    def arrange(self, turn: int) -> Sheet:
        people()
        if turn % 2:
            SSIDReplacement.objects.create(retired_ssid=SSIDS[6], replacement_ssid=SSIDS[2])
        at = {column.field: column.position - 1 for column in DOWNLOAD.columns if column.field}
        return Sheet("^", at, [_download_record(n, turn) for n in range(len(PEOPLE))])


def _download_record(n: int, turn: int) -> list[str]:
    last, first, middle, born, gender, grade = PEOPLE[n]
    status = ("EL", "EL", "IFEP", "RFEP", "TVD")[(n + turn) % 5] if n != 1 else "EL"
    day = "20150901" if n == 1 else "20200901"
    return ["1234567", "0123456", SSIDS[n], NUMBERS[n], last, first, middle, gender, f"{born:%Y%m%d}", "20240812", grade,
            status, day, ("spa", "01", "vie")[(n + turn) % 3], "20140815"]  # fmt: skip


class ELAAdapter(StateAdapter):
    writes_ssid = False
    options = ({}, {"older_status": "keep"}, {"rfep_date": "exit"})

    def arrange(self, turn: int) -> Sheet:
        if turn % 2 == 0:
            return DownloadAdapter().arrange(turn // 2)
        people()
        names = ("record_type", "transaction_type", "local_record_id", "lea", "school", "academic_year", "ssid",
                 "first_name", "last_name", "birth_date", "gender", "local_number", "elas", "elas_date", "language",
                 "correction_reason")  # fmt: skip
        records = []
        for n, (last, first, _middle, born, gender, _grade) in enumerate(PEOPLE):
            status = ("EL", "EL", "IFEP", "RFEP", "TBD")[n]
            records.append(["SELA", "A" if n else "", "", "1234567", "0123456", "2024-2025", SSIDS[n], first, last,
                            f"{born:%Y%m%d}", gender, NUMBERS[n], status, "20190901", "spa", ""])  # fmt: skip
        return Sheet("^", {name: at for at, name in enumerate(names)}, records)


class RequestAdapter(StateAdapter):
    options = ({}, {"older_status": "keep"}, {"single_match_score": "91"})

    def arrange(self, turn: int) -> Sheet:
        people()
        names = ("lea", "school", "selection", "local_number", "last_name", "first_name", "middle_name", "ssid",
                 "ssid_created", "category", "score", "gender", "birth_date", "result_last_name", "result_first_name",
                 "result_gender", "result_birth_date", "elas", "elas_date", "language")  # fmt: skip
        records = []
        for n, (last, first, middle, born, gender, _grade) in enumerate(PEOPLE):
            day, several = f"{born:%Y%m%d}", n == turn % 5
            category, score = ("Multiple Match", "91%") if several else ("Single Match", "100%")
            record = ["1234567", "0123456", "X" if several or n == 2 else "", NUMBERS[n], last, first, middle, SSIDS[n],
                      "20160810", category, score, gender, day, last, first, gender, day, "EL", "20190901", "spa"]  # fmt: skip
            records.append(record)
            if several:
                other = list(record)
                other[2], other[7], other[10] = "", "9055555555", "80%"
                records.append(other)
        header = f"{REQUEST_HEADER},{RESULT}".split(",")[: len(names)]
        return Sheet(",", {name: at for at, name in enumerate(names)}, records, header)

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        chosen = line.text("selection").casefold() in ("x", "y", "yes", "1")
        if chosen or line.text("category").casefold() == "single match":
            yield from super().claims(line, options)


class ReplacementAdapter(Adapter):
    values = VALUES

    def arrange(self, turn: int) -> Sheet:
        people(held=(0, 1, 2))
        held = [SSIDS[4], SSIDS[1], SSIDS[6], "", ""]
        records = []
        for n, number in enumerate(NUMBERS):
            retired = held[n] or f"905555555{n}"
            records.append(["1234567", "0123456", number, retired, f"907777777{(n + turn) % 9}"])
        records.append(["1234567", "0123456", "101", records[0][4], "9077777779"])
        names = ("lea", "school", "local_number", "retired_ssid", "replacement_ssid")
        return Sheet("^", {name: at for at, name in enumerate(names)}, records)

    def concerned(self, line: Line) -> set[int]:
        return super().concerned(line) | holders(line.text("retired_ssid"), line.text("replacement_ssid"))

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        retired, replacement = line.text("retired_ssid"), line.text("replacement_ssid")
        pair = SSIDReplacement.objects.filter(retired_ssid=retired, replacement_ssid=replacement)
        yield Claim(RECORD, "the replacement is not on record", pair.exists())
        former = SSID.objects.filter(ssid=retired).first()
        if former is not None:
            yield Claim(RECORD, "the retired number is current", former.retired_at is not None)
            current = SSID.objects.filter(student=former.student_id, retired_at=None).exists()
            yield Claim(RECORD, "the student has no current number", current or line.said("REP-NOSSID"))
        elif not line.said("REP-NOSSID"):
            yield Claim(RECORD, "the former number finds nobody", holds=False)

    def may_add(self, kind: str, row: Mapping[str, Any], imported: Sequence[Line]) -> bool:
        pair = (row.get("retired_ssid"), row.get("replacement_ssid"))
        return kind == "replacement" and any(
            (line.text("retired_ssid"), line.text("replacement_ssid")) == pair for line in imported
        )


class ListAdapter(Adapter):
    values = VALUES
    options = ({}, {"verified": ""})

    def arrange(self, turn: int) -> Sheet:
        people()
        names = ("lea", "school", "local_number", "last_name", "first_name", "birth_date", "grade", "ssid")
        header = ["LEA", "School", "Local Student Number", "Last Name", "First Name", "Birth Date", "Grade", "SSID"]
        records = []
        for n, (last, first, _middle, born, _gender, grade) in enumerate(PEOPLE):
            number = "" if n == turn % 5 else NUMBERS[n]
            records.append(["1234567", "0123456", number, last, first, f"{born}", grade, SSIDS[n] if n != 3 else ""])
        return Sheet(",", {name: at for at, name in enumerate(names)}, records, header)

    def concerned(self, line: Line) -> set[int]:
        born = line.day("birth_date")
        alike = (
            Student.objects.filter(birth_date=born)
            if born and not line.text("local_number")
            else Student.objects.none()
        )
        return super().concerned(line) | set(alike.values_list("pk", flat=True))

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        digits = "".join(c for c in line.text("ssid") if c.isdigit())
        if not line.text("ssid"):
            return
        student = the_student(line) if line.text("local_number") else Student.objects.filter(ssids__ssid=digits).first()
        if student is None:
            yield Claim(RECORD, "no student has its number", holds=False)
            return
        yield equals(RECORD, "SSID", current_ssid(student), digits)
        if options.get("verified", "1"):
            is_verified = SSID.objects.filter(student=student, ssid=digits, verified=True).exists()
            yield Claim(RECORD, "the SSID is not marked verified", is_verified)


class UtahAdapter(Adapter):
    values = VALUES | {
        "ssid": ["1234567", "2345678", "345", "12345678901", ""],
        "local_number": ["101", "102", "103", "0101", "9", ""],
        "lea": ["07", "7", "9", ""],
        "school": ["0123", "123", "0124", ""],
        "last_name": ["Lee", "LEE", "Poe", ""],
        "request_type": ["R", "N", "U", "Z"],
    }

    def arrange(self, turn: int) -> Sheet:
        made = utah()
        function = (UtahFunction.RETRIEVE, UtahFunction.NEW, UtahFunction.UPDATE)[turn % 3]
        for number in ("101", "102", "103"):
            held = "1234567" if number == "103" or function is UtahFunction.UPDATE else ""
            student = made.add(number, ssid=f"{held[:-1]}{number[-1]}" if held else "")
            ChangedRecord.objects.create(student=student, field="last_name")
        records = []
        for n, sent in enumerate(lines_of(request(function, made.school))):
            answer = (sent[1], "Updated") if function is UtahFunction.UPDATE else (f"234567{n}", "Match")
            records.append(next(csv.reader([response_line(sent, *answer)])))
        names = ("file_line", "ssid", "school_year", "last_name", "first_name", "middle_name", "suffix", "birth_date",
                 "gender", "ethnicity", "lea", "school", "local_number", "request_type", "status", "message")  # fmt: skip
        return Sheet(",", {name: at for at, name in enumerate(names)}, records)

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        student = the_student(line)
        if student is None:
            yield Claim(RECORD, "no student has its number", holds=False)
            return
        if line.text("request_type") == UtahFunction.UPDATE:
            if line.text("status").casefold() == "updated" and not line.said("UTAH-CHANGED-AGAIN"):
                is_open = ChangedRecord.objects.filter(student=student, cleared_by=None).exists()
                yield Claim(RECORD, "the student is still marked as changed", not is_open)
        elif line.text("ssid"):
            yield equals(RECORD, "SSID", current_ssid(student), line.text("ssid"))
