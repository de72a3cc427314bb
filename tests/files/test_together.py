"""Fields that are read as one column say what they say when each is read alone."""

import io
import random
from typing import Any

import pytest

from sisimport.files import chunks
from sisimport.files.detection import recognise
from sisimport.files.reader import Reader
from sisimport.files.together import Together
from tests.files.samples import DOWNLOAD, DOWNLOAD_HEADER, line

OWN = ("ssid", "local_number")
CODES = ("gender", "grade", "elas")
POOLS = {
    "gender": ["M", "F", "X", "", " F ", "?", "male", "\x1fM"],
    "grade": ["10", "KN", "7", "", "99", "Grade 3"],
    "elas": ["EL", "EO", "RFEP", "", "el", "XX", "N/A"],
}


def text(dice: random.Random, *, odd: float, hidden: bool) -> bytes:
    """A file most of whose values are usual, `odd` of them from the whole pool."""

    def value(name: str) -> str:
        pool = POOLS[name] if dice.random() < odd else POOLS[name][:3]
        return dice.choice([one for one in pool if hidden or "\x1f" not in one])

    found = [
        line(ssid=f"{9_000_000_000 + n}", local_number=f"{n}", **{name: value(name) for name in CODES})
        for n in range(400)
    ]
    found.insert(200, DOWNLOAD_HEADER)
    return "".join(f"{one}\n" for one in found).encode()


def read(data: bytes, fields: tuple[str, ...], *together: Together) -> tuple[list[Any], dict[int, Any]]:
    """Records as tuples of their texts, and problems by line."""
    reader = Reader(
        io.BytesIO(data), recognise(io.BytesIO(data), [DOWNLOAD], expected=DOWNLOAD), fields, together=together
    )
    rows: list[Any] = []
    problems: dict[int, Any] = {}
    for block in reader.blocks():
        rows += zip(*block.columns, strict=True)
        problems |= {block.numbers[at]: found for at, found in block.problems.items()}
        problems |= {number: found for number, _values, found in block.broken}
    return rows, problems | {0: [*map(str, reader.notices)]}


@pytest.mark.parametrize("hidden", [False, True], ids=["", "with hidden characters"])
@pytest.mark.parametrize("odd", [0.0, 0.02, 0.6])
def test_what_is_read_together_is_what_is_read_alone(odd: float, hidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", 3000)  # many blocks: what one showed is known in the next
    data = text(random.Random(odd), odd=odd, hidden=hidden)
    alone, problems = read(data, (*OWN, *CODES))
    assert len(problems) > 100 * odd

    both = [Together(CODES[:2], "+".join), Together(CODES[2:], lambda values: f"<{values[0]}>")]
    together, same_problems = read(data, OWN, *both)

    assert together == [(*row[:2], "+".join(row[2:4]), f"<{row[4]}>") for row in alone]
    assert same_problems == problems


def test_a_combination_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", 3000)
    asked: list[tuple[str, ...]] = []

    def put(values: Any) -> str:
        asked.append(values)
        return "".join(values)

    rows, _problems = read("".join(f"{line(ssid=f'{9_000_000_000 + n}')}\n" for n in range(400)).encode(), OWN,
                           Together(CODES, put))  # fmt: skip

    assert {row[2] for row in rows} == {"M10EL"}
    first_block = len(asked)
    assert set(asked) == {("M", "10", "EL")}
    assert first_block < 40, "one block of many"
