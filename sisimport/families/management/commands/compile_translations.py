"""Make the .mo files from the .po files."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sisimport.families.catalog import CatalogError, all_catalogs, compiled, read_catalog


class Command(BaseCommand):
    help = "Make the .mo file of every language from its .po file (no gettext needed). Run it after editing a .po file."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for path in all_catalogs():
            try:
                texts = read_catalog(path)
            except CatalogError as error:
                raise CommandError(str(error)) from None
            path.with_suffix(".mo").write_bytes(compiled(texts))
            self.stdout.write(f"{path.parent.parent.name}: {len(texts) - 1} texts")
