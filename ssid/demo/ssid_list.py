"""Sample file of SSID collection: a school's list as returned, filled in with the usual mistakes."""

import csv
from typing import IO

from sisimport.demo.district import Sample, register_samples
from sisimport.demo.people import FIRST_LOCAL_NUMBER, state_ssid
from sisimport.files.formula_guard import safe_cell
from ssid.collection.school_lists import COLUMNS, students_without_ssid
from students.collection import count_missing
from students.models import LEA, School

_NUMBER = COLUMNS.index("Local Student Number")


def write_filled_in(stream: IO[str], lea: LEA) -> None:
    """The list of the school with the most missing SSIDs: one line short, one with the local number, one left blank."""
    missing: dict[int, int] = {}
    for count in count_missing(list(School.objects.filter(lea=lea).values_list("pk", flat=True))):
        if count.school_id is not None:
            missing[count.school_id] = missing.get(count.school_id, 0) + count.missing
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    if not missing:
        return
    school = School.objects.select_related("lea").get(pk=max(missing, key=lambda pk: (missing[pk], -pk)))
    for at, row in enumerate(students_without_ssid(school)):
        number = row[_NUMBER]
        ssid = state_ssid(int(number) - FIRST_LOCAL_NUMBER)
        slips = {3: ssid[1:], 5: number, 8: "", 11: f"{ssid[:3]}-{ssid[3:6]}-{ssid[6:]}"}
        writer.writerow([*(safe_cell(cell) for cell in row[:-1]), slips.get(at, ssid)])


register_samples(
    Sample(
        name="ssid-list-filled-in.csv",
        import_type="ssid-list",
        note="A school's list of missing SSIDs, filled in: a digit lost, a local number instead of an SSID, one line left blank.",
        write=write_filled_in,
    )
)
