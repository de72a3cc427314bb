"""Files whose columns are positions, cut, shifted and padded."""

from collections.abc import Callable, Iterator

from sisimport.imports.definition.registry import built_in_types
from tests.hostile.corpus import End, Honest, Hostile, layout_of, lines, refused, rows, seeded


def fixed(import_type: str) -> list[str]:
    """The records of the undamaged file by their positions; those of fields without a position stay blank."""
    layout = layout_of(import_type)
    found = []
    for row in rows(import_type)[1:]:
        signs = [" "] * (layout.record_length or 0)
        for column, value in zip(layout.columns, row, strict=True):
            if column.span:
                first, last = column.span
                signs[first - 1 : last] = value[: last - first + 1].ljust(last - first + 1)
        if layout.end_marker:
            signs[-len(layout.end_marker) :] = layout.end_marker
        found.append("".join(signs))
    return found


def _change(at: int, change: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    return lambda records: [change(record) if number == at else record for number, record in enumerate(records)]


def _wider_letter(record: str) -> str:
    at = record.index("Ana") if "Ana" in record else 20
    return record[:at] + "é" + record[at + 1 :]


def _noise(record: str) -> str:
    random = seeded("fixed", len(record))
    signs = list(record)
    for _ in range(40):
        signs[random.randrange(len(signs))] = random.choice("AZ09 ^,\"'")
    return "".join(signs)


KINDS: dict[str, tuple[Callable[[list[str]], list[str]], End]] = {
    "as it must be": (lambda records: records, Honest()),
    "one sign short": (_change(1, lambda record: record[:-1]), lines(2)),
    "one sign long": (_change(1, lambda record: record + " "), lines(2)),
    "one sign missing in the middle": (_change(1, lambda record: record[:40] + record[41:]), lines(2)),
    "one sign too many in the middle": (_change(1, lambda record: record[:40] + "x" + record[40:]), lines(2)),
    "cut in half": (_change(2, lambda record: record[: len(record) // 2]), lines(3)),
    "trailing spaces cut off": (lambda records: [record.rstrip() for record in records], Honest()),
    "every record short": (lambda records: [record[:-3] for record in records], refused()),
    "every record shifted by one": (lambda records: [" " + record[:-1] for record in records], Honest()),
    "a tab in it": (_change(1, lambda record: record[:30] + "\t" + record[31:]), Honest()),
    "a letter of two bytes": (_change(1, _wider_letter), Honest()),
    "two records in one line": (lambda records: [records[0] + records[1], records[2]], refused()),
    "noise in the last record": (_change(2, _noise), Honest()),
    "another end": (_change(1, lambda record: record[:-2] + "  "), Honest()),
}


def files() -> Iterator[Hostile]:
    for import_type in sorted(type_.key for type_ in built_in_types()):
        if not layout_of(import_type).fixed_width:
            continue
        for kind, (change, end) in KINDS.items():
            yield Hostile(
                kind=f"fixed width: {kind}",
                import_type=import_type,
                make=lambda change=change, t=import_type: "".join(
                    f"{record}\r\n" for record in change(fixed(t))
                ).encode(),
                end=end,
                name="file.dat",
                positions=True,
            )
