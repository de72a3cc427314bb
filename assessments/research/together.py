"""What the lines of a research file show only together: told of the file, since each line may be right.

Figures of one column that cannot go with those of another in most lines, columns that were filled down, hidden or rounded, tests
under each other's number, names of places that differ from line to line, files without a line about our districts.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from assessments.models import PublicPlaceRow
from assessments.research import headings, sense
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_all, fetch_one
from students.models import LEA, School, StateProfile

_FEWEST: Final = 20  # lines; fewer may be by chance
_FEW: Final = 5
_SHARE, _SMALL_SHARE = 0.5, 0.1
_IN_A_ROW: Final = 30  # lines with one figure; a district has no 30 groups of one size
_SUM_OFF: Final = 0.5  # percent, on average; whole percents are off by less, as they are rounded up and down
_FOLLOWS: Final = 0.5  # correlation of mean scale scores with levels; in the state's files it is above 0.9
_COUNTED: Final = ("enrolled", "tested", "scored")
_LEVELS: Final = ("level_1", "level_2", "level_3")
# Layout -> first and last year whose files have its columns.
_YEARS: Final = {
    "research-caaspp-2019": (2015, 2019),
    "research-caaspp-2023": (2021, 2023),
    "research-caaspp": (2024, 2099),
}
_PLACES: Final = PublicPlaceRow._meta.db_table


def own_codes() -> list[str]:
    """Of our districts."""
    leas = LEA.objects.filter(state=StateProfile.CALIFORNIA)
    return [code.zfill(7) for code in leas.values_list("code", flat=True)]


def own_schools() -> list[str]:
    """District and school codes; not those of charters that report on their own."""
    schools = School.objects.filter(lea__state=StateProfile.CALIFORNIA).values_list("lea__code", "code")
    return [lea.zfill(7) + code.zfill(7) for lea, code in schools]


# -- both kinds of files -----------------------------------------------------------------------------------------------


def warn_of_other_places(context: RunContext, table: str) -> None:
    """A file with lines of other districts and none of ours, or with schools under our districts of which none is on record."""
    codes = own_codes()
    own, others, schools, on_record = fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE r.lea_code = ANY(%s)), count(*) FILTER (WHERE right(r.lea_code, 5) <> '00000'),
          count(DISTINCT r.place) FILTER (WHERE r.lea_code = ANY(%s) AND right(r.place, 7) <> '0000000'),
          count(DISTINCT r.place) FILTER (WHERE r.place = ANY(%s))
        FROM {table} r WHERE NOT r.refused
        """,
        [codes, codes, own_schools()],
    )
    if others and not own:
        report_on_file(context, "RES-NONE", field="district", params={"of": f"{others:,}"})
    elif schools and not on_record and School.objects.exists():
        report_on_file(context, "RES-SCHOOLS", field="school", params={"count": f"{schools:,}"})


# -- results -----------------------------------------------------------------------------------------------------------


def warn_of_figures(context: RunContext, codes: list[str]) -> None:
    present = set(context.recognition.positions) if context.recognition is not None else set()
    for columns, count, of, why in (
        *_figures_apart(codes, present),
        *_in_a_row(codes),
        *_means(codes),
        *_tests(codes),
        *_years(context, codes),
    ):
        labels = [context.layout.fields[name].label if context.layout else name for name in columns]
        params = {"columns": ", ".join(labels), "count": f"{count:,}", "of": f"{of:,}", "why": why}
        report_on_file(context, "RES-APART", field=columns[0], params=params)


Finding = tuple[Sequence[str], int, int, str]


def _kept(codes: list[str]) -> tuple[str, list[Any]]:
    """Lines that are kept, with their figures as numbers (null: hidden or blank)."""
    numbers = ", ".join(f"{sense.number(name)} AS {name}" for name in (*_COUNTED, "mean", "met", *_LEVELS, "level_4"))
    sql = (
        f"(SELECT r.line, r.place, r.test, r.test_year, r.group_code, r.grade_code, {numbers} FROM {sense.ROWS} r"
        " WHERE r.lea_code = ANY(%s) AND NOT r.refused AND r.test <> '')"
    )
    return sql, [codes]


def _figures_apart(codes: list[str], present: set[str]) -> Iterator[Finding]:
    leveled = "num_nonnulls(level_1, level_2, level_3) > 0"
    two = f"test IN ({sense.MET_OF_TWO})"
    hidden = dict.fromkeys(("tested", "scored", *_LEVELS), leveled) | {"met": f"{leveled} AND {two}"}
    hidden |= {"mean": f"{leveled} AND {two} AND grade_code <> '13'"}
    hidden = {name: when for name, when in hidden.items() if name in present}
    total = "level_1 + level_2 + level_3 + coalesce(level_4, 0)"
    met = "met - (level_3 + level_4)"
    tens = (*_COUNTED, "mean")
    sql, params = _kept(codes)
    more, both, less, large, off, summed, met_off, met_of, *rest = fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE tested > enrolled), count(*) FILTER (WHERE tested + enrolled IS NOT NULL),
          count(*) FILTER (WHERE scored * 2 < tested AND tested >= 20),
          count(*) FILTER (WHERE tested >= 20 AND scored IS NOT NULL),
          coalesce(avg({total} - 100) FILTER (WHERE {total} > 0), 0), count(*) FILTER (WHERE {total} > 0),
          coalesce(avg({met}) FILTER (WHERE {two}), 0), count({met}) FILTER (WHERE {two}),
          {
            ", ".join(
                f"count(*) FILTER (WHERE {name} >= 100 AND mod({name}, 10) <> 0), count(*) FILTER (WHERE {name} >= 100)"
                for name in tens
            )
        }
          {
            "".join(
                f", count(*) FILTER (WHERE {when} AND {name} IS NULL), count(*) FILTER (WHERE {when})"
                for name, when in hidden.items()
            )
        }
        FROM {sql} AS k
        """,
        params,
    )
    if more >= _FEW and more > _SMALL_SHARE * both:
        yield ("tested", "enrolled"), more, both, "more students were tested than enrolled"
    if large >= _FEWEST and less > _SHARE * large:
        yield ("scored", "tested"), less, large, "fewer than half of the students tested have scores"
    if summed >= _FEWEST and abs(off) > _SUM_OFF:
        yield _LEVELS, summed, summed, f"the levels add up to {100 + off:.1f} percent on average"
    if met_of >= _FEWEST and abs(met_off) > _SUM_OFF:
        yield (
            ("met", "level_3", "level_4"),
            met_of,
            met_of,
            f"the percent met is off its levels by {met_off:.1f} on average",
        )
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    for name, (uneven, of) in zip(tens, pairs, strict=False):
        if of >= _FEWEST and not uneven:
            yield (name,), of, of, "the figures end with a zero, as if they were rounded"
    for name, (count, of) in zip(hidden, pairs[len(tens) :], strict=True):
        if of >= _FEWEST and count > _SHARE * of:
            yield (name,), count, of, "the figure is hidden or blank although levels are given"


def _in_a_row(codes: list[str]) -> Iterator[Finding]:
    sql, params = _kept(codes)
    for name in (*_COUNTED, "mean"):
        found = fetch_all(
            f"""
            SELECT count(*) AS lines, sum(count(*)) OVER () FROM (
              SELECT {name} AS figure,
                row_number() OVER (ORDER BY line) - row_number() OVER (PARTITION BY {name} ORDER BY line) AS g
              FROM {sql} AS k WHERE {name} > 0) AS i
            GROUP BY figure, g ORDER BY 1 DESC LIMIT 1
            """,
            params,
        )
        if found and found[0][0] >= _IN_A_ROW:
            yield (
                (name,),
                found[0][0],
                int(found[0][1]),
                "one after another the figure is the same, as if it were filled down",
            )


def _means(codes: list[str]) -> Iterator[Finding]:
    for lines, own, *_others in headings.means(codes):
        if lines >= headings.FEWEST_MEANS and own is not None and own < _FOLLOWS:
            yield ("mean",), lines, lines, "of single grades, together, the mean scale scores do not go with the levels"


def _tests(codes: list[str]) -> Iterator[Finding]:
    """In every year that the state published, more students met the standard in ELA than in math."""
    sql, params = _kept(codes)
    state = "k.place = '00000000000000' AND k.group_code = '1' AND k.grade_code = '13'"
    (crossed,) = fetch_one(
        f"SELECT count(*) FROM {sql} AS k JOIN {sql} AS m ON m.place = k.place AND m.group_code = '1' AND m.grade_code = '13'"
        f" AND m.test_year = k.test_year WHERE {state} AND k.test = 'SBELA' AND m.test = 'SBMATH' AND k.met < m.met",
        params * 2,
    )
    if crossed:
        why = "of the whole state, more students met the standard in math than in ELA, as if the tests were exchanged"
        yield ("test_id",), crossed, crossed, why


def _years(context: RunContext, codes: list[str]) -> Iterator[Finding]:
    first, last = _YEARS.get(context.layout.key if context.layout else "", (0, 9999))
    sql, params = _kept(codes)
    of, other = fetch_one(
        f"SELECT count(*), count(*) FILTER (WHERE test_year::int NOT BETWEEN {first} AND {last}) FROM {sql} k", params
    )
    if other == of > 0:
        years = f"{first} to {last}" if last < 2099 else f"{first} and later"
        yield ("test_year",), other, of, f"the year is not one whose files have these columns ({years})"


# -- entities ----------------------------------------------------------------------------------------------------------


def warn_of_names(context: RunContext) -> None:
    """A county or district with two names, two counties with one, a school with the name of another one on record."""
    for field, code in (("county_name", "left(r.place, 2)"), ("district_name", "r.lea_code")):
        found = fetch_all(
            f"""
            SELECT {code}, min(r.{field}), max(r.{field}), min(r.line) FROM {_PLACES} r
            WHERE NOT r.refused AND r.{field} <> '' GROUP BY 1 HAVING min(r.{field}) <> max(r.{field}) ORDER BY 4
            """
        )
        if found:
            place, one, other, line = found[0]
            _tell_names(context, field, len(found), line, f"{place} is called {one} and {other}")
    counties = fetch_all(
        f"""
        SELECT r.county_name, min(left(r.place, 2)), max(left(r.place, 2)), min(r.line) FROM {_PLACES} r
        WHERE NOT r.refused AND r.county_name <> '' GROUP BY 1 HAVING min(left(r.place, 2)) <> max(left(r.place, 2)) ORDER BY 4
        """
    )
    if counties:
        name, one, other, line = counties[0]
        _tell_names(context, "county_name", len(counties), line, f"{one} and {other} are both called {name}")
    count, line = fetch_one(
        f"""
        SELECT count(*), min(r.line) FROM {_PLACES} r
        JOIN students_lea l ON lpad(l.code, 7, '0') = r.lea_code AND l.state = '{StateProfile.CALIFORNIA}'
        JOIN students_school k ON k.lea_id = l.id AND lpad(k.code, 7, '0') = right(r.place, 7)
        JOIN students_school o ON o.lea_id = l.id AND o.id <> k.id AND sis_loose(o.name) = sis_loose(r.school_name)
        WHERE NOT r.refused AND r.school_name <> '' AND sis_loose(k.name) <> sis_loose(r.school_name)
        """
    )
    if count:
        _tell_names(context, "school_name", count, line, "a school has the name of another school on record")


def _tell_names(context: RunContext, field: str, count: int, line: int, why: str) -> None:
    report_on_file(context, "RES-NAMES", field=field, params={"count": f"{count:,}", "line": f"{line:,}", "why": why})
