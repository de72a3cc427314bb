"""A district of two schools with runs over both, and every record that has a page. Whatever is B's carries marks.

A reader limited to school A must never meet a mark. What is typed into files is here too: names, SSIDs, birth dates
and local numbers of B's students are like nobody else's.
"""

import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth import get_user_model

from sisimport.accounts.access import REGISTRAR
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, RememberedMatch, Work
from sisimport.imports.runs import services, uploads
from sisimport.imports.runs.conversion_requests import start_conversion
from ssid.models import SENRRequest, UtahFunction, UtahRequest
from ssid.requests.senr_file import draft
from ssid.requests.services import keep_request
from students import collection, families
from students.editing import change_ssid
from students.models import CollectionPolicy, School, SSIDReplacement, Student
from students.school_years import current_school_year
from students.services import report_ssid
from tests.assessments.score_files import ALL, cells, ela, text
from tests.factories import ELRecordFactory, GuardianFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import finish, revert
from tests.made_once import for_this_test, made_once
from tests.ssid import request_files
from tests.ssid.utah import exchange as utah

MARKS = re.compile(
    r"Zqqz|98765\d{5}|98•• ?•••|8866\d\d|1999-01-17|19990117|1/17/1999|17 Jan 1999|Jan\. 17, 1999|January 17, 1999"
)
BORN = dt.date(1999, 1, 17)
SCORES = "caaspp-2023-2024"


@dataclass
class TwoSchools:
    a: School
    b: School
    utah_a: School
    utah_b: School
    both: Any  # the registrar of both, whose runs they are
    students: list[Student] = field(default_factory=list)  # of B
    runs: list[ImportRun] = field(default_factory=list)
    workbook: ImportRun | None = None  # refused, not converted yet
    senr: SENRRequest | None = None
    utah: UtahRequest | None = None
    match: RememberedMatch | None = None

    def file(self, import_type: str, content: str | bytes, work: Work = Work.TEST, name: str = "file.txt") -> ImportRun:
        """A run of the registrar of both schools, to its end."""
        data = content.encode() if isinstance(content, str) else content
        kept = uploads.keep_file(stream=io.BytesIO(data), name=name, user=self.both)
        return self.start(file=kept, import_type=import_type, work=work, options={})

    def start(self, **more: Any) -> ImportRun:
        run = services.start_run(user=self.both, schools=self.both_ids, enqueue=False, **more)
        self.runs.append(finish(run).run)
        return self.runs[-1]

    @cached_property
    def marks(self) -> dict[int, set[str]]:
        """By student: words that are in an answer that shows this one, and nobody else."""
        found = {}
        for student in Student.objects.filter(local_number__regex="^(8866|1100)").prefetch_related("ssids"):
            ssids = [ssid.ssid for ssid in student.ssids.all()]
            # The name of the first two is also that of somebody in a file whom nobody knows.
            names = [student.last_name] if re.fullmatch(r"(Zqqzlast|Alder)[1-9]", student.last_name) else []
            found[student.pk] = {student.local_number, *names, *(one for one in ssids if len(one) == 10)}
        return found

    @cached_property
    def unmarked(self) -> set[int]:
        """Students whom nothing tells from others."""
        return set(Student.objects.exclude(pk__in=self.marks).values_list("pk", flat=True))

    def is_of_workbook(self, run: int) -> bool:
        """Is the run the refusal of a workbook, or the conversion of one?"""
        refused = self.workbook.pk if self.workbook else None
        conversions = ImportRun.objects.exclude(converts=None)
        return run == refused or conversions.filter(pk=run).exists() or conversions.filter(converts=run).exists()

    @property
    def both_ids(self) -> list[int]:
        return [self.a.pk, self.b.pk, self.utah_a.pk, self.utah_b.pk]


@pytest.fixture(scope="module")
def two_schools_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TwoSchools, Path]]:
    """Both schools with everything that depends on them, for a module all of whose tests begin with them."""
    with made_once(make_two_schools, tmp_path_factory.mktemp("two_schools"), django_db_blocker) as made:
        yield made


@pytest.fixture
def made(two_schools_once: tuple[TwoSchools, Path], db: None) -> TwoSchools:
    return for_this_test(two_schools_once)


def make_two_schools() -> TwoSchools:
    a, b = SchoolFactory(code="0123456", name="Cedar"), SchoolFactory(code="0123457", name="Birch")
    there = utah.utah()
    both = UserFactory(group=REGISTRAR, schools=[a, b, there.school, there.other_school], username="registrar-of-both")
    made = TwoSchools(a=a, b=b, utah_a=there.school, utah_b=there.other_school, both=both)
    _make_students(made)
    _make_records(made, there)
    _download(made)
    _roster_and_lists(made)
    _requests(made)
    _scores(made)
    _workbooks(made)
    return made


def of_b(number: int, **values: Any) -> dict[str, Any]:
    names = {"last_name": f"Zqqzlast{number}", "first_name": f"Zqqzfirst{number}", "middle_name": "Zqqzm"}
    return names | {"local_number": f"8866{number:02d}", "birth_date": BORN} | values


def _make_students(made: TwoSchools) -> None:
    for number in range(6):
        student = StudentFactory(school=made.b, birth_country="US", **of_b(number))
        made.students.append(student)
        GuardianFactory(student=student, last_name="Zqqzguardian", first_name="Zqqzg")
        if number < 4:
            SSIDFactory(student=student, ssid=f"98765000{number:02d}")
        if number % 2:
            said = {"state_elas": "RFEP", "state_elas_date": dt.date(2016, 1, 5), "state_language": "kor"}
            ELRecordFactory(student=student, **said)
        mine = StudentFactory(
            school=made.a,
            birth_country="US",
            local_number=f"1100{number:02d}",
            last_name=f"Alder{number}",
            first_name="Eva",
        )
        if number < 4:
            SSIDFactory(student=mine, ssid=f"91234000{number:02d}")


def _make_records(made: TwoSchools, there: utah.Utah) -> None:
    first, fifth = made.students[0], made.students[5]
    CollectionPolicy.objects.create(
        pk=1, required_from=dt.date(2015, 7, 1), families_may_enter=True, online_enrollment=True
    )
    report_ssid(student=made.students[4], ssid="9876512345", user=None)
    year = current_school_year()
    collection.submit_enrollment(student=fifth, school_year=year, user=made.both, online=False)
    families.invite_family(students=[first], user=made.both)
    change_ssid(student=first, ssid="9876500099", user=made.both, reason="Letter Zqqz of the state")
    AuditEntry.objects.create(user=made.both, students=[first.pk], kind=AuditEntry.Kind.PAGE, subject="Page")
    SSIDReplacement.objects.create(retired_ssid="9876500098", replacement_ssid="9876500099", entered_by=made.both)
    there.add("100")
    foreign = of_b(30, local_number="886630")
    there.add(foreign.pop("local_number"), school=there.other_school, **foreign)
    made.utah = utah.request(UtahFunction.RETRIEVE, there.school, there.other_school, user=made.both)
    made.senr = keep_request(draft([made.a, made.b]), user=made.both)


def _download_line(school: School, student: Student, ssid: str, **changes: str) -> str:
    values = {
        "school": school.code,
        "ssid": ssid,
        "local_number": student.local_number,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "middle_name": student.middle_name,
        "gender": student.gender,
        "birth_date": f"{student.birth_date:%Y%m%d}",
    }
    return line(**(values | changes))


def _download(made: TwoSchools) -> None:
    """Clean lines, damaged ones, lines that nearly match a student, and lines about nobody, of both schools."""
    own = list(Student.objects.filter(school=made.a).order_by("pk"))
    rows = []
    for school, students, digits in ((made.a, own, "91234"), (made.b, made.students, "98765")):
        rows += [
            _download_line(school, students[1], f"{digits}00001"),
            _download_line(school, students[2], f"{digits}0000"),
            _download_line(school, students[3], f"{digits}00777"),
            _download_line(school, students[4], f"{digits}00044", elas="RFEP", elas_date="20160105"),
            _download_line(
                school, students[5], f"{digits}00055", local_number="", last_name=f"{students[5].last_name}x"
            ),
            _download_line(school, students[0], f"{digits}00066", local_number=f"{students[0].local_number}9"),
        ]
    nobody = line(
        school="0123457", local_number="886677", last_name="Zqqznobody", first_name="Zqqzn", ssid="9876577777"
    )
    content = "\n".join([*rows, nobody, "Zqqz^broken", ""])
    test = made.file("ssid-download", content, name="ssid.txt")
    made.match = RememberedMatch.objects.create(
        key="Zqqzlast|Zqqzfirst",
        student_id=made.students[0].pk,
        student_hash=0,
        reason="Zqqz papers",
        run=test,
        line=2,
        made_by=made.both,
    )
    made.runs.append(finish(services.start_update(test_run=test, user=made.both, enqueue=False)).run)
    undone = revert(made.runs[-1]).run
    ImportRun.objects.filter(pk=undone.pk).update(created_by=made.both)
    made.runs.append(undone)
    made.file("ssid-download", "Zqqzlast1 98765000001 nothing that is a file", name="wrong.txt")


def _roster_and_lists(made: TwoSchools) -> None:
    first = made.students[1]
    names = "lea,school,local_number,ssid,last_name,first_name,middle_name,birth_date,gender,grade"
    rows = [
        f"1234567,{made.b.code},{first.local_number},,Zqqzrenamed,Zqqzfirst1,Zqqzm,1999-01-17,F,08",
        f"1234567,{made.b.code},886650,98765,Zqqznew,Zqqzn,,1999-01-17,F,08",
        f"1234567,{made.a.code},110001,,Alder1,Renamed,,2011-08-12,F,08",
    ]
    made.file("students", "\n".join([names, *rows, ""]), name="students.csv")
    listed = "Local student number,Last name,First name,Birth date,SSID"
    rows = [
        "886604,Zqqzlast4,Zqqzfirst4,1999-01-17,9876500404",
        "886605,Zqqzother,Zqqzfirst5,1999-01-17,98765",
        "110004,,,,9123400404",
    ]
    made.file("ssid-list", "\n".join([listed, *rows, ""]), name="list.csv")
    replaced = [
        f"1234567^0123457^{first.local_number}^9876500001^9876500901",
        "1234567^0123456^110001^9123400001^9123400901",
    ]
    made.file("ssid-replacement", "\n".join([*replaced, ""]), name="replaced.txt")


def _requests(made: TwoSchools) -> None:
    """Match results with candidates to choose, of both schools."""
    own = Student.objects.filter(school=made.a).order_by("pk")[4]
    rows = [f"{request_files.HEADER},{request_files.RESULT}"]
    for student, school, digits, name in (
        (own, "0123456", "91234", "Ash"),
        (made.students[4], "0123457", "98765", "Zqqzash"),
    ):
        for n in (1, 2):
            more = f"{name}{n},{name},F,{student.birth_date:%Y%m%d},EL,20150901,spa,{name}guardian,{name}"
            made_line = request_files.line(
                student.local_number,
                last=student.last_name,
                first=student.first_name,
                ssid=f"{digits}0088{n}",
                gender=student.gender,
                born=f"{student.birth_date:%Y%m%d}",
                more=more,
            )
            rows.append(made_line.replace("0123456", school))
    made.file("ssid-request", "\n".join([*rows, ""]), name="answer.csv")


def _scores(made: TwoSchools) -> None:
    """Scores of both schools; of B also some whose SSID nobody has and whose name nearly is somebody's."""
    layout = "caaspp-2023-24"
    born = f"{BORN:%Y-%m-%d}"
    rows = [
        ela(ssid="9123400001", last_name="Alder1", first_name="Eva", birth_date="2011-08-12", uin="1"),
        ela(ssid="9876500001", last_name="Zqqzlast1", first_name="Zqqzfirst1", birth_date=born, uin="2"),
        ela(
            ssid="9876500002",
            last_name="Zqqzwrong",
            first_name="Zqqzwrong",
            birth_date=born,
            scale_score="9999",
            uin="3",
        ),
        ela(ssid="9876599999", last_name="Zqqzlast5", first_name="Zqqzfirst5", birth_date=born, uin="4"),
    ]
    content = text(layout, *rows)
    made.file(SCORES, content, name="scores.csv")
    made.file(SCORES, content + b"\r\n", Work.IMPORT, name="scores-imported.csv")


def workbook() -> bytes:
    layout = ALL["caaspp-2023-24"]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([column.name for column in layout.columns])
    sheet.append(
        cells(layout, **ela(ssid="9876500001", last_name="Zqqzlast1", first_name="Zqqzfirst1", birth_date=str(BORN)))
    )
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _workbooks(made: TwoSchools) -> None:
    """One that was converted, one that was not, one that cannot be, and one of a school's list."""
    converted = made.file(SCORES, workbook(), name="scores.xlsx")
    made.runs.append(finish(start_conversion(run=converted, user=made.both, enqueue=False)).run)
    made.workbook = made.file(SCORES, workbook(), name="scores-2.xlsx")
    damaged = made.file(SCORES, b"PK\x03\x04[Content_Types].xml xl/ Zqqzlast1 9876500001", name="damaged.xlsx")
    made.runs.append(finish(start_conversion(run=damaged, user=made.both, enqueue=False)).run)


def limited_reader(made: TwoSchools, *groups: str, staff: bool = False) -> Any:
    """Somebody of school A (and of its like in Utah) in these groups."""
    user = UserFactory(schools=[made.a, made.utah_a], is_staff=staff)
    for group in groups:
        user.groups.add(*UserFactory(group=group).groups.all())
    return get_user_model().objects.get(pk=user.pk)
