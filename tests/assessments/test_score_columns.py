"""What the database works out of a line by itself while it is staged: scores, skips, and the keys that tell repeats."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.db import connection
from hypothesis import event, given
from hypothesis import strategies as st

from assessments import structure
from assessments.models import ScoreRange, ScoreRow
from assessments.scores import columns as score_columns
from assessments.scores.encoding import CELLS, LENGTHS, unpacked
from assessments.scores.import_type import ScoreImport
from assessments.scores.setups import SKIP, targets
from assessments.structure import LayoutTest, Part, no_score, unscored_codes
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.progress import Progress
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine.sql import quoted
from sisimport.imports.engine.staging import create_table
from sisimport.imports.models import ImportRun
from tests.assessments.score_files import ALL, SSID_1, SSID_2, ela, text
from tests.assessments.test_score_properties import district_with_old_numbers, repeated_lines, with_repeats
from tests.assessments.test_usual_lines import (
    LAYOUTS,
    TYPES,
    VALUES,
    changes_of_cells,
    findings_of,
    lines_of,
    said_and_planned,
)
from tests.imports.properties import RolledBack, few
from tests.imports.test_kept_selects import sent
from tests.ssid.journey import codes

pytestmark = pytest.mark.django_db

LAYOUT = "caaspp-2023-24"
Line = dict[str, str]


def context_of(layout: str, **options: str) -> RunContext:
    import_type = get_type(TYPES[layout])
    run = ImportRun(import_type=import_type.key, options=options)
    fields = tuple(name for name in import_type.fields if name in ALL[layout].fields)
    return RunContext(run, import_type, cast(Progress, None), layout=ALL[layout], fields=fields)


def told(context: RunContext, lines: list[Line]) -> list[dict[str, Any]]:
    """The computed columns of these lines, in their order. `refused` may stand among the cells of a line."""
    computed = ScoreImport.generated_columns(cast(ScoreImport, context.import_type), context)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")
        create_table(ScoreRow, computed=computed)
        for number, line in enumerate(lines):
            held: dict[str, Any] = {"state": "CA", "refused": False, **line, "line": number}
            names, places = ", ".join(map(quoted, held)), ", ".join(["%s"] * len(held))
            cursor.execute(f"INSERT INTO staged_score ({names}) VALUES ({places})", list(held.values()))
        cursor.execute(f"SELECT {', '.join(computed)} FROM staged_score ORDER BY line")
        found = [dict(zip(computed, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute("DISCARD TEMP")
    return found


# -- the scores of a line ----------------------------------------------------------------------------------------------


def number(value: str) -> str:
    if value == "NS":
        return ""
    return (value.lstrip("0") or "0") if value.startswith("0") else value


def kept(value: str, cell: str) -> str:
    return value.translate({ord("|"): None, ord(";"): None})[: LENGTHS[cell]]


def is_scored(part: Part, line: Line, *, parent: bool) -> bool:
    scored = any(line.get(name, "") not in {"", "NS"} for name in (part.scale, part.raw) if name)
    return scored or (
        bool(part.result) and line.get(part.result, "") not in ({"", *no_score(), "E"} if parent else {""})
    )


def scores_of(test: LayoutTest, line: Line) -> dict[str, dict[str, str]]:
    """The filled cells of each score of a line by state code, as scores/encoding.py and structure.py say."""
    found = {}
    for part in test.parts:
        parent = part is test.parent
        if not is_scored(part, line, parent=parent):
            continue
        result = line.get(part.result, "")
        cells = {
            "scale_score": number(line.get(part.scale, "")),
            "raw_score": number(line.get(part.raw, "")),
            "result": part.spellings().get(result, result),
            "error_band": number(line.get(part.error, "")),
        }
        if parent:
            cells["status"] = kept(line.get("condition_code", ""), "status")
            cells["uin"] = kept(line.get("uin", ""), "uin")
            cells["measure"] = kept(line.get(part.measure, ""), "measure")
        found[part.code] = {name: value for name, value in cells.items() if value}
    return found


def spellings(layout: str) -> list[str]:
    return [spelling for test in structure.tests_of(ALL[layout]) for spelling in test.record_types]


def lines_for(layout: str) -> st.SearchStrategy[tuple[str, list[Line]]]:
    """Lines of a layout in which any column that scores are made of may hold anything."""
    tests = structure.tests_of(ALL[layout])
    used = {
        getattr(part, kind)
        for test in tests
        for part in test.parts
        for kind in ("scale", "raw", "result", "error", "measure")
    }
    names = sorted({*used, "uin", "condition_code"} & set(ALL[layout].fields))
    texts = {"uin", "condition_code", *(test.parent.measure for test in tests)}
    values = [*VALUES, "00", "0", "000", "IFEP", *unscored_codes(), "É" * 25]
    plain = [value for value in values if "|" not in value]  # in a score or level that is an error, which keeps it out
    cell = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from([*values, "7|;7"] if name in texts else plain))
    )
    line = st.builds(
        lambda cells, record_type: {"ssid": SSID_1, "record_type": record_type, **dict(cells)},
        st.lists(cell, max_size=12),
        st.sampled_from([*spellings(layout), "99"]),
    )
    return st.tuples(st.just(layout), st.lists(line, min_size=1, max_size=40))


@few
@given(held=st.sampled_from(LAYOUTS).flatmap(lines_for))
def test_a_line_tells_its_scores_and_whether_it_has_any(held: tuple[str, list[Line]]) -> None:
    layout, lines = held
    with RolledBack():
        context = context_of(layout)
        rows = told(context, lines)
        by_spelling = {spelling: target for target in targets(context) for spelling in target.test.record_types}

        for line, row in zip(lines, rows, strict=True):
            target = by_spelling.get(line["record_type"])
            expected = scores_of(target.test, line) if target else {}
            names = {pk: code for code, pk in target.ids.items()} if target else {}
            found = {
                names[pk]: {name: cells[name] for name in CELLS if cells[name]}
                for pk, cells in unpacked({"scores": row["packed"]}).items()
            }
            assert found == expected
            assert list(found) == list(expected), "the score of the test itself comes first"
            unscored = line.get("condition_code", "") in unscored_codes()
            real = target and any(is_scored(part, line, parent=True) for part in target.test.parts)
            assert row["skipped"] == (1 if target and (unscored or not real) else 0)
        event(f"scores: {sum(bool(row['packed']) for row in rows) * 4 // len(rows)} quarters of the lines")


def test_a_test_that_was_not_chosen_has_no_scores_and_says_so() -> None:
    lines = [{"ssid": SSID_1, "record_type": kind, "scale_score": "2500"} for kind in ("01", "ELA", "02")]

    found = told(context_of(LAYOUT, SBELA=SKIP), lines)

    assert [row["skipped"] for row in found] == [2, 2, 0]
    assert [bool(row["packed"]) for row in found] == [False, False, True]


def test_a_refused_line_is_not_reported_as_skipped() -> None:
    refused = [{"ssid": "", "record_type": kind, "refused": "t"} for kind in ("01", "02", "x")]

    found = told(context_of(LAYOUT, SBMATH=SKIP), refused)

    assert [row["skipped"] for row in found] == [0, 0, 0]


# -- lines as usual ----------------------------------------------------------------------------------------------------

USUAL: Line = {
    "ssid": SSID_1,
    "record_type": "01",
    "grade_assessed": "05",
    "scale_score": "2502",
    "achievement_level": "3",
}


@pytest.mark.parametrize(
    "odd",
    [
        {"ssid": SSID_1[:-1]},
        {"ssid": SSID_1 + "1"},
        {"ssid": "90123456x8"},
        {"scale_score": "25020"},
        {"scale_score": "NS"},
        {"scale_score": "-1"},
        {"scale_score_sem": "2.5"},
        {"composite_claim_2_score": "x"},
        {"achievement_level": "5"},
        {"composite_claim_1_level": "4"},
        {"condition_code": "ZZZ"},
        {"record_type": "99"},
    ],
)
def test_a_line_with_one_odd_value_is_looked_at_closer(odd: Line) -> None:
    usual, found = told(context_of(LAYOUT), [USUAL, USUAL | odd])

    assert usual["plain"] is True
    assert found["plain"] is False


# -- repeats -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"record_type": "ELA"}, True),
        ({"record_type": "1"}, True),
        ({"scale_score": "2400", "uin": "5"}, True),
        ({"current_year_flag": "Y"}, True),
        ({"current_year_flag": "N"}, True),
        ({"record_type": "02"}, False),
        ({"ssid": SSID_2}, False),
        ({"current_year_flag": "2023"}, False),
    ],
)
def test_lines_share_a_key_that_speak_of_one_student_test_and_year(other: Line, same: bool) -> None:
    one, two = told(context_of(LAYOUT), [USUAL, USUAL | other])

    assert one["repeat_key"] is not None
    assert (one["repeat_key"] == two["repeat_key"]) is same


def test_lines_of_two_earlier_years_have_keys_of_their_own() -> None:
    years = [USUAL | {"current_year_flag": flag} for flag in ("", "2022", "2023")]

    assert len({row["repeat_key"] for row in told(context_of(LAYOUT), years)}) == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_test_of_a_layout_has_a_key_of_its_own_however_it_is_spelled(layout: str) -> None:
    tests = structure.tests_of(ALL[layout])
    found = told(context_of(layout), [{"ssid": SSID_1, "record_type": kind} for kind in spellings(layout)])

    owners = [test.code for test in tests for _spelling in test.record_types]
    keys = {(row["repeat_key"], owner) for row, owner in zip(found, owners, strict=True)}
    assert len(keys) == len(tests)
    assert len({key for key, _owner in keys}) == len(tests)


def test_a_line_without_number_has_no_key() -> None:
    (blank,) = told(context_of(LAYOUT), [USUAL | {"ssid": "", "uin": ""}])

    assert (blank["repeat_key"], blank["uin_key"]) == (None, None)


def test_lines_with_one_uin_share_a_key() -> None:
    one, two, three = told(context_of(LAYOUT), [USUAL | {"uin": uin} for uin in ("77", "77", "78")])

    assert one["uin_key"] == two["uin_key"] != three["uin_key"]


def test_keys_follow_a_number_that_is_replaced() -> None:
    context = context_of(LAYOUT)
    with connection.cursor() as cursor:
        create_table(ScoreRow, computed=context.import_type.generated_columns(context))
        cursor.execute("INSERT INTO staged_score (line, state, refused, ssid, record_type) VALUES (1, 'CA', false, %s, '01'),"
                       " (2, 'CA', false, %s, '01')", [SSID_1, SSID_2])  # fmt: skip
        cursor.execute("UPDATE staged_score SET ssid = %s", [SSID_1])
        cursor.execute("SELECT count(DISTINCT repeat_key) FROM staged_score")
        assert cursor.fetchone() == (1,)
        cursor.execute("DISCARD TEMP")


@pytest.fixture
def meeting_keys() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def meet(patch: pytest.MonkeyPatch) -> None:
    """From now on every key meets every other."""
    computed = score_columns.generated_columns

    def constant(context: RunContext) -> dict[str, Any]:
        found = computed(context)
        for name, column in (("repeat_key", "ssid"), ("uin_key", "uin")):
            if name in found:
                found[name] = score_columns._sql(f"CASE WHEN {column} <> '' THEN 1 END", found[name].output_field)
        return found

    patch.setattr(score_columns, "generated_columns", constant)


@few
@given(layout=st.sampled_from(LAYOUTS), changed=changes_of_cells, repeats=repeated_lines)
@pytest.mark.long
def test_keys_that_meet_by_chance_change_nothing(
    layout: str, changed: list[tuple[int, str, int]], repeats: list[tuple[int, str]]
) -> None:
    with RolledBack(), pytest.MonkeyPatch.context() as patch:
        data = with_repeats(layout, lines_of(district_with_old_numbers(), layout, changed), repeats).encode()

        apart = findings_of(layout, data, "")
        meet(patch)
        met = findings_of(layout, data, "")

        event(f"repeats: {any('AMB' in i['code'] for i in apart['issues'])}")
        assert said_and_planned(apart) == said_and_planned(met)


def test_repeats_are_distinguished_from_chance_meetings(meeting_keys: pytest.MonkeyPatch) -> None:
    district_with_old_numbers()
    same = ela(uin="1")
    data = text(LAYOUT, same, {**same, "record_type": "ELA", "uin": "2"}, ela(uin="3", record_type="02"))
    meet(meeting_keys)

    found = findings_of(LAYOUT, data, "")

    assert [(i["line"], i["code"]) for i in found["issues"] if i["code"].startswith("AMB")] == [(3, "AMB-REPEAT")]
    assert codes(found).count("AMB-REPEAT") == 1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_statement_of_a_layout_finds_its_columns_without_those_that_it_does_not_name(layout: str) -> None:
    """A column that some rule, plan or computed column names must be in the table; few others are."""
    context = context_of(layout)
    context.run.pk = 5
    unnamed = set(context.import_type.unnamed_fields(context))
    computed = context.import_type.generated_columns(context)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")
        create_table(ScoreRow, of_file=context.fields, without=unnamed, computed=computed)
        create_table(ScoreRange)
        statements = sent(context)
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("DISCARD TEMP")

    assert len(statements) > 3
    assert len(unnamed) > 10
    assert not unnamed.intersection(context.fields)
