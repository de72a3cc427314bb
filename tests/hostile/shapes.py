"""Lines, columns and headers as they must not be: missing, doubled, moved, endless."""

from collections.abc import Callable, Iterator

from tests.hostile.corpus import (
    TYPES,
    End,
    Honest,
    Hostile,
    base,
    has_header,
    line_of,
    lines,
    refused,
    rows,
    same,
    seeded,
    written,
)

Maker = Callable[[str], bytes]
_WIDE = 5000
_OPEN = 64 << 20


def _text(change: Callable[[str], str]) -> Maker:
    return lambda import_type: change(base(import_type)).encode()


def _table(change: Callable[[list[list[str]], str], None]) -> Maker:
    def make(import_type: str) -> bytes:
        table = rows(import_type)
        change(table, import_type)
        return written(import_type, table)

    return make


def _first(import_type: str) -> int:
    return int(has_header(import_type))


def _drop_cell(table: list[list[str]], import_type: str) -> None:
    del table[_first(import_type)][1]


def _add_cell(table: list[list[str]], import_type: str) -> None:
    table[_first(import_type)].insert(1, "x")


def _many_cells(table: list[list[str]], import_type: str) -> None:
    table[_first(import_type)] += ["x"] * 300


def _swap_records(table: list[list[str]], import_type: str) -> None:
    table[_first(import_type) :] = reversed(table[_first(import_type) :])


def _one_word(table: list[list[str]], import_type: str) -> None:
    table[_first(import_type)] = ["abc"]


def _open_mark(text: str) -> bytes:
    """64 MB of lines after a quotation mark that nobody closes."""
    head, rest = text.split("\r\n", 1)
    line = rest.splitlines(keepends=True)[0]
    damaged = line.replace(",Sample", ',"Sample', 1)
    return (f"{head}\r\n{damaged}" + line * (_OPEN // len(line))).encode()


def _spaced(table: list[list[str]]) -> None:
    for row in table:
        row[:] = [f" {value} " for value in row]


def _quoted(table: list[list[str]], mark: str) -> None:
    for row in table:
        row[:] = [f"{mark}{value}{mark}" for value in row]


def _open(table: list[list[str]], import_type: str) -> None:
    row = table[_first(import_type)]
    row[0] = f'"{row[0]}'


def _widen(table: list[list[str]]) -> None:
    random = seeded("wide")
    names = [f"extra {n} {random.randrange(100)}" for n in range(2000)]
    for number, row in enumerate(table):
        row.extend(names if number == 0 else ["x"] * 2000)


def _formulas(table: list[list[str]], _: str) -> None:
    table[0] = [f"=1+{number}" for number in range(len(table[0]))]


ANY: dict[str, tuple[Maker, End]] = {
    "line feeds only": (_text(lambda text: text.replace("\r\n", "\n")), same()),
    "carriage returns only": (_text(lambda text: text.replace("\r\n", "\r")), Honest()),
    "line ends of both kinds": (_text(lambda text: text.replace("\r\n", "\n", 2)), same()),
    "no line end at the end": (_text(lambda text: text.rstrip("\r\n")), same()),
    "blank lines between": (_text(lambda text: text.replace("\r\n", "\r\n\r\n")), same()),
    "blank lines at the end": (_text(lambda text: text + "\r\n" * 400), same()),
    "a sign of the end of old files": (_text(lambda text: text + "\x1a"), Honest()),
    "one separator missing": (_table(_drop_cell), Honest()),
    "one separator too many": (_table(_add_cell), Honest()),
    "three hundred columns too many": (_table(_many_cells), Honest()),
    "records in another order": (_table(_swap_records), same()),
    "a line of one word": (_table(_one_word), Honest()),
    "a line of a megabyte": (_text(lambda text: text + "x" * (1 << 20) + "\r\n"), Honest()),
    "a line of nine megabytes": (
        _text(lambda text: text + "x" * (9 << 20) + "\r\n"),
        refused("FILE-LINE-LENGTH", "FILE-COLUMNS"),
    ),
    "a total at the end": (_text(lambda text: text + "Total: 3\r\n"), Honest()),
    "a remark above": (_text(lambda text: "Confidential - do not share\r\n" + text), Honest()),
    "everything twice": (_text(lambda text: text + text), Honest()),
    "every record a hundred times": (_table(lambda table, _: table.extend(table[-3:] * 100)), Honest()),
    "separators of another kind": (_text(lambda text: text.replace(",", ";").replace("^", "|")), Honest()),
    "separators are tabs": (_text(lambda text: text.replace(",", "\t").replace("^", "\t")), Honest()),
    "spaces around every value": (_table(lambda table, _: _spaced(table)), Honest()),
    "quotation marks around every value": (_table(lambda table, _: _quoted(table, '"')), Honest()),
    "single quotation marks around every value": (_table(lambda table, _: _quoted(table, "'")), Honest()),
    "a quotation mark opened in the first value": (_table(_open), Honest()),
    "a quotation mark alone on a line": (_text(lambda text: text + '"\r\n'), Honest()),
    "thousands of blank columns": (
        _table(lambda table, _: [row.extend([""] * _WIDE) for row in table] and None),
        Honest(),
    ),
    "separators and nothing else": (_text(lambda _: ",,,,,,^^^^^^,,,\r\n" * 40), refused()),
}
HEADED: dict[str, tuple[Maker, End]] = {
    "no header": (_table(lambda table, _: table.pop(0) and None), Honest()),
    "the header twice": (_table(lambda table, _: table.insert(1, list(table[0]))), Honest()),
    "the header at the end": (_table(lambda table, _: table.append(table.pop(0))), Honest()),
    "a header in capitals": (
        _table(lambda table, _: table.__setitem__(0, [name.upper() for name in table[0]])),
        same(),
    ),
    "a column named twice": (_table(lambda table, _: table[0].__setitem__(1, table[0][0])), Honest()),
    "columns without names": (_table(lambda table, _: table.__setitem__(0, [""] * len(table[0]))), Honest()),
    "columns called like formulas": (
        _table(_formulas),
        Honest(),
    ),
    "a header with signs nobody sees": (
        _table(lambda table, _: table.__setitem__(0, [f"\u200b{name}\u200b" for name in table[0]])),
        Honest(),
    ),
    "a header and nothing else": (_table(lambda table, _: table.__delitem__(slice(1, None))), refused()),
    "names in another order, values not": (_table(lambda table, _: table[0].reverse()), Honest()),
    "names and values in another order": (_table(lambda table, _: [row.reverse() for row in table] and None), Honest()),
    "the first column's name missing": (_table(lambda table, _: table[0].pop(0) and None), Honest()),
    "two thousand columns with names": (_table(lambda table, _: _widen(table)), Honest()),
}


def files() -> Iterator[Hostile]:
    for kind, (make, end) in ANY.items():
        for import_type in TYPES:
            yield _file(kind, import_type, make, end)
    for kind, (make, end) in HEADED.items():
        for import_type in filter(has_header, TYPES):
            yield _file(f"header: {kind}", import_type, make, end)
    for import_type in ("students", "ssid-list"):
        yield Hostile(
            "shape: 64 MB after an open quotation mark",
            import_type,
            lambda t=import_type: _open_mark(base(t)),
            Honest(),
            heavy=True,
        )
    cut = "students"
    yield Hostile("shape: cut in the last line", cut, lambda: base(cut).encode()[:-60], lines(line_of(cut, 2)))


def _file(kind: str, import_type: str, make: Maker, end: End) -> Hostile:
    return Hostile(f"shape: {kind}", import_type, lambda: make(import_type), end)
