"""Archives: the one text file of a zip, and refusal of everything that is not so plain."""

import io
import zipfile

import pytest

from sisimport.imports.containers import unpack
from sisimport.imports.issues import FileError

LIMIT = 1_000_000


def packed(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return stream.getvalue()


def refusal(data: bytes, limit: int = LIMIT) -> FileError:
    with pytest.raises(FileError) as refused:
        unpack(io.BytesIO(data), max_bytes=limit)
    return refused.value


def test_a_file_that_is_no_archive_comes_back_as_it_is() -> None:
    stream = io.BytesIO(b"1^2\n")

    assert unpack(stream, max_bytes=LIMIT).stream is stream


def test_the_delimited_twin_is_taken_with_a_notice() -> None:
    unpacked = unpack(io.BytesIO(packed(scores__dat=b"fixed", scores__CSV=b"a^b\n")), max_bytes=LIMIT)

    assert unpacked.stream.read() == b"a^b\n"
    assert unpacked.member == "scores.CSV"
    assert [str(notice) for notice in unpacked.notices] == ["The archive was opened and scores.CSV was read."]


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


def test_several_text_files_are_refused_by_name() -> None:
    error = refusal(packed(a__csv=b"1", b__txt=b"2"))

    assert str(error) == "The archive holds 2 text files (a.csv, b.txt); expected one text file (.csv, .txt or .dat)."


def damaged(data: bytes) -> bytes:
    at = data.index(b"a.csv") + len(b"a.csv")
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + 8]) + data[at + 8 :]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(packed(inner__zip=b"PK"), "another archive", id="nested"),
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
    assert refusal(packed(a__csv=b"\0" * 5_000_000), limit=100_000_000).code == "FILE-SIZE"


def test_member_names_are_shown_without_what_cannot_be_shown() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("../../etc/sc\u202eores\x07.csv", b"a^b\n")

    assert unpack(data, max_bytes=LIMIT).member == "sc?ores?.csv"
