"""Next year's layout is one data file."""

from pathlib import Path
from typing import Any

import pytest

from assessments.import_types import register_score_imports
from assessments.pages.queries import scores_json
from assessments.scores.import_type import LAYOUTS
from sisimport.files.layouts import load_layout
from sisimport.imports.definition import registry
from students.models import Student
from tests.assessments import score_files
from tests.assessments.score_files import SSID_1, counts, ela, report, text
from tests.ssid.journey import district

YEAR = "caaspp-2025-26"


@pytest.fixture
def invented_year(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A layout of a year to come, in a folder of the district's own."""
    written = (LAYOUTS / "caaspp-2024-25.toml").read_text(encoding="utf-8")
    written = written.replace("2024-25", "2025-26").replace('column = "ScaleScore"', 'column = "New Scale Score"')
    written = written.replace('  "ScaleScore",\n', '  "New Scale Score",\n  "One More",\n')
    (tmp_path / f"{YEAR}.toml").write_text(written, encoding="utf-8")
    settings.LAYOUT_DIR = str(tmp_path)
    monkeypatch.setattr(registry, "_types", dict(registry._types))
    registry.folder_layouts.cache_clear()
    monkeypatch.setitem(score_files.ALL, YEAR, load_layout(tmp_path / f"{YEAR}.toml"))
    registry._types = {key: t for key, t in registry._types.items() if t.screen.tool != "caaspp"}
    yield register_score_imports(LAYOUTS, listed=True)
    registry.folder_layouts.cache_clear()


@pytest.mark.django_db
def test_a_new_year_is_an_import_type_of_its_own_at_once(invented_year: Any) -> None:
    district().add("100", ssid=SSID_1)

    done = report("caaspp-2025-2026", text(YEAR, ela(YEAR, scale_score="2555")), work="import")

    assert registry.get_type("caaspp-2025-2026").screen.label == "CAASPP 2025-2026"
    assert (counts(done), done["layout"]) == ({"import": 1}, YEAR)
    score = scores_json(Student.objects.get())[0]
    assert (score["school_year"], score["scale_score"]) == ("2025-26", "2555")


@pytest.mark.django_db
def test_last_years_type_refuses_the_new_file_by_name(invented_year: Any) -> None:
    done = report("caaspp-2024-2025", text(YEAR, ela(YEAR)))

    assert done["status"] == "rejected"
    assert "2025-26" in done["message"]
