"""The reference pages say what the code says."""

from pathlib import Path

import pytest
from django.conf import settings

from assessments.models import Assessment
from assessments.scores.import_type import ScoreImport
from sisimport.imports.definition.registry import built_in_types, get_type
from sisimport.imports.reference import all_pages, import_types_page, named

# Each type's staging table comes and goes in a transaction of its own: together they would hold too many locks.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("name", sorted(all_pages()))
def test_reference_page_is_what_the_code_makes(name: str) -> None:
    written = (Path(settings.BASE_DIR) / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == all_pages()[name](), "run: script/manage write_reference"


def test_what_is_on_record_changes_no_row_of_the_reference() -> None:
    """Whoever adds a layout writes the reference in a database of a district, which has set-ups."""
    before = import_types_page()
    score_type = get_type("caaspp-2024-2025")
    assert isinstance(score_type, ScoreImport)
    code = next(iter(score_type.tests))
    made = Assessment.objects.create(name="Smarter Balanced for ELA", state_code=code)
    assert str(made.pk) in {choice.value for option in score_type.options for choice in option.choices}

    assert import_types_page() == before


def test_types_that_differ_by_year_are_named_together_so_that_a_new_year_changes_no_row() -> None:
    keys = [import_type.key for import_type in built_in_types()]
    caaspp = [key for key in keys if key.startswith("caaspp-")]
    assert named(caaspp) == ["caaspp-*"]
    assert named(caaspp[1:]) == [f"caaspp-* but {caaspp[0]}"]
    assert named(caaspp[:1]) == caaspp[:1]
    assert named(["ela", "students"]) == ["ela", "students"]
