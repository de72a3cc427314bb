"""Encrypted files: what was written comes back from any place, and nothing else ever does."""

import io
import os
import random
from collections.abc import Callable

import pytest

from sisimport.runtime import file_keys, sealed_files
from sisimport.runtime.sealed_files import CHUNK, HEADER, DamagedError, MasterKey, UnknownKeyError

OLD, NEW, OTHER = (MasterKey(bytes([number]) * 32) for number in (1, 2, 3))
NAME = "imports/0123"
FULL = CHUNK + 16  # a chunk with its tag


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def sealed(data: bytes, key: MasterKey = NEW, name: str = NAME) -> bytes:
    return sealed_files.sealed_bytes(data, name, key)


def opened(data: bytes, *keys: MasterKey, name: str = NAME) -> bytes:
    return sealed_files.opened_bytes(data, name, keys or [NEW])


SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 77]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_comes_back_and_its_size_is_known(size: int) -> None:
    data = content(size)
    made = sealed(data)

    with sealed_files.opened(io.BytesIO(made), NAME, [NEW]) as stream:
        assert stream.seek(0, os.SEEK_END) == size
        stream.seek(0)
        assert stream.read() == data
    assert size < 64 or data[:64] not in made


def test_it_is_read_from_any_place_as_a_plain_file_is() -> None:
    data, draw = content(2 * CHUNK + 500), random.Random(7)
    plain, stream = io.BytesIO(data), sealed_files.opened(io.BytesIO(sealed(data)), NAME, [NEW])
    for _ in range(200):
        at, most = draw.randrange(len(data) + 100), draw.choice([1, 77, 4096, CHUNK + 5])
        plain.seek(at)
        stream.seek(at)
        assert stream.read(most) == plain.read(most)
        assert stream.tell() == plain.tell()


def test_pieces_of_any_length_make_the_same_chunks() -> None:
    data = content(2 * CHUNK + 3)
    pieces = (data[at : at + 65_537] for at in range(0, len(data), 65_537))

    assert opened(b"".join(sealed_files.sealed(pieces, NAME, NEW))) == data


def test_it_is_written_in_bounded_memory() -> None:
    made = sealed_files.sealed((bytes(CHUNK) for _ in range(40)), NAME, NEW)

    assert max(map(len, made)) == FULL


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut at the end of a chunk": lambda data: data[: HEADER + 2 * FULL],
    "cut in a chunk": lambda data: data[: HEADER + FULL + 100],
    "cut to the header": lambda data: data[:HEADER],
    "cut in the header": lambda data: data[: HEADER - 1],
    "a chunk left out": lambda data: data[: HEADER + FULL] + data[HEADER + 2 * FULL :],
    "two chunks in each other's place": lambda data: (
        data[:HEADER]
        + data[HEADER + FULL : HEADER + 2 * FULL]
        + data[HEADER : HEADER + FULL]
        + data[HEADER + 2 * FULL :]
    ),
    "a chunk twice": lambda data: data[: HEADER + FULL] + data[HEADER:],
    "something behind": lambda data: data + b"x",
    "the last tag gone": lambda data: data[:-16],
    "the wrapped key": lambda data: flipped(data, 40),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_of_every_kind_is_found_by_whoever_reads_it_all(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DamagedError):
        opened(damage(sealed(content(2 * CHUNK + 900))))


def test_any_bit_that_is_turned_is_found() -> None:
    """But in the slot that is not used, which says nothing."""
    made, draw = sealed(content(3000)), random.Random(3)
    used = [*range(8, 8 + 68), *range(HEADER, len(made))]
    for at in draw.sample(used, 300):
        with pytest.raises(OSError):
            opened(flipped(made, at))


def test_a_file_under_the_name_of_another_is_found() -> None:
    with pytest.raises(DamagedError):
        opened(sealed(b"students of one", name="imports/1"), name="imports/2")


def test_a_chunk_of_another_file_is_found() -> None:
    one, two = sealed(content(CHUNK + 5)), sealed(content(CHUNK + 5))

    with pytest.raises(DamagedError):
        opened(one[: HEADER + FULL] + two[HEADER + FULL :])


def test_a_key_that_is_not_here_is_distinguished_from_damage() -> None:
    with pytest.raises(UnknownKeyError):
        opened(sealed(b"students", OLD), NEW)
    assert opened(sealed(b"students", OLD), NEW, OLD) == b"students"


def test_a_plain_file_is_read_as_it_is() -> None:
    assert opened(b"line 1\n") == b"line 1\n"
    assert opened(b"") == b""


# ---- another master key ----


def rewrapped(made: bytes, *keys: MasterKey) -> list[bytes]:
    """The file after each step."""
    return [step + made[HEADER:] for step in sealed_files.rewrapped(made[:HEADER], NAME, keys)]


def test_after_the_change_the_newest_key_alone_opens_it_and_no_content_was_written() -> None:
    made = sealed(b"students", OLD)
    after = rewrapped(made, NEW, OLD)[-1]

    assert opened(after, NEW) == b"students"
    with pytest.raises(UnknownKeyError):
        opened(after, OLD)
    assert after[HEADER:] == made[HEADER:]
    assert rewrapped(after, NEW, OLD) == []


def test_whoever_is_killed_in_the_middle_leaves_a_file_that_opens_and_the_next_change_finishes_it() -> None:
    before = sealed(b"students", OLD)
    for after in rewrapped(before, NEW, OLD):
        for cut in range(HEADER + 1):  # a header of which only a part reached the disk
            torn = after[:cut] + before[cut:]
            assert opened(torn, NEW, OLD) == b"students"
            done = (rewrapped(torn, NEW, OLD) or [torn])[-1]
            assert opened(done, NEW) == b"students"
        before = after


# ---- master keys ----


def test_the_first_key_is_made_once_for_the_owner_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    first = file_keys.kept_keys(tmp_path)

    assert file_keys.kept_keys(tmp_path) == first
    assert (tmp_path / file_keys.FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["file_keys"]
    file_keys.add_kept_key(tmp_path)
    assert file_keys.kept_keys(tmp_path)[1:] == first


@pytest.mark.parametrize("text", ["short", "AAAA", "=" * 44, "é" * 32])
def test_a_key_that_is_none_is_refused_by_its_place_and_not_quoted(text: str) -> None:
    good = "A" * 43 + "="
    with pytest.raises(file_keys.FileKeyError, match="Key 2") as refused:
        file_keys.parsed([good, text])
    assert text not in str(refused.value)
    assert good not in repr(file_keys.parsed([good]))
