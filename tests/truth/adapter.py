"""What the values of a line mean on record: an adapter makes a district and a file about it, and says of a line what has to
are in the tables once it was imported or left unchanged, and whom it may concern at all.

It knows the published meaning of columns, not how the product works.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from students.models import SSID, Student
from tests.truth.lines import Claim, Line
from tests.truth.sheets import Sheet

NUMBERS = ("101", "102", "103", "104", "105")


class Adapter:
    """One for each kind of import type.

    `values`: what else may be in its columns. `parts`: the tables, or columns of them, that only lines without an error in
    that part may change.
    """

    values: Mapping[str, Sequence[str]] = {}
    parts: Mapping[str, tuple[str, ...]] = {}
    options: Sequence[Mapping[str, str]] = ({},)

    def arrange(self, turn: int) -> Sheet:
        """Make the district and a file about it; `turn` chooses among several."""
        raise NotImplementedError

    def concerned(self, line: Line) -> set[int]:
        """Students whom a line may be about, however it is read."""
        numbers = Student.objects.filter(local_number__in=spellings(line.text("local_number")))
        return set(numbers.values_list("pk", flat=True)) | holders(line.text("ssid"))

    def claims(self, line: Line, options: Mapping[str, str]) -> Iterator[Claim]:
        raise NotImplementedError

    def may_add(self, kind: str, row: Mapping[str, Any], imported: Sequence[Line]) -> bool:
        """May the imported lines have made this record of nobody (a school, a set-up)?"""
        return False


def spellings(number: str) -> list[str]:
    """A local number and what it may be without marks and zeros."""
    bare = number.strip("'\" =").removesuffix(".0")
    zeros = [kept for kept in NUMBERS if kept.lstrip("0") == bare.lstrip("0")]
    return [number, bare, *zeros]


def holders(*numbers: str) -> set[int]:
    """Students who have or had one of these SSIDs, with or without marks around it."""
    digits = ["".join(c for c in number if c.isdigit()) for number in numbers]
    return set(SSID.objects.filter(ssid__in=[*numbers, *filter(None, digits)]).values_list("student_id", flat=True))


def the_student(line: Line) -> Student | None:
    """The one student with the number of a line, in its district if several have it; None when there are several or none."""
    found = list(Student.objects.filter(local_number__in=spellings(line.text("local_number"))))
    exact = [student for student in found if student.local_number == line.text("local_number")] or found
    # A number may be given in two districts, one of which the file itself may bring.
    exact = [student for student in exact if student.lea.code == line.text("lea")] or exact
    return exact[0] if len(exact) == 1 else None


def current_ssid(student: Student) -> str:
    return SSID.objects.filter(student=student, retired_at=None).values_list("ssid", flat=True).first() or ""


def equals(part: str, what: str, on_record: Any, said: Any) -> Claim:
    return Claim(part, f"{what} is {on_record!r}, not {said!r}", on_record == said)
