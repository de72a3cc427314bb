"""Which lines of a kept file are about a person, and what is left of these."""

import datetime as dt
import io

import pytest

from sisimport.erasing.lines import blanked, find
from sisimport.erasing.people import Mentions, Person

PERSON = Person(
    1,
    1,
    dt.date(2011, 3, 4),
    numbers={"100234"},
    state_numbers={"9012345678"},
    last={"Muñoz"},
    first={"Ana"},
    alone={"Muñoz"},
)
OTHER = Person(1, 1, dt.date(2011, 3, 4), numbers={"42"}, last={"Lee"}, first={"Kim"}, namesake=True)


def found(text: str, person: Person = PERSON, encoding: str = "utf-8") -> set[int]:
    return find(io.BytesIO(text.encode(encoding)), Mentions(person)).lines


@pytest.mark.parametrize(
    "line",
    [
        "a^9012345678^b",
        "a,100234,b",
        '"x","100234"',
        "Muñoz, Ana",
        "MUÑOZ\tANA",
        "x|Muñoz|y",
        "  100234 LEE",
        "S9012345678X",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "mac_roman", "utf-16"])
def test_a_line_that_names_the_person_is_found(line: str, encoding: str) -> None:
    assert found(f"first^line\n{line}\nlast^line\n", encoding=encoding) == {2}


@pytest.mark.parametrize("line", ["a,1002345,b", "a,Munoz Elementary,b", "Ana^Lee", "19012345", "100 234"])
def test_a_line_of_others_is_not(line: str) -> None:
    assert found(f"{line}\n") == set()


@pytest.mark.parametrize(
    ("line", "named"),
    [("42,7,9", False), ("42,Lee", True), ("Lee,Kim", False), ("Lee,Kim,03/04/2011", True), ("Lee,Kim,20110304", True)],
)
def test_a_short_number_or_a_shared_name_needs_a_second_sign(line: str, named: bool) -> None:
    assert bool(found(f"{line}\n", OTHER)) is named


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_blanked_line_keeps_length_and_columns_and_all_others_stay(encoding: str, end: str) -> None:
    text = end.join(["number,name", '100234,"Muñoz, Ana"', "100235,Nuñez", ""])
    data, out = text.encode(encoding), io.BytesIO()

    blanked(io.BytesIO(data), out, {2})

    assert len(out.getvalue()) == len(data)
    lines = out.getvalue().decode(encoding).split(end)
    assert lines[0] == "number,name"
    assert lines[2] == "100235,Nuñez"
    assert set(lines[1]) == {" ", ",", '"'}


def test_half_of_a_record_of_several_lines_takes_the_whole_file() -> None:
    held = find(io.BytesIO(b'1,"first\n100234,line"\n'), Mentions(PERSON))
    assert held.whole


def test_text_that_cannot_be_read_takes_the_whole_file() -> None:
    assert find(io.BytesIO("100234".encode("utf-32")), Mentions(PERSON)).whole


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("not Muñoz, I asked", "not [erased], I asked"),
        ("student 100234.", "student [erased]."),
        ("SSID 9012345678 of Ana Muñoz", "SSID [erased] of [erased]"),
        ("Munozville and 1002340", "Munozville and 1002340"),
        ("Lee Kim", "Lee Kim"),
    ],
)
def test_texts_of_people_lose_the_person_only(text: str, left: str) -> None:
    assert Mentions(PERSON).replace(text) == left
