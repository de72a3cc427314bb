"""The reader far down in a file: encodings, damage and endless lines that the first look did not see (rule F-5)."""

import io

import pytest

from sisimport.files.detection import recognise
from sisimport.files.issues import FileError
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD, line, read


def beyond_the_look(tail: bytes) -> bytes:
    """A file whose first accent stands beyond what recognition looks at."""
    return (line(last_name="Lopez", first_name="Jose") + "\n").encode() * 11_000 + tail


def test_f5_windows_1252_that_begins_late_is_read_with_a_notice() -> None:
    result = read(beyond_the_look(line().encode("cp1252")))

    assert result.rows[-1][1][4:6] == ("García-López", "José")
    assert [str(notice) for notice in result.reader.notices] == [
        "The file contains text in Windows-1252; expected text in UTF-8."
    ]
    assert result.reader.encoding == "cp1252"


def test_f5_damaged_utf8_is_refused_naming_line_and_byte() -> None:
    broken = line(last_name="García").encode() + b"\n" + line(last_name="Xy").encode().replace(b"Xy", b"X\xff")

    with pytest.raises(FileError) as refused:
        read(beyond_the_look(broken))

    assert refused.value.code == "FILE-ENCODING"
    assert refused.value.params == {"line": 11_002, "byte": line().index("García") + 2}


def test_f5_a_file_in_two_encodings_is_refused_naming_the_line() -> None:
    with pytest.raises(FileError) as refused:
        read(f"{line()}\n".encode("cp1252") + beyond_the_look(line().encode()))

    assert refused.value.code == "FILE-ENCODING"
    assert "two encodings" in str(refused.value)
    assert refused.value.params["line"] == 11_002


def test_f5_capitals_before_an_apostrophe_are_not_utf8() -> None:
    text = line(last_name="D’JOSÉ’S")

    assert read(text.encode("cp1252")).column("last_name") == ["D’JOSÉ’S"]


def test_a_nul_far_down_is_refused_naming_line_and_byte() -> None:
    with pytest.raises(FileError) as refused:
        read(beyond_the_look(b"12\x00"))

    assert refused.value.code == "FILE-NUL"
    assert refused.value.params == {"line": 11_001, "byte": 3}


def test_an_endless_line_far_down_is_refused() -> None:
    with pytest.raises(FileError) as refused:
        read(beyond_the_look(b"x" * 2_000_000))

    assert refused.value.code == "FILE-LINE-LENGTH"
    assert refused.value.params == {"line": 11_001}


class Endless(io.RawIOBase):
    """A line of a gigabyte, made as it is read; remembers how much was asked for."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return b"x" * size


def test_a_line_of_a_gigabyte_is_refused_after_a_look() -> None:
    stream = Endless()

    recognition = recognise(stream, ALL_LAYOUTS, expected=DOWNLOAD)  # type: ignore[arg-type]

    assert recognition.error is not None
    assert recognition.error.code == "FILE-LINE-LENGTH"
    assert stream.given < 3_000_000
