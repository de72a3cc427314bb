"""A district with a student, and a folder that takes exports."""

from pathlib import Path

import pytest

from tests.imports.journey import District, make_district


@pytest.fixture
def district(db: None) -> District:
    made = make_district()
    made.student()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made
