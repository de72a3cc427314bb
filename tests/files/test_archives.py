"""Archives: the one text file of a zip, and refusal of everything that is not so plain."""

import contextlib
import io
import random
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisimport.files.archives import Glimpse, glimpse, is_zip, unpack
from sisimport.files.issues import FileError

LIMIT = 1_000_000


def packed(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name if name.startswith("__") else name.replace("__", "."), data)
    return stream.getvalue()


def refusal(data: bytes, limit: int = LIMIT) -> FileError:
    with pytest.raises(FileError) as refused:
        unpack(io.BytesIO(data), max_bytes=limit)
    return refused.value


def test_a_file_that_is_not_an_archive_comes_back_as_it_is() -> None:
    stream = io.BytesIO(b"1^2\n")

    assert unpack(stream, max_bytes=LIMIT).stream is stream


def test_the_delimited_twin_is_taken_with_a_notice() -> None:
    unpacked = unpack(io.BytesIO(packed(scores__dat=b"fixed", scores__CSV=b"a^b\n")), max_bytes=LIMIT)

    assert unpacked.stream.read() == b"a^b\n"
    assert unpacked.member == "scores.CSV"


def test_the_fixed_width_file_is_taken_when_it_is_alone() -> None:
    unpacked = unpack(io.BytesIO(packed(scores__dat=b"fixed\n", readme__pdf=b"%PDF")), max_bytes=LIMIT)

    assert unpacked.stream.read() == b"fixed\n"


def test_files_of_the_computer_itself_do_not_count() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("__MACOSX/._scores.csv", b"x")
        archive.writestr(".hidden.csv", b"x")
        archive.writestr("folder/scores.csv", b"a^b\n")

    assert unpack(data, max_bytes=LIMIT).member == "scores.csv"


def test_members_that_were_not_read_are_named() -> None:
    found = unpack(io.BytesIO(packed(scores__csv=b"a^b^c\n", readme__txt=b"Hi.", letter__pdf=b"%PDF")), max_bytes=LIMIT)

    assert [(n.code, n.found) for n in found.notices] == [("FILE-MEMBERS-LEFT", "readme.txt, letter.pdf")]
    assert unpack(io.BytesIO(packed(scores__csv=b"a^b\n")), max_bytes=LIMIT).notices == ()


@pytest.mark.parametrize("name", ["list.tsv", "list.tab", "list.text"])
def test_text_under_other_endings_is_read(name: str) -> None:
    assert unpack(io.BytesIO(packed(**{name.replace(".", "__"): b"a\tb\n"})), max_bytes=LIMIT).member == name


def test_several_text_files_are_refused_by_name() -> None:
    error = refusal(packed(a__csv=b"1", b__txt=b"2"))

    assert (
        str(error) == "The archive contains 2 text files (a.csv, b.txt); expected one text file (.csv, .txt or .dat)."
    )


def damaged(data: bytes) -> bytes:
    at = data.index(b"a.csv") + len(b"a.csv")
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + 8]) + data[at + 8 :]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(packed(inner__zip=b"PK"), "another archive (inner.zip)", id="nested"),
        pytest.param(packed(a__csv=packed(b__csv=b"1^2")), "another archive (a.csv)", id="nested under a text name"),
        pytest.param(packed(scores__xlsx=b"PK"), "an Excel workbook (scores.xlsx)", id="workbook"),
        pytest.param(packed(photo__png=b"x"), "photo.png", id="no text"),
        pytest.param(packed(a__csv=b"1" * 100)[:-30], "damaged data", id="cut off"),
        pytest.param(damaged(packed(a__csv=b"1^2\n" * 500)), "damaged data", id="damaged"),
    ],
)
def test_other_archives_are_refused(data: bytes, found: str) -> None:
    error = refusal(data)

    assert (error.code, error.found) == ("FILE-ZIP", found)


def test_a_locked_archive_is_refused() -> None:
    data = bytearray(packed(a__csv=b"1^2\n"))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1

    assert "password" in str(refusal(bytes(data)))


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    assert refusal(packed(a__csv=b"1234567890" * 1000), limit=5_000).code == "FILE-SIZE"


def test_an_archive_that_unpacks_out_of_all_proportion_is_refused() -> None:
    error = refusal(packed(a__csv=b"\0" * 5_000_000), limit=100_000_000)

    assert error.code == "FILE-ZIP"  # the size itself is allowed: the sentence must not blame it (case sec-09)
    assert "400 times" in str(error)


def test_an_archive_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(packed(a__csv=b"12345" * 4000))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")

    assert refusal(bytes(data), limit=5_000).code in {"FILE-SIZE", "FILE-ZIP"}


def test_a_list_of_files_too_long_to_hold_is_refused() -> None:
    data = bytearray(packed(a__csv=b"1^2\n"))
    end = data.index(b"PK\x05\x06")
    data[end:end] = b"\0" * 5_000_000
    end += 5_000_000
    data[end + 12 : end + 16] = (end - data.index(b"PK\x01\x02")).to_bytes(4, "little")

    assert refusal(bytes(data)).found == "a list of more files than can be searched"


def test_a_workbook_is_not_an_archive_of_text_even_when_cut_off() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        book.writestr("[Content_Types].xml", "x")
        book.writestr("xl/workbook.xml", "x")

    assert not is_zip(stream)
    assert not is_zip(io.BytesIO(stream.getvalue()[:80]))


# -- the beginning of an archive ---------------------------------------------------------------------------------------


def streamed(name: str, data: bytes) -> bytes:
    """An archive written without going back: sizes stand after the data."""

    class Forward(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_args: int) -> int:
            raise io.UnsupportedOperation

    stream = Forward()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


RANDOM = random.Random(1).randbytes(60_000).hex().encode()


def test_of_a_whole_archive_only_the_beginning_of_its_text_is_taken() -> None:
    found = glimpse(io.BytesIO(packed(a__csv=b"1^2\n" * 1000)), whole=True, most=100, max_bytes=LIMIT)

    assert found == Glimpse((b"1^2\n" * 1000)[:100], "a.csv", 4000)


def test_the_beginning_of_an_archive_tells_the_beginning_of_its_text() -> None:
    data = packed(readme__pdf=b"%PDF", scores__CSV=RANDOM)[:20_000]

    found = glimpse(io.BytesIO(data), whole=False, most=10_000, max_bytes=LIMIT)

    assert found == Glimpse(RANDOM[:10_000], "scores.CSV", len(RANDOM))


def test_the_beginning_of_an_archive_written_in_one_go_does_not_tell_the_length() -> None:
    found = glimpse(io.BytesIO(streamed("a.csv", RANDOM)[:20_000]), whole=False, most=10_000, max_bytes=LIMIT)

    assert found == Glimpse(RANDOM[:10_000], "a.csv", None)


def test_a_beginning_that_does_not_reach_a_text_tells_nothing() -> None:
    data = packed(photo__png=RANDOM, scores__csv=b"1^2\n")[:20_000]

    assert glimpse(io.BytesIO(data), whole=False, most=10_000, max_bytes=LIMIT) is None


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_after_the_start_of_an_archive_are_refused_or_read(tail: bytes, whole: bool) -> None:
    data = packed(a__csv=b"1^2\n")[: 60 - len(tail) % 30] + tail

    with contextlib.suppress(FileError):
        glimpse(io.BytesIO(data), whole=whole, most=100, max_bytes=LIMIT)
    with contextlib.suppress(FileError):
        unpack(io.BytesIO(data), max_bytes=LIMIT).close()


def test_member_names_are_shown_without_what_cannot_be_shown() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("../../etc/sc\u202eores\x07.csv", b"a^b\n")

    assert unpack(data, max_bytes=LIMIT).member == "sc?ores?.csv"


# -- beside the data ---------------------------------------------------------------------------------------------------

DATA = b"1234567^0123456^9001100001^110001^Fern^Isa\n" * 30
LETTER = (
    b"Dear colleague,\n\nplease find the file of March, April, and May attached.\nIt holds all students, "
    b"schools, and grades.\nCall us.\n"
)
BESIDE = {
    "readme": {"readme__txt": b"a,b,c\nd,e,f\n"},
    "read me": {"READ ME__txt": LETTER},
    "letter": {"to you__txt": LETTER},
    "letter in UTF-16": {"to you__txt": LETTER.decode().encode("utf-16")},
    "license": {"docs/LICENSE__txt": LETTER},
    "empty text": {"note__txt": b""},
    "document and workbook": {"guide__pdf": b"%PDF", "guide__docx": b"PK", "copy__xlsx": b"PK"},
    "what a Mac leaves": {"__MACOSX/._data.txt": b"\0\5\x16\x07", ".DS_Store": b"x"},
    "all of them": {"readme__txt": LETTER, "guide__pdf": b"%PDF", "license__txt": LETTER},
}


@pytest.mark.parametrize("others", BESIDE.values(), ids=BESIDE.keys())
@pytest.mark.parametrize("name", ["data__txt", "data__csv", "out/data__CSV"])
@pytest.mark.parametrize("first", [True, False])
def test_what_people_read_beside_the_data_is_passed_over(others: dict[str, bytes], name: str, first: bool) -> None:
    members = {name: DATA, **others} if first else {**others, name: DATA}

    unpacked = unpack(io.BytesIO(packed(**members)), max_bytes=LIMIT)

    assert unpacked.stream.read() == DATA
    seen = glimpse(io.BytesIO(packed(**members)), whole=True, most=1000, max_bytes=LIMIT)
    assert seen is not None
    assert seen.data == DATA[:1000]


def test_two_files_of_records_are_still_refused() -> None:
    assert "2 text files" in str(refusal(packed(a__txt=DATA, b__csv=DATA.replace(b"^", b","))))


def test_a_readme_beside_a_fixed_width_file_or_a_workbook_is_not_taken_for_the_data() -> None:
    unpacked = unpack(io.BytesIO(packed(README__txt=b"a, b, c\n", scores__dat=b"fixed\n")), max_bytes=LIMIT)

    assert unpacked.member == "scores.dat"
    assert "an Excel workbook (list.xlsx)" in refusal(packed(README__txt=b"Dear all\n", list__xlsx=b"PK")).found


def test_a_readme_alone_is_what_it_is() -> None:
    assert unpack(io.BytesIO(packed(readme__txt=DATA)), max_bytes=LIMIT).member == "readme.txt"
