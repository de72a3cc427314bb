"""Every layout has a synthetic file that imports without an error; its fixed-width twin says the same."""

import io

import pytest

from assessments.demo import people, write_scores
from assessments.structure import import_types
from sisimport.imports.demo import make_district
from students.models import LEA
from tests.assessments.score_files import ALL, start

TYPE_OF = {key: facts.key for facts in import_types(ALL) for key in facts.layouts}


@pytest.fixture
def lea(db: None) -> LEA:
    return make_district(students=60, seed=3, ssid_percent=100).lea


def sample(key: str, lea: LEA, *, fixed: bool = False) -> bytes:
    stream = io.StringIO(newline="")
    write_scores(stream, ALL[key], people(lea), fixed=fixed)
    return stream.getvalue().encode()


@pytest.mark.parametrize("key", sorted(ALL))
def test_the_sample_of_a_layout_imports_without_an_error(key: str, lea: LEA) -> None:
    run = start(TYPE_OF[key], sample(key, lea), work="import")

    assert (run.status, run.error_count, run.warning_count) == ("completed", 0, 0)
    assert run.layout == key
    assert run.import_count + run.skipped_count == run.record_count
    assert run.import_count > 40


@pytest.mark.parametrize(
    "key", ["caaspp-2017-18", "caaspp-2022-23", "elpac-summative-2021-22", "elpac-initial-2022-23"]
)
def test_the_fixed_width_twin_imports_to_the_same(key: str, lea: LEA) -> None:
    start(TYPE_OF[key], sample(key, lea), work="import")

    twin = start(TYPE_OF[key], sample(key, lea, fixed=True), name="scores.dat")

    assert (twin.status, twin.error_count, twin.planned_count) == ("completed", 0, 0)
    assert twin.unchanged_count + twin.skipped_count == twin.record_count
