"""The short way through the rules for usual lines says what the rules say: same findings, same plan, for any lines."""

import io
import os
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from assessments import structure
from assessments.demo.score_files import people, write_scores
from assessments.scores.import_type import ScoreImport
from sisimport.imports.definition.import_type import RunContext
from tests.assessments.score_files import ALL, report
from tests.imports.properties import OneExample, few
from tests.longer import LONG
from tests.ssid.journey import District, district

TYPES = {layout: facts.key for facts in structure.import_types(ALL) for layout in facts.layouts}
# Columns that differ most; every layout where there is time.
SOME_LAYOUTS = [
    "caaspp-2017-18",
    "caaspp-2018-19",
    "caaspp-2021-22",
    "caaspp-2023-24",
    "elpac-summative-2023-24",
    "elpac-initial-2018-19",
    "elpac-initial-2024-25",
]
LAYOUTS = sorted(TYPES) if LONG or "HYPOTHESIS_EXAMPLES" in os.environ else SOME_LAYOUTS
VALUES = [
    "", "NS", "E", "0", "1", "2", "3", "4", "5", "9", "12", "0012", "220", "349", "379", "2500", "9999", "99999", "-1", "2.5",
    "3.25", "x", "5|6", "|", "N", "Y", "03", "11", "KN", "Lee", "Sam", "SÁM", "2011-03-04", "2012-01-01", "01", "05", "22",
    "9012345678", "9087654321", "9011111111", "90123", "NT", "EL", "IFEP", "Well developed",
]  # fmt: skip
changes_of_cells = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(VALUES), st.integers(0, 400)), min_size=0, max_size=8
)


def home() -> District:
    made = district()
    for number, ssid in (("100", "9012345678"), ("101", "9087654321"), ("102", "9011111111")):
        made.add(number, ssid=ssid, first_name="Sam" if number == "100" else f"Kim{number}")
    return made


def lines_of(made: District, layout_key: str, cells_to_change: list[tuple[int, str, int]]) -> bytes:
    """A valid file of the layout, a line per student and test, with some cells changed."""
    layout = ALL[layout_key]
    stream = io.StringIO()
    for number, test in enumerate(structure.tests_of(layout)):
        part = io.StringIO()
        write_scores(part, layout, people(made.lea), only=test.code, seed=number)
        stream.write(part.getvalue() if not number else part.getvalue().split("\n", 1)[1])
    header, *lines = stream.getvalue().splitlines()
    fields = [column for name, column in sorted(layout.fields.items()) if name in ScoreImport.fields]
    for line, value, field in cells_to_change:
        cells = lines[line % len(lines)].split(layout.delimiter)
        cells[fields[field % len(fields)].position - 1] = value
        lines[line % len(lines)] = layout.delimiter.join(cells)
    return "".join(f"{line}\n" for line in [header, *lines]).encode()


def findings_of(layout: str, data: bytes, schools: str) -> dict[str, Any]:
    """What a Test of the file finds and plans; keys of set-ups to be made are drawn again each time."""
    found = report(TYPES[layout], data, options={"schools": schools})
    return {**found, "changes": [change for change in found["changes"] if change["field"] != "parent_id"]}


def said_and_planned(found: dict[str, Any]) -> dict[str, Any]:
    """What two ways to the same report have to agree on."""
    counted = ("planned_count", "refused_count", "skipped_count", "unchanged_count")
    return {name: found[name] for name in ("status", "issues", "changes", *counted)}


@pytest.mark.django_db
@few
@given(layout=st.sampled_from(LAYOUTS), changed=changes_of_cells, schools=st.sampled_from(["", "0123456", "7654321"]))
@pytest.mark.long
def test_usual_lines_are_those_that_no_rule_mentions(layout, changed, schools) -> None:  # type: ignore[no-untyped-def]
    with OneExample(), pytest.MonkeyPatch.context() as patch:
        data = lines_of(home(), layout, changed)

        quick = findings_of(layout, data, schools)
        patch.setattr(ScoreImport, "skips_rules_when", lambda _self, _context: None)
        slow = findings_of(layout, data, schools)

        event(f"{quick['status']}, {len({i['code'] for i in slow['issues']})} kinds of finding")
        assert said_and_planned(quick) == said_and_planned(slow)


@pytest.mark.django_db
@pytest.mark.parametrize("layout", LAYOUTS)
def test_nearly_every_line_of_a_valid_file_is_usual(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    told = ScoreImport.skips_rules_when

    def count(self: ScoreImport, context: RunContext):  # type: ignore[no-untyped-def]
        usual = told(self, context)
        rows = self.rows(context).filter(refused=False, skipped=0)
        asked.append((rows.filter(usual).count(), rows.count()))
        return usual

    monkeypatch.setattr(ScoreImport, "skips_rules_when", count)
    report(TYPES[layout], lines_of(home(), layout, []))

    usual, scored = asked[0]
    assert scored > 0
    assert usual == scored
