"""The pages of results read what they need by indexes, however many scores and counts there are."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.models import Assessment, ResultCount, Score
from assessments.results.asking import what_is_held
from assessments.results.counts import Moves, pairs_of
from assessments.results.shapes import BY, Choice, Reader
from assessments.results.tables import build
from tests.load.population import depopulate, populate, settle
from tests.load.result_history import LAST_YEAR, forget_results, remember_results

pytestmark = pytest.mark.django_db
TABLES = (Score._meta.db_table, ResultCount._meta.db_table)
ALL_SEEN = Reader(None, sees_each=True)
OF_A_SCHOOL = Reader(frozenset({("1234561", "1000001")}), sees_each=False)


@pytest.fixture(scope="module")
def history(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Four years of 3,000 students of one large district and its neighbors."""
    with django_db_blocker.unblock():
        populate(3000, schools=20)
        remember_results(4)
        settle()
        yield
        forget_results()
        depopulate()


def scans(queries: CaptureQueriesContext) -> list[tuple[str, str]]:
    """(kind of node, table or index) of every node that reads scores or counts."""
    found: list[tuple[str, str]] = []

    def walk(node: dict[str, Any]) -> None:
        if node.get("Relation Name", "").startswith(TABLES) or "Index Name" in node:
            found.append((node["Node Type"], node.get("Index Name") or node["Relation Name"]))
        for child in node.get("Plans", ()):
            walk(child)

    asked = [query["sql"] for query in queries.captured_queries if any(table in query["sql"] for table in TABLES)]
    assert asked
    with connection.cursor() as cursor:
        for sql in asked:
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), [])
            walk(cursor.fetchone()[0][0]["Plan"])
    return found


@pytest.mark.combinations
@pytest.mark.parametrize("reader", [ALL_SEEN, OF_A_SCHOOL], ids=["who sees all", "of a school"])
@pytest.mark.parametrize("same", [False, True], ids=["", "same students"])
@pytest.mark.parametrize("by", BY)
def test_no_view_reads_all_scores_or_all_counts(history: None, by: str, same: bool, reader: Reader) -> None:
    with CaptureQueriesContext(connection) as queries:
        held = what_is_held()
        found = build(Choice("SBELA", LAST_YEAR, by=by, same=same), held, reader)
    assert found.rows

    read = scans(queries)

    assert not [table for kind, table in read if kind == "Seq Scan" and table.startswith(TABLES)]
    if same:
        # What an index of the whole table is called in the partition of a year.
        assert [
            kind
            for kind, name in read
            if kind.endswith("Index Scan") and name.endswith("_assessment_id_school_year_idx")
        ]
    else:
        assert not [name for _kind, name in read if name.startswith("assessments_score")]


def test_pairs_of_two_years_are_those_of_the_scores(history: None) -> None:
    test = Assessment.objects.get(state_code="SBELA").pk
    standards, earlier = {"05": 2502, "08": 2567}, {"05": 2400, "04": 2473}

    found = {(pair.school, pair.grade): pair for pair in pairs_of(test, LAST_YEAR, test, standards, earlier, highest=4)}

    scores = {
        (score.student_id, score.school_year): score
        for score in Score.objects.filter(assessment_id=test, school_year__in=[LAST_YEAR, LAST_YEAR - 1])
    }
    expected: dict[Any, list[tuple[Score, Score]]] = {}
    for (student, year), now in scores.items():
        if year == LAST_YEAR:
            lea, school = now.as_tested.split(",")[:2]
            expected.setdefault(((lea, school), now.grade), []).append((now, scores[student, LAST_YEAR - 1]))
    assert found.keys() == expected.keys()
    for place, pairs in expected.items():
        pair = found[place]
        above = [int(b.scale_score) - earlier[b.grade] for _n, b in pairs if b.grade in earlier]
        assert pair.now.tested == pair.before.tested == len(pairs)
        assert pair.now.levels[:4] == tuple(sum(n.result == level for n, _b in pairs) for level in "1234")
        assert (pair.now.scale_sum, pair.now.scale_count) == (sum(int(n.scale_score) for n, _b in pairs), len(pairs))
        assert (pair.before.measured, pair.before.above) == (len(above), sum(above))
        assert pair.now.measured == (len(pairs) if place[1] in standards else 0)
        steps = Counter(int(n.result) - int(b.result) for n, b in pairs)
        kept = sum(n.result == b.result == "4" for n, b in pairs)
        far, down = (sum(steps[n] for n in range(first, first + 2)) for first in (2, -3))
        assert pair.moves == Moves(far + steps[4], steps[1], kept, steps[0] - kept, down + steps[-1])
