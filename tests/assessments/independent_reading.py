"""What a score file says, read without the product: by published column positions and test structure, with nothing but csv.

published_columns.csv   layout -> position of each column that a score is made of (state layouts and header lines of files)
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NO_SCORE = {"NT", "PGE", "NTE", "NEL"}
_NOTHING = {"", "NS"}
_IFEP = "Initial Fluent English Proficient (IFEP)"
_DATES = ("test_completed_date", "lst_lock_score_date", "paper_test_completion_date")


@dataclass(frozen=True)
class ReadScore:
    """One score as the file has it: blank for what it does not say."""

    ssid: str
    code: str
    scale: str
    raw: str
    result: str
    date: str


def known_layouts() -> dict[str, dict[str, int]]:
    """Layout -> column -> its position, from 1."""
    with Path(__file__).with_name("published_columns.csv").open(encoding="utf-8", newline="") as stream:
        return {
            row.pop("layout"): {name: int(place) for name, place in row.items() if place}
            for row in csv.DictReader(stream)
        }


def read(layout: str, text: str) -> Iterator[ReadScore]:
    """All scores of a file with `^` between the columns."""
    places = known_layouts()[layout]
    spring = int(layout.split("-20", 1)[1][:2]) + 2001
    for record in list(csv.reader(io.StringIO(text), delimiter="^", quoting=csv.QUOTE_NONE))[1:]:
        line = {name: record[place - 1].strip() for name, place in places.items()}
        if line["condition_code"] in _NO_SCORE:
            continue
        for at, (code, scale, raw, result) in enumerate(_parts(line["record_type"], spring)):
            held = [line.get(name, "") for name in (scale, raw, result)]
            nothing = _NOTHING | ({"9"} if not at else set())
            if any(value not in nothing for value in held):
                yield ReadScore(line["ssid"], code, _number(held[0]), _number(held[1]), _level(held[2]), _date(line))


def _parts(record_type: str, spring: int) -> list[tuple[str, str, str, str]]:
    """Code, scale score, raw score and level of the test and its parts, by their columns."""
    whole = ("scale_score", "", "achievement_level")
    pilot = ("", "percent_correct", "preliminary_indicator")
    claims = [("", "", f"claim_{n}_level") for n in range(1, 5)]
    composites = [(f"composite_claim_{n}_score", "", f"composite_claim_{n}_level") for n in (1, 2)]
    domains = [("", "", f"domain_{n}_level") for n in range(1, 5)]
    raws = [("", f"raw_score_{n}", "") for n in range(1, 5)]
    skills = [
        ("", f"raw_score_{n}", f"{name}_level")
        for n, name in enumerate(("listening", "speaking", "reading", "writing"), 1)
    ]
    oral, written = (((f"{name}_scale_score", "", f"{name}_level")) for name in ("oral", "written"))
    tests = {
        "01": ("SBELA", whole, zip("RWLI", claims, strict=True) if spring <= 2020
               else zip(("RL", "WR"), composites, strict=True)),
        "02": ("SBMATH", whole, zip(("CP", "PS", "CR"), claims[:3], strict=True) if spring <= 2020
               else zip(("CP", "MP"), composites, strict=True)),
        "03": ("CAAELA", whole, ()),
        "04": ("CAAMATH", whole, ()),
        "05": ("CAASCI", pilot if spring <= 2020 else whole, zip("1234", raws, strict=True) if spring >= 2022 else ()),
        "06": ("CAST", pilot if spring == 2018 else whole, zip("LPE", domains[:3], strict=True) if spring > 2018 else ()),
        "08": ("STS", ("scale_score", "raw_score_1", "performance_level"), ()),
        "09": ("CSA", pilot if spring == 2020 else whole, _spanish(spring, raws, domains)),
        "21": ("ELPACS", whole, zip("ONLSRW", [oral, written, *skills], strict=True)),
        "23": ("ELPACSA", whole, ()),
        "22": ("ELPACI", whole, zip("ONLSRW", [("", "", oral[2]), ("", "", written[2]), *raws], strict=True)),
        "24": ("ELPACIA", whole, ()),
    }  # fmt: skip
    older = {"SA": "21", "SE": "21", "IA": "22", "IE": "22"}
    code, parent, children = tests[older.get(record_type, record_type)]
    return [(code, *parent), *((f"{code}-{part}", *columns) for part, columns in children)]


def _spanish(
    spring: int, raws: list[tuple[str, str, str]], domains: list[tuple[str, str, str]]
) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """The test of 2024-25 is a new one."""
    if spring == 2020:
        return
    if spring < 2025:
        yield from (("R1", raws[0]), ("R2", raws[1]))
        return
    yield from ((f"C{n}", (f"csa_composite_{n}_score", "", f"csa_composite_{n}_level")) for n in (1, 2))
    yield from ((f"D{n}", columns) for n, columns in enumerate(domains, 1))


def _number(text: str) -> str:
    return "" if text == "NS" else text.lstrip("0") or text[-1:]


def _level(text: str) -> str:
    return (_IFEP if "IFEP" in text.upper() else text).upper()


def _date(line: dict[str, str]) -> str:
    """The day of the test: the final one, else the latest of the parts, else the only one."""
    final = line.get("final_test_completed_date", "")
    parts = [day for n in range(1, 5) if (day := line.get(f"test_completed_date_{n}", ""))]
    single = [day for name in _DATES if (day := line.get(name, ""))]
    day = final or (max(parts) if parts else "") or (single[0] if single else "")
    month, _slash, rest = day.partition("/")
    return f"{rest[-4:]}-{month:0>2}-{rest[:-5]:0>2}" if rest else day
