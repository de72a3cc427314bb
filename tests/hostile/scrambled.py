"""Damage by chance, from seeds: bytes changed, lost, doubled, moved."""

import random
from collections.abc import Callable, Iterator

from tests.hostile.corpus import TYPES, Honest, Hostile, base, seeded

_SEEDS = 4


def _flip(data: bytearray, by: random.Random) -> None:
    for _ in range(by.randrange(1, 12)):
        data[by.randrange(len(data))] ^= 1 << by.randrange(8)


def _lose(data: bytearray, by: random.Random) -> None:
    for _ in range(by.randrange(1, 4)):
        at = by.randrange(len(data))
        del data[at : at + by.randrange(1, 40)]


def _double(data: bytearray, by: random.Random) -> None:
    at = by.randrange(len(data))
    data[at:at] = data[at : at + by.randrange(1, 200)]


def _move(data: bytearray, by: random.Random) -> None:
    at = by.randrange(len(data))
    piece = data[at : at + by.randrange(1, 60)]
    del data[at : at + len(piece)]
    to = by.randrange(len(data))
    data[to:to] = piece


def _sprinkle(data: bytearray, by: random.Random) -> None:
    for _ in range(by.randrange(1, 10)):
        at = by.randrange(len(data))
        data[at:at] = by.choice(
            [b'"', b"'", b"^", b",", b"\r", b"\n", b"\0", b"\xff", b"\xe2\x80\xae", b"\x1b[2J", b"=", b"\t"]
        )


KINDS: dict[str, Callable[[bytearray, random.Random], None]] = {
    "bits turned": _flip,
    "bytes lost": _lose,
    "bytes doubled": _double,
    "bytes moved": _move,
    "signs sprinkled": _sprinkle,
}


def _made(kind: str, import_type: str, seed: int) -> bytes:
    data = bytearray(base(import_type).encode())
    KINDS[kind](data, seeded(kind, import_type, seed))
    return bytes(data)


def files() -> Iterator[Hostile]:
    for kind in KINDS:
        for import_type in TYPES:
            for seed in range(_SEEDS):
                yield Hostile(
                    kind=f"by chance: {kind}",
                    import_type=import_type,
                    make=lambda kind=kind, t=import_type, seed=seed: _made(kind, t, seed),
                    end=Honest(),
                    variant=f"seed {seed}",
                )
