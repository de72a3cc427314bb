"""In which encoding a file is, told by its bytes: what a person could read is read, the rest is refused by its name."""

import io

import pytest

from sisimport.files.encodings import MAC, WINDOWS, judge
from sisimport.files.issues import FileError
from sisimport.files.lines import iter_lines, read_lines
from sisimport.files.reader import Reader
from tests.files.samples import DOWNLOAD, THREE, line, lines, look, read

MANY = lines(*({"ssid": f"90{n:08}", "last_name": "Muñoz" if n % 3 else "Ruiz"} for n in range(6000)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf16_is_read_like_utf8_with_a_notice(encoding: str, end: str) -> None:
    found = read(MANY.replace("\n", end).encode(encoding))

    assert found.values == read(MANY).values
    assert [row[0] for row in found.rows] == [row[0] for row in read(MANY).rows]
    assert "FILE-ENCODING" in found.codes
    assert "UTF-16" in str(found.reader.notices[0])


def test_excels_unicode_text_is_read_with_its_quotes() -> None:
    text = THREE.replace("^", "\t").replace("O'Neil", '"O""Neil"')

    assert read(text.encode("utf-16")).column("last_name")[1] == 'O"Neil'


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_lines_of_utf16_are_found_again_by_number(encoding: str) -> None:
    stream = io.BytesIO(MANY.encode(encoding))
    recognition = look(stream.getvalue())
    reader = Reader(stream, recognition, ["ssid"])
    rows = [row for block in reader.blocks() for row in block]

    again = read_lines(stream, reader.line_index, [1, 1234, 6000], reader.encoding)

    assert len(reader.line_index) > 2, "more than one stretch"
    assert again == {n: MANY.splitlines()[n - 1] for n in (1, 1234, 6000)}
    assert [row[0] for row in rows] == [number for number, _ in iter_lines(stream, reader.encoding)]


def test_a_broken_character_of_utf16_is_refused_naming_its_line() -> None:
    data = bytearray(MANY.encode("utf-16-le"))
    at = MANY.index("90" + "00005000") * 2
    data[at : at + 2] = b"\x00\xd8"

    with pytest.raises(FileError, match="line 5001"):
        read(bytes(data))


def test_an_endless_line_of_utf16_is_refused() -> None:
    with pytest.raises(FileError) as refused:
        read((MANY + "x" * 5_000_000).encode("utf-16"))

    assert (refused.value.code, refused.value.params["line"]) == ("FILE-LINE-LENGTH", 6001)


NAMES = [
    "Núñez",
    "Zoë",
    "José",
    "Muñoz",
    "François",
    "Jürgen",
    "Peña",
    "García",
    "MARTÍNEZ",
    "Ángel",
    "O’Brien",
    "Søren",
]


@pytest.mark.parametrize(("encoding", "name"), [("mac_roman", "Mac Roman"), ("cp1252", "Windows-1252")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_windows_and_mac_files_are_distinguished_by_the_words_their_bytes_make(
    encoding: str, name: str, end: str
) -> None:
    text = lines(*({"last_name": name, "first_name": "Ana"} for name in NAMES)).replace("\n", end)

    found = read(text.encode(encoding))

    assert found.column("last_name") == NAMES
    assert name in str(next(notice for notice in found.reader.notices if notice.code == "FILE-ENCODING"))


@pytest.mark.parametrize(
    "name", ["Núñez", "Zoë", "José", "Peña", "FRANÇOISE", "Martínez", "García", "Raphaël", "MARTÍNEZ"]
)
def test_a_single_typical_name_of_a_mac_file_is_enough(name: str) -> None:
    assert judge(f"1^{name}^Ana\n".encode("mac_roman")) == MAC


@pytest.mark.parametrize(
    "name", ["Núñez", "Zoë", "José", "O’Brien", "D’Angelo", "Smith–Jones", "Ja’mar", "Ka‘ahumanu", "ÁVILA", "Mª José"]
)
def test_a_single_name_of_a_windows_file_is_enough(name: str) -> None:
    assert judge(f"1^{name}^Ana\n".encode("cp1252")) == WINDOWS


def test_what_both_encodings_could_mean_is_the_macs_only_under_its_line_ends() -> None:
    assert judge("Díaz\r".encode("mac_roman")) == MAC
    assert judge("D’az\n".encode("cp1252")) == WINDOWS


def test_a_mac_file_is_recognized_even_after_a_megabyte_of_plain_text() -> None:
    plain = lines(*({"ssid": f"90{n:08}", "last_name": "Ruiz", "first_name": "Ana"} for n in range(12000)))
    late = line(last_name="Núñez", first_name="Zoë")

    found = read((plain + late).encode("mac_roman"))

    assert found.values[-1]["last_name"] == "Núñez"
    assert found.reader.encoding == MAC


def test_a_file_that_changes_from_windows_to_mac_is_refused() -> None:
    first = lines(*({"last_name": "Muñoz", "first_name": "José"} for _ in range(12000))).encode("cp1252")
    second = lines(*({"last_name": "Peña", "first_name": "Zoë"} for _ in range(2000))).encode("mac_roman")

    with pytest.raises(FileError, match="two encodings"):
        read(first + second)


PEOPLE = {"cp1251": ["Иванов", "Сергей"], "iso8859-7": ["Μαρία", "Νίκος"], "koi8-r": ["Петров", "Анна"]}


@pytest.mark.parametrize("encoding", PEOPLE)
def test_a_code_page_of_another_script_is_refused_by_name(encoding: str) -> None:
    last, first = PEOPLE[encoding]
    found = look(line(last_name=last, first_name=first).encode(encoding))

    assert found.error is not None
    assert "another script" in str(found.error)
    assert "UTF-8" in found.error.fix


@pytest.mark.parametrize("size", [1, 7, 5000])
def test_zero_bytes_alone_are_not_text_of_any_encoding(size: int) -> None:
    """A copy that broke off left room for the file, and nothing in it: it is not text in UTF-32."""
    found = look(b"\0" * size)

    assert found.error is not None
    assert found.error.code == "FILE-ENCODING"
    assert "UTF-32" not in str(found.error)
    assert "zero bytes" in str(found.error)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-32", "UTF-32"),
        ("utf-32-le", "UTF-32"),
        ("utf-32-be", "UTF-32"),
        ("cp037", "EBCDIC"),
        ("cp500", "EBCDIC"),
        ("cp437", "DOS"),
        ("utf-7", "UTF-7"),
    ],
)
def test_other_encodings_are_refused_by_name_with_the_next_step(encoding: str, name: str) -> None:
    found = look((THREE + line(last_name="Núñez", first_name="Zoë")).encode(encoding))

    assert found.error is not None
    assert found.error.code == "FILE-ENCODING"
    assert f"text in {'a DOS code page' if name == 'DOS' else name}" in str(found.error)
    assert "save it as UTF-8" in found.error.fix


def test_a_plus_sign_is_not_utf7() -> None:
    text = lines({"last_name": "Ruiz+Tran", "first_name": "Ana+Eva"}, {"last_name": "A+B"}).encode("ascii", "ignore")

    assert look(text).error is None
    assert look(text).layout is DOWNLOAD
