"""An installation whose newest score layouts are those of 2024-25, whatever years the product has by now: where tests that
add 2025-26 start. Fixture; the conftest modules of its rooms offer it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assessments.import_types import register_score_imports
from assessments.scores.import_type import LAYOUTS, TOOL
from assessments.structure import school_year
from sisimport.imports.definition import registry
from tests.assessments.score_files import ALL

NEWEST = 2025


@pytest.fixture
def newest_is_2024_25(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    later = {key for key in ALL if school_year(key) > NEWEST}
    if not later:
        yield
        return
    load = registry.load_layouts

    def load_earlier(folder: Path, **more: Any) -> dict[str, Any]:
        return {key: layout for key, layout in load(folder, **more).items() if key not in later}

    monkeypatch.setattr(registry, "load_layouts", load_earlier)
    for key in later:
        monkeypatch.delitem(ALL, key)
    registry.folder_layouts.cache_clear()
    others = {key: kind for key, kind in registry._types.items() if kind.screen.tool != TOOL}
    monkeypatch.setattr(registry, "_types", others)
    register_score_imports(LAYOUTS, listed=True)
    yield
    registry.folder_layouts.cache_clear()
