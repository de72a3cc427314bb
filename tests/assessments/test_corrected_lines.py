"""Refused lines of score files are corrected alone, in both forms of the file, whatever its width."""

import pytest

from sisimport.demo.district import make_district
from sisimport.imports.models import CorrectedLine
from sisimport.imports.runs import corrected_files, corrections
from students.models import LEA
from tests.assessments.score_files import finish, start
from tests.assessments.test_samples import TYPE_OF, sample

KEYS = ["caaspp-2017-18", "caaspp-2022-23", "elpac-summative-2021-22", "elpac-initial-2022-23"]


@pytest.fixture
def lea(db: None) -> LEA:
    return make_district(students=60, seed=3, ssid_percent=100).lea


@pytest.mark.parametrize("fixed", [False, True], ids=["delimited", "fixed width"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.long
def test_a_refused_line_of_scores_is_corrected_alone(key: str, fixed: bool, lea: LEA) -> None:
    whole = start(TYPE_OF[key], sample(key, lea, fixed=fixed), name="scores.dat")
    assert whole.refused_count == 0
    wanted = next(change.line for change in whole.changes.order_by("line") if change.line > 1)
    fields = corrected_files.fields_of(whole, corrected_files.raw_records(whole, [wanted])[wanted])
    assert len(fields) > 10
    number = next(field for field in fields if field.key == "birth_date")

    corrections.save_draft(whole, wanted, {number.at: "x"}, user=None)
    broken = finish(corrections.start_corrected_test(run=whole, user=None, schools=None, lines=[wanted], enqueue=False))
    assert (broken.record_count, broken.refused_count) == (1, 1)
    assert set(broken.issues.filter(line__gt=0).values_list("line", flat=True)) == {wanted}

    corrections.save_draft(broken, wanted, {number.at: number.value}, user=None)
    right = finish(corrections.start_corrected_test(run=broken, user=None, schools=None, lines=[wanted], enqueue=False))
    assert (right.record_count, right.error_count) == (1, 0)
    assert CorrectedLine.objects.get(file=right.file, line=wanted).fields[0]["after"] == number.value
