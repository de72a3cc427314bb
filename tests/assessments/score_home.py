"""A student with an SSID, and the type and layout that tests of scores use."""

from assessments.pages.queries import scores_json
from assessments.structure import import_types
from students.models import Student
from tests.assessments.score_files import ALL

TYPE, LAYOUT = "caaspp-2023-2024", "caaspp-2023-24"


TYPES = {layout: facts.key for facts in import_types(ALL) for layout in facts.layouts}


WITH_PARTS = {
    "composite_claim_1_score": "2510",
    "composite_claim_1_level": "2",
    "composite_claim_2_level": "3",
    "scale_score_sem": "24",
    "lexile_quantile": "1045L",
}


def scores(number: str = "100") -> dict[str, dict[str, object]]:
    return {score["code"]: score for score in scores_json(Student.objects.get(local_number=number))}
