"""A school's filled-in list: what holds for any list over any small district."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.imports.properties import OneExample, edits_are_kept, few, journey_holds
from tests.ssid.imports.test_download_properties import NUMBERS, SSIDS, edits, make, merges, people
from tests.ssid.imports.test_ela_properties import together

HEADER = "LEA,School,Local Student Number,Last Name,First Name,Birth Date,SSID"

CHANGES = {
    "lea": ["", "7654321"],
    "school": ["", "0123457"],
    "number": ["", "9"],
    "last": ["Garcia Lopez", "Poe", ""],
    "born": ["2009-02-30", ""],
    "ssid": ["", "901-234 5670", "12", "9.01E+09", "1"],
}
a_change = st.sampled_from(list(CHANGES)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(CHANGES[name])))


def list_row(changes: list[tuple[str, str]], **drawn: str) -> str:
    known = {"lea": "1234567", "school": "0123456", "last": "García-López", "born": "2009-02-14"}
    v = {**known, **drawn, **dict(changes)}
    return f"{v['lea']},{v['school']},{v['number']},{v['last']},José,{v['born']},{v['ssid']}"


rows = st.builds(
    list_row,
    st.just([]) | st.lists(a_change, max_size=2),
    number=st.sampled_from(NUMBERS),
    ssid=st.sampled_from(SSIDS),
)
# Mostly one line for each student and number: with more, every line refuses the others.
many = st.lists(rows, min_size=1, max_size=6)
single = st.lists(
    rows, min_size=2, max_size=4, unique_by=(lambda row: row.split(",")[2], lambda row: row.rsplit(",", 1)[1])
)
lists = (single | single | many).map(lambda drawn: "\n".join([HEADER, *drawn]))
options = st.fixed_dictionaries({"verified": st.sampled_from(["", "1"])})


@pytest.mark.django_db
@few
@given(drawn=people, merged=merges, content=lists, chosen=options)
def test_a_list_update_does_what_its_test_planned_and_revert_restores(drawn, merged, content, chosen) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, merged)
        journey_holds("ssid-list", content, chosen)


@pytest.mark.django_db
@few
@given(drawn=people, content=lists, chosen=options, since_test=edits, since_update=edits)
def test_edits_beside_a_list_are_kept(drawn, content, chosen, since_test, since_update) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, [])
        edits_are_kept("ssid-list", content, chosen, together(since_test), together(since_update))
