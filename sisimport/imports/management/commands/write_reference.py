"""Write the reference pages that are generated from the code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from sisimport.imports.reference import all_pages


class Command(BaseCommand):
    help = "Write docs/reference pages from the code."

    def handle(self, *_args: Any, **_options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "reference"
        for name, make in all_pages().items():
            (folder / name).write_text(make(), encoding="utf-8")
            self.stderr.write(f"docs/reference/{name}")
