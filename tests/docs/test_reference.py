"""The reference pages say what the code says."""

from copy import copy
from pathlib import Path

import pytest
from django.conf import settings

from assessments.models import Assessment
from assessments.scores.import_type import ScoreImport
from sisimport.imports.definition import registry
from sisimport.imports.definition.registry import built_in_types, get_type
from sisimport.imports.reference import all_pages, import_types_page, issue_codes_page, named
from tests.factories import StudentFactory

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


def test_students_on_record_change_no_row_of_the_reference() -> None:
    before = issue_codes_page()
    StudentFactory()

    assert issue_codes_page() == before


def test_types_that_differ_by_year_are_named_together_so_that_a_new_year_changes_no_row() -> None:
    keys = [import_type.key for import_type in built_in_types()]
    caaspp = [key for key in keys if key.startswith("caaspp-")]
    assert named(caaspp) == ["caaspp-*"]
    assert named(caaspp[1:]) == [f"{caaspp[1]} and later"]
    assert named(caaspp[-1:]) == [f"{caaspp[-1]} and later"]
    assert named(caaspp[:2]) == [f"{caaspp[1]} and earlier"]
    assert named(caaspp[1:4]) == [f"{caaspp[1]} to {caaspp[3]}"]
    assert named(caaspp[1:3]) == caaspp[1:3]
    assert named([caaspp[0], *caaspp[2:]]) == [caaspp[0], f"{caaspp[2]} and later"]
    assert named(caaspp[:1]) == caaspp[:1]
    assert named(["ela", "students"]) == ["ela", "students"]


@pytest.mark.long
def test_a_year_more_adds_its_own_rows_and_changes_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout added in the product, as docs/how-to/add-next-years-layout.md has it."""
    pages = {name: make().splitlines() for name, make in all_pages().items()}
    newest = max((t for t in built_in_types() if t.key.startswith("caaspp-")), key=lambda t: t.key)
    assert isinstance(newest, ScoreImport)
    next_year = copy(newest)
    next_year.key = "caaspp-2090-2091"
    monkeypatch.setitem(registry._types, next_year.key, next_year)

    written = {name: make().splitlines() for name, make in all_pages().items()}

    gone = {line for name, lines in pages.items() for line in lines if line not in written[name]}
    new = {line for name, lines in written.items() for line in lines if line not in pages[name]}
    assert gone == set()
    assert {line.split(" | ")[0] for line in new} == {"| `caaspp-2090-2091`"}
