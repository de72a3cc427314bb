"""The reference pages say what the code says."""

from pathlib import Path

import pytest
from django.conf import settings

from sisimport.imports.reference import PAGES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", sorted(PAGES))
def test_reference_page_is_what_the_code_makes(name: str) -> None:
    written = (Path(settings.BASE_DIR) / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == PAGES[name](), "run: script/manage write_reference"
