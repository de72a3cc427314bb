"""Reads of scores for pages and commands."""

from typing import Any

from assessments.models import Score, year_label
from students.models import Student
from students.queries import show_with_student


def student_scores(student: Student) -> list[Score]:
    """All scores of a student: by test, newest year first, parents before their children."""
    scores = list(Score.objects.filter(student=student).select_related("assessment", "assessment__parent"))
    return sorted(scores, key=_order)


def _order(score: Score) -> tuple[Any, ...]:
    assessment = score.assessment
    parent = assessment.parent or assessment
    return (
        parent.position,
        parent.name,
        parent.pk,
        -score.school_year,
        assessment.parent_id is not None,
        assessment.position,
    )


def scores_json(student: Student) -> list[dict[str, Any]]:
    """Scores as the command `show_student` prints them."""
    return [
        {
            "assessment": score.assessment.name,
            "code": score.assessment.state_code,
            "parent": score.assessment.parent.state_code if score.assessment.parent else None,
            "school_year": year_label(score.school_year),
            "date": score.date.isoformat() if score.date else None,
            "scale_score": score.scale_score or None,
            "raw_score": score.raw_score or None,
            "result": score.result or None,
            "grade": score.grade,
            "status": score.status or None,
            "error_band": score.error_band or None,
            "measure": score.measure or None,
            "uin": score.uin or None,
        }
        for score in student_scores(student)
    ]


show_with_student("scores", scores_json)
