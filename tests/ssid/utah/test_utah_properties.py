"""Utah response file: what holds for any response to any request over a small district."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssid.models import UtahFunction
from ssid.utah.services import RequestRefusedError
from students.models import SSID, ChangedRecord, Student
from tests.imports.properties import OneExample, edits_are_kept, few, journey_holds
from tests.ssid.utah.exchange import FIRST, LAST, NUMBER, Utah, edited, lines_of, request, response_line, utah

NUMBERS = ["100", "101", "102", "103"]
SSIDS = ["1234567", "2345678", "345", "4567890123"]
people = st.lists(
    st.tuples(st.sampled_from(NUMBERS), st.sampled_from(["", "", *SSIDS]), st.booleans()),
    unique_by=(lambda p: p[0], lambda p: p[1] or object()),
    min_size=1,
    max_size=4,
)
# Answer to each line of the request: SSID (or what was sent), status, and which cell the state or a spreadsheet changed.
SENT = "as sent"
ODD = [(SSIDS[0], "Match", (LAST, "LEE")), ("", "No Match", None), ("12345678901", "Match", None), ("100", "Match", None),
       (SENT, "Error", None), (SENT, "Odd", None), (SSIDS[1], "", None), (SENT, "Updated", (FIRST, "")),
       (SENT, "Updated", (NUMBER, "101")), (SSIDS[2], "Match", (NUMBER, "999"))]  # fmt: skip
usual = st.sampled_from([*((ssid, "Match", None) for ssid in SSIDS), (SENT, "Updated", None), (SENT, "Updated", None)])
answers = st.lists(usual | usual | usual | st.sampled_from(ODD), min_size=4, max_size=4)
options = st.fixed_dictionaries({"match_legal": st.sampled_from(["", "1"])})


def response(
    drawn: list[tuple[str, str, bool]], function: UtahFunction, said: list[tuple[str, str, tuple[int, str] | None]]
) -> str | None:
    """A district of these people, a request of this kind, and the answer to it; None when there is nobody to ask for."""
    district: Utah = utah()
    for number, ssid, changed in drawn:
        student = district.add(number, ssid=ssid)
        if changed:
            ChangedRecord.objects.create(student=student, field="last_name")
    try:
        made = request(function, district.school)
    except RequestRefusedError:
        return None
    lines = []
    for line, (ssid, status, change) in zip(lines_of(made), said, strict=False):
        text = response_line(
            line, line[1] if ssid == SENT else ssid, status, "Birth date too early" if status == "Error" else ""
        )
        lines.append(edited(text, *change) if change else text)
    return "\n".join(lines) + "\n"


def rename(number: str) -> None:
    Student.objects.filter(local_number=number).update(last_name="Edited")


def type_in_an_ssid(number: str) -> None:
    student = Student.objects.filter(local_number=number).first()
    free = [ssid for ssid in SSIDS if not SSID.objects.filter(ssid=ssid).exists()]
    if student and free and not student.ssids.filter(retired_at=None).exists():
        SSID.objects.create(student=student, ssid=free[0], state="UT", origin="staff")


def take_ssids_away(number: str) -> None:
    SSID.objects.filter(student__local_number=number).delete()


def change_again(number: str) -> None:
    student = Student.objects.filter(local_number=number).first()
    if student:
        ChangedRecord.objects.create(student=student, field="gender")


EDITS: list[Callable[[str], None]] = [rename, type_in_an_ssid, take_ssids_away, change_again]
edits = st.lists(st.tuples(st.sampled_from(EDITS), st.sampled_from(NUMBERS)), max_size=3)
functions = st.sampled_from([UtahFunction.RETRIEVE, UtahFunction.NEW, UtahFunction.UPDATE])


def together(chosen: list[tuple[Callable[[str], None], str]]) -> Callable[[], None]:
    return lambda: [change(number) for change, number in chosen] and None


@pytest.mark.django_db
@few
@given(drawn=people, function=functions, said=answers, chosen=options)
def test_a_response_update_does_what_its_test_planned_and_revert_restores(drawn, function, said, chosen) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        content = response(drawn, function, said)
        if content:
            journey_holds("utah-response", content, chosen)


@pytest.mark.django_db
@few
@given(drawn=people, function=functions, said=answers, chosen=options, since_test=edits, since_update=edits)
def test_edits_beside_a_response_are_kept(drawn, function, said, chosen, since_test, since_update) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        content = response(drawn, function, said)
        if content:
            edits_are_kept("utah-response", content, chosen, together(since_test), together(since_update))
