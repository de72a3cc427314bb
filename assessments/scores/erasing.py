"""An erased student no longer counts in any result."""

from assessments.models import Score
from assessments.scores.result_counts import Tally, recount_all
from sisimport.runtime.erasing import Asked, Eraser


def _uncount(request: Asked) -> tuple[int, list[str]]:
    """Subtract the student's scores from the counted results; the scores themselves are removed with the student's
    record."""
    scores = Score.objects.filter(student_id=request.student)
    tally, count = Tally(), 0
    columns = ("assessment_id", "school_year", "grade", "scale_score", "result", "as_tested")
    for test, year, grade, scale, result, as_tested in scores.values_list(*columns):
        held = (scale.encode(), result.encode(), as_tested.encode())
        key = str(test).encode()
        if tally.counts(key):
            tally.add_test(key, held, str(year).encode(), grade.encode())
            count += 1
    if not request.dry_run:
        tally.store(sign=-1)
    return count, []


COUNTED_RESULTS = Eraser("scores taken off counted results", _uncount, after_district=recount_all)
