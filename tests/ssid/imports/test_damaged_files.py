"""Request File and Replacement SSIDs as spreadsheets damage them, judged by the tables after Test and Update.

A column sorted, shifted, exchanged or filled down alone, lines doubled, changed at their second coming, mixed with those of
another district, students that had another SSID before: whoever ends with other SSIDs than by the clean file was told of by an
error or a warning of a line, or of the file.
"""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from sisimport.files.issues import Severity
from sisimport.imports.models import ImportIssue, ImportRun, RunStatus, Work
from students.models import SSID, SSIDReplacement, Student
from tests.imports.journey import District, give_ssid, make_district, run_file
from tests.imports.properties import RolledBack
from tests.longer import first_of
from tests.ssid.request_files import HEADER, RESULT
from tests.truth.sheets import Sheet

pytestmark = [pytest.mark.django_db, pytest.mark.long]
COUNT = 14
PARTS = 4  # each has damages of every kind that the file has room for, and some to every column
NEW, OLD = "901234{:04}", "905678{:04}"
Records = dict[str, tuple[Any, ...]]


def _students(made: District) -> list[Student]:
    return [
        made.student(
            local_number=f"{300 + n * 5 % COUNT}", last_name=f"Lee{chr(97 + n * 5 % 26)}{chr(97 + n)}",
            first_name=f"Sam{chr(97 + n * 3 % 26)}{chr(98 + n)}", middle_name="", gender="FM"[n % 3 % 2],
            birth_date=date(2008 + n % 5, 1 + n * 5 % 12, 1 + n * 11 % 28), grade=f"{5 + n % 5:02}",
        )
        for n in range(COUNT)
    ]  # fmt: skip


def _request_file(students: list[Student]) -> Sheet:
    names = f"{HEADER},{RESULT}".split(",")
    fields = ("lea", "school", "selection", "local_number", "last_name", "first_name", "middle_name", "ssid", "ssid_created",
              "category", "score", "gender", "birth_date", "result_last_name", "result_first_name", "result_gender",
              "result_birth_date", "elas", "elas_date", "language")  # fmt: skip
    records = []
    for n, one in enumerate(students):
        day, several = f"{one.birth_date:%Y%m%d}", n % 5 == 2
        who = [one.last_name, one.first_name]
        record = ["1234567", "0123456", "X" if several else "", one.local_number, *who, "", NEW.format(n * 37 % 1000), "20160810",
                  "Multiple Match" if several else "Single Match", "90%" if several else "100%", one.gender, day, *who,
                  one.gender, day, ("EL", "EO", "IFEP")[n % 3], f"201{5 + n % 4}0901", ("spa", "eng", "vie")[n % 3]]  # fmt: skip
        records.append(record)
        if several:
            other = [*record[:2], "", *record[3:7], OLD.format(900 + n), *record[8:10], "70%", *record[11:]]
            records.append([*other[:14], "Other", *other[15:]])
    return Sheet(",", {name: at for at, name in enumerate(fields)}, records, names[: len(fields)])


def _replacement_file(students: list[Student]) -> Sheet:
    records = []
    for n, one in enumerate(students):
        give_ssid(one, OLD.format(n * 53 % 1000))
        records.append(["1234567", "0123456", one.local_number, OLD.format(n * 53 % 1000), NEW.format(n * 37 % 1000)])
    names = ("lea", "school", "local_number", "retired_ssid", "replacement_ssid")
    return Sheet("^", {name: at for at, name in enumerate(names)}, records)


FILES: dict[str, Callable[[list[Student]], Sheet]] = {
    "ssid-request": _request_file,
    "ssid-replacement": _replacement_file,
}
# Only the state knows which new number is whose: neither file nor record says anything else of it.
NOT_TO_BE_SEEN = {
    f"{what} {name}" for what in ("sorted", "shifted", "halves moved") for name in ("ssid", "replacement_ssid")
}


def _damages(sheet: Sheet) -> Iterator[tuple[str, Callable[[], None]]]:
    fields = [name for name in sheet.at if len({record[sheet.at[name]] for record in sheet.records}) > 1]
    for name in fields:
        yield f"sorted {name}", partial(_column, sheet, name, sorted)
        yield f"shifted {name}", partial(_column, sheet, name, lambda values: [values[-1], *values[:-1]])
        yield f"halves moved {name}", partial(_column, sheet, name, lambda v: v[len(v) // 2 :] + v[: len(v) // 2])
        yield f"filled down {name}", partial(_column, sheet, name, lambda values: values[:1] * len(values))
        yield f"blank {name}", partial(_column, sheet, name, lambda values: [""] * len(values))
    for one, other in pairwise(fields):
        yield f"exchanged {one} {other}", partial(_exchanged, sheet, one, other)
    for name in fields:
        yield f"doubled, other {name}", partial(_doubled, sheet, name)
    yield "lines of another district between", partial(_foreign, sheet)


def _column(sheet: Sheet, name: str, change: Callable[[list[str]], list[str]]) -> None:
    at = sheet.at[name]
    for record, value in zip(sheet.records, change([record[at] for record in sheet.records]), strict=True):
        record[at] = value


def _exchanged(sheet: Sheet, one: str, other: str) -> None:
    a, b = sheet.at[one], sheet.at[other]
    for record in sheet.records:
        record[a], record[b] = record[b], record[a]


def _doubled(sheet: Sheet, name: str) -> None:
    """Every line once more, with the value of the next one in a column."""
    values = [record[sheet.at[name]] for record in sheet.records]
    copies = [list(record) for record in sheet.records]
    for record, value in zip(copies, [*values[1:], values[0]], strict=True):
        record[sheet.at[name]] = value
    sheet.records += copies


def _foreign(sheet: Sheet) -> None:
    """Before each line one of a student of another district, whose local numbers and SSIDs are the same as ours."""
    sheet.records[:] = [line for record in sheet.records for line in (["7654321", *record[1:]], record)]


def _records() -> Records:
    """Local number -> SSID, former ones, and what those were replaced by."""
    found = {}
    for student in Student.objects.all():
        numbers = SSID.objects.filter(student=student).values_list("ssid", "retired_at")
        current = sorted(ssid for ssid, retired in numbers if retired is None)
        former = sorted(ssid for ssid, retired in numbers if retired is not None)
        replaced = sorted(
            SSIDReplacement.objects.filter(retired_ssid__in=former).values_list("replacement_ssid", flat=True)
        )
        found[student.local_number] = (current, former, replaced)
    return found


def _through(key: str, sheet: Sheet) -> tuple[ImportRun, Records]:
    test = run_file(key, sheet.text()).run
    if test.status != RunStatus.COMPLETED:
        return test, _records()
    return run_file(key, sheet.text(), Work.UPDATE, test_run=test).run, _records()


def _silent(run: ImportRun, sheet: Sheet, before: Records, clean: Records, after: Records) -> list[str]:
    """Students whose data differs from before and from the clean file, without a finding."""
    issues = ImportIssue.objects.filter(run_id__in=[run.pk, run.plan_run_id], severity__gte=Severity.WARNING)
    told = set(issues.values_list("line", flat=True))
    if 0 in told or run.status == RunStatus.REJECTED:
        return []
    concerned: dict[str, set[int]] = {}
    for number, record in enumerate(sheet.records, sheet.first_line):
        student = SSID.objects.filter(ssid__in=record).values_list("student__local_number", flat=True)
        for local in {record[sheet.at["local_number"]], *student}:
            concerned.setdefault(local, set()).add(number)
    wrong = [number for number, now in after.items() if now not in (before[number], clean[number])]
    return [f"{n}: {after[n]}" for n in wrong if not told & concerned.get(n, set())]


@pytest.mark.combinations
@pytest.mark.parametrize("former", [False, True], ids=["", "with former numbers"])
@pytest.mark.parametrize("key", FILES)
@pytest.mark.parametrize("part", first_of(range(PARTS)))
def test_nobody_gets_the_number_of_somebody_else_silently(key: str, former: bool, part: int) -> None:
    students = _students(make_district())
    sheet = FILES[key](students)
    if former:
        for n, one in enumerate(students):
            give_ssid(one, f"909999{n:04}", retired_at=datetime(2023, 1, 1, tzinfo=UTC))
    before = _records()
    with RolledBack():
        run, clean = _through(key, sheet)
        assert (run.status, run.error_count) == (RunStatus.COMPLETED, 0)
        assert sum(before[number] != one for number, one in clean.items()) == COUNT

    found = {}
    records = copy.deepcopy(sheet.records)
    for what, do in list(_damages(sheet))[part::PARTS]:
        with RolledBack():
            do()
            run, after = _through(key, sheet)
            found[what] = _silent(run, sheet, before, clean, after)
        sheet.records = copy.deepcopy(records)

    assert {what: wrong for what, wrong in found.items() if wrong and what not in NOT_TO_BE_SEEN} == {}
