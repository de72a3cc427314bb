"""The reference pages say what the code says."""

from pathlib import Path

import pytest
from django.conf import settings

from sisimport.imports.reference import PAGES

# Each type's staging table comes and goes in a transaction of its own: together they would hold too many locks.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_reference_page_is_what_the_code_makes(name: str) -> None:
    written = (Path(settings.BASE_DIR) / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == PAGES[name](), "run: script/manage write_reference"
