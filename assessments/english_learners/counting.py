"""The numbers of the page, school by school: three statements, whatever the size of the county."""

from collections import Counter
from collections.abc import Collection, Mapping

from django.db.models import Count

from assessments.english_learners.asking import (
    BAND_NAMES,
    IDENTIFIED,
    RFEP_YEAR,
    STATUSES,
    TBD_SINCE,
    Asking,
)
from assessments.results.hiding import TOTAL, Table, hidden_cells
from assessments.results.hiding import Count as Cell

School = int
Key = tuple[School | str, str]  # a school, or TOTAL, and what is counted
_ROW = "student__school"


def counts_of(asking: Asking) -> Counter[Key]:
    """Students by school and by what is counted, and TOTAL for all of the schools."""
    found: Counter[Key] = Counter()
    named = {status: name for name, (status, _label) in STATUSES.items()}
    bands = {f"n_{n}": name for n, name in enumerate(BAND_NAMES)}
    counted = (
        asking.enrolled()
        .annotate(tbd_since=TBD_SINCE, identified=IDENTIFIED)
        .values(_ROW, "program_status")
        .annotate(
            n=Count("pk"),
            over=Count("pk", filter=asking.tbd_is_over),
            **{key: Count("pk", filter=asking.band(name)) for key, name in bands.items()},
        )
    )
    for row in counted:
        _add(found, row[_ROW], named[row["program_status"]], row["n"])
        _add(found, row[_ROW], "tbd-over", row["over"])
        for key, name in bands.items():
            _add(found, row[_ROW], name, row[key])
    for row in asking.reclassified().values(_ROW, "spring").annotate(n=Count("pk")):
        _add(found, row[_ROW], f"{RFEP_YEAR}{row['spring']}", row["n"])
    found.update(elpac_of(asking))
    return found


def elpac_of(asking: Asking) -> Counter[Key]:
    """Of these, who meets criterion 1 by the ELPAC of its year."""
    found: Counter[Key] = Counter()
    for row in asking.may_exit().values(_ROW).annotate(n=Count("pk")) if asking.elpac_year else ():
        _add(found, row[_ROW], "elpac", row["n"])
    return found


def _add(found: Counter[Key], school: School, what: str, n: int) -> None:
    if n:
        found[school, what] += n
        found[TOTAL, what] += n


def rfep_years(found: Collection[Key]) -> list[int]:
    """School years in which somebody was reclassified, newest first; 0, for a day that is not known, last."""
    whats = {what for _school, what in found}
    springs = (what.removeprefix(RFEP_YEAR) for what in whats if what.startswith(RFEP_YEAR))
    return sorted(map(int, springs), reverse=True)


def hidden_in(found: Mapping[Key, int], elpacs: Collection[Mapping[Key, int]]) -> set[Key]:
    """What a file or paper must not show: numbers of fewer than 11 students, and those that would tell them.

    `elpacs`: what `found` holds of the ELPAC, for every year that can be asked for: what is hidden is decided for all at once.
    """
    schools = {school for school, _what in found} - {TOTAL}
    years = [f"{RFEP_YEAR}{year}" for year in rfep_years(found)]
    divisions: list[tuple[str, list[str]]] = [
        ("on record", list(STATUSES)),
        ("tbd", ["tbd-over"]),
        ("el", list(BAND_NAMES)),
        ("ever reclassified", years),
        ("ever reclassified", ["rfep"]),
    ]
    numbers: dict[Key, int] = dict(found)
    for at, elpac in enumerate(elpacs):
        divisions.append(("el", [f"elpac {at}"]))
        numbers |= {(school, f"elpac {at}"): n for (school, what), n in elpac.items() if what == "elpac"}
    for school in (*schools, TOTAL):
        numbers[school, "on record"] = sum(numbers.get((school, what), 0) for what in STATUSES)
        numbers[school, "ever reclassified"] = sum(numbers.get((school, what), 0) for what in years)
    tables = [_table(numbers, [*schools, TOTAL], whole, parts, at) for at, (whole, parts) in enumerate(divisions)]
    cells = {key: Cell(n, n) for key, n in numbers.items() if n > 0}
    hidden: set[Key] = hidden_cells(cells, tables)  # type: ignore[assignment]
    shown = {at: {school for school, what in hidden if what == f"elpac {at}"} for at in range(len(elpacs))}
    return hidden | {(school, "elpac") for schools_hidden in shown.values() for school in schools_hidden}


def _table(numbers: dict[Key, int], schools: list[School | str], whole: str, parts: list[str], at: int) -> Table:
    """Schools by the parts of a whole. What the parts leave over is a part too, which nobody is shown: it is put to `numbers`."""
    rest = f"rest {at}"
    keys: dict[tuple[str, str], Key] = {}
    for school in schools:
        numbers[school, rest] = numbers.get((school, whole), 0) - sum(numbers.get((school, what), 0) for what in parts)
        keys |= {(str(school), what): (school, what) for what in (*parts, rest)}
        keys[str(school), TOTAL] = (school, whole)
    return Table(keys)


__all__ = ["TOTAL", "Key", "counts_of", "elpac_of", "hidden_in", "rfep_years"]
