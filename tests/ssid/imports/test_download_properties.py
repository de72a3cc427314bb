"""SSID download file: what holds for any file over any small district."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from students.models import SSID, ELRecord, ProgramStatus, SSIDReplacement, Student
from tests.files.samples import line
from tests.imports.journey import District, give_el, give_ssid, make_district, merge_ssids
from tests.imports.properties import OneExample, edits_are_kept, few, journey_holds

NUMBERS = ["1", "2", "3", "4"]
SSIDS = [f"901234567{n}" for n in range(6)]
DAYS = [date(2014, 9, 1), date(2015, 9, 1), None]


student_values = st.fixed_dictionaries(
    {
        "local_number": st.sampled_from(NUMBERS),
        "last_name": st.sampled_from(["García-López"] * 6 + ["O'Neil"]),
        "gender": st.sampled_from(["M"] * 6 + ["X"]),
        "home_language": st.sampled_from(["spa", "01", "vie", ""]),
    }
)
el_values = st.none() | st.fixed_dictionaries(
    {
        "status": st.sampled_from(list(ProgramStatus)),
        "identified_date": st.sampled_from(DAYS),
        "tbd_date": st.sampled_from(DAYS),
        "exit_date": st.sampled_from(DAYS),
    }
)
people = st.lists(
    st.tuples(student_values, el_values, st.none() | st.sampled_from(SSIDS), st.none() | st.sampled_from(SSIDS)),
    unique_by=(lambda p: p[0]["local_number"], lambda p: p[2] or object(), lambda p: p[3] or object()),
    min_size=2,
    max_size=4,
)
merges = st.lists(
    st.tuples(st.sampled_from(SSIDS), st.sampled_from(SSIDS)).filter(lambda pair: pair[0] != pair[1]),
    unique_by=lambda pair: pair[0],
    max_size=3,
)
CHANGES = {
    "local_number": ["9", ""],
    "ssid": ["12345", "", "1"],
    "last_name": ["Garcia Lopez", "O'Neil", ""],
    "gender": ["X", "Q"],
    "birth_date": ["2009-02-14", "20090230"],
    "school": ["0123457", "0999999"],
    "lea": ["7654321"],
    "grade": ["PS", "13"],
    "elas": ["FEP", "XX"],
    "elas_date": ["20150231"],
    "language": ["xqx", "UU"],
}
a_change = st.sampled_from(list(CHANGES)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(CHANGES[name])))
records = st.builds(
    lambda changes, **values: line(**values | dict(changes)),
    st.just([]) | st.lists(a_change, max_size=2),
    local_number=st.sampled_from(NUMBERS),
    ssid=st.sampled_from(SSIDS),
    elas=st.sampled_from(["EL", "IFEP", "RFEP", "TBD", "TVD", "EO", ""]),
    elas_date=st.sampled_from(["20150901", "20160901", ""]),
    language=st.sampled_from(["spa", "01", "vie", ""]),
)
rubbish = st.sampled_from(["", "a^b^c"]) | st.text(max_size=30)
files = st.tuples(st.lists(records, min_size=1, max_size=8), st.just([]) | st.lists(rubbish, max_size=2)).map(
    lambda drawn: "\n".join([*drawn[0], *drawn[1], *drawn[0][:1]])
)
options = st.fixed_dictionaries(
    {"replace_retired": st.sampled_from(["", "1"]), "rfep_date": st.sampled_from(["identified", "exit"])}
)


def make(
    drawn: list[tuple[dict[str, str], dict[str, object] | None, str | None, str | None]], merged: list[tuple[str, str]]
) -> District:
    """A district of the drawn people."""
    district = make_district()
    held: set[str] = set()
    for values, el, current, former in drawn:
        student = district.student(**values)
        if el:
            give_el(student, **el)  # type: ignore[arg-type]
        for ssid, retired in ((current, None), (former, "2024-01-01T00:00Z")):
            if ssid and ssid not in held:
                held.add(ssid)
                give_ssid(student, ssid, retired_at=retired)
    for retired, replacement in merged:
        merge_ssids(retired, replacement)
    return district


def rename(number: str) -> None:
    Student.objects.filter(local_number=number).update(last_name="Edited")


def change_language(number: str) -> None:
    Student.objects.filter(local_number=number).update(home_language="kor")


def type_in_an_ssid(number: str) -> None:
    """Staff give the student the first SSID of the file that is free."""
    student = Student.objects.filter(local_number=number).first()
    free = [ssid for ssid in SSIDS if not SSID.objects.filter(ssid=ssid).exists()]
    if student and free and not student.ssids.filter(retired_at=None).exists():
        give_ssid(student, free[0])


def take_ssids_away(number: str) -> None:
    SSID.objects.filter(student__local_number=number).delete()


def end_el(number: str) -> None:
    ELRecord.objects.filter(student__local_number=number).update(program_status="EO", identified_date=None)


def remove_el(number: str) -> None:
    ELRecord.objects.filter(student__local_number=number).delete()


def add_el(number: str) -> None:
    student = Student.objects.filter(local_number=number).first()
    if student and not ELRecord.objects.filter(student=student).exists():
        give_el(student, "EL", identified_date=date(2015, 9, 1))


def remove_student(number: str) -> None:
    Student.objects.filter(local_number=number).delete()


def learn_of_a_merge(number: str) -> None:
    SSIDReplacement.objects.get_or_create(retired_ssid=SSIDS[int(number)], defaults={"replacement_ssid": SSIDS[0]})


EDITS: list[Callable[[str], None]] = [
    rename,
    change_language,
    type_in_an_ssid,
    take_ssids_away,
    end_el,
    remove_el,
    add_el,
    remove_student,
    learn_of_a_merge,
]
edits = st.lists(st.tuples(st.sampled_from(EDITS), st.sampled_from(NUMBERS)), max_size=4)


@pytest.mark.django_db
@few
@given(drawn=people, merged=merges, content=files, chosen=options)
@pytest.mark.long
def test_update_does_what_test_planned_and_revert_restores_everything(drawn, merged, content, chosen) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, merged)
        journey_holds("ssid-download", content, chosen)


@pytest.mark.django_db
@few
@given(drawn=people, merged=merges, content=files, chosen=options, since_test=edits, since_update=edits)
def test_edits_in_between_are_kept_and_every_line_is_accounted_for(  # type: ignore[no-untyped-def]
    drawn, merged, content, chosen, since_test, since_update
) -> None:
    def edit(chosen_edits: list[tuple[Callable[[str], None], str]]) -> Callable[[], None]:
        return lambda: [change(number) for change, number in chosen_edits] and None

    with OneExample():
        make(drawn, merged)
        edits_are_kept("ssid-download", content, chosen, edit(since_test), edit(since_update))
