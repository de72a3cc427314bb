"""A district's own layouts take the place of the packaged ones (rule U-12)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sisimport.imports.checks import check_own_layouts
from sisimport.imports.definition import registry
from sisimport.imports.definition.registry import folder_layouts, get_type

RESPONSE = 'title = "Ours"\nsource = "our letter"\ndelimiter = "|"\nheader = "none"\ncolumns = [{columns}]\n'
STATUS = '{ name = "Word", field = "status", codes = "utah_status" }'


@pytest.fixture
def own(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.LAYOUT_DIR = str(tmp_path)
    registry.folder_layouts.cache_clear()
    yield tmp_path
    registry.folder_layouts.cache_clear()


def response_layout() -> Any:
    return folder_layouts(get_type("utah-response").layout_folder)["utah-ssid-response"]


def test_u12_an_own_file_takes_the_place_of_the_packaged_one(own: Path) -> None:
    (own / "utah-ssid-response.toml").write_text(RESPONSE.replace("{columns}", STATUS))

    assert (response_layout().title, response_layout().delimiter) == ("Ours", "|")
    assert check_own_layouts() == []


def test_u12_the_other_layouts_stay(own: Path) -> None:
    (own / "utah-ssid-response.toml").write_text(RESPONSE.replace("{columns}", STATUS))

    assert folder_layouts(get_type("ssid-download").layout_folder)["calpads-ssid-download"].delimiter == "^"


def test_u12_an_own_code_set_takes_the_place_of_the_packaged_one(own: Path) -> None:
    (own / "codes.toml").write_text('[utah_status]\n"Done" = "updated"\n')

    layout = response_layout()
    assert layout.fields["status"].codes == {"Done": "updated"}
    assert "M" in layout.fields["gender"].codes


def test_a_layout_that_cannot_be_read_is_reported_when_a_program_starts(own: Path) -> None:
    (own / "utah-ssid-response.toml").write_text('title = "Ours"\n')

    (error,) = check_own_layouts()
    assert error.id == "imports.E001"
    assert "utah-ssid-response.toml: source" in str(error.msg)


def test_a_file_that_takes_no_ones_place_is_pointed_out(own: Path) -> None:
    (own / "utah-response.toml").write_text(RESPONSE.replace("{columns}", STATUS))

    (warning,) = check_own_layouts()
    assert warning.id == "imports.W001"
