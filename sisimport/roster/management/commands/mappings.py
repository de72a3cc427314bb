"""List the column mappings, and those that the product brings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import print_json
from sisimport.roster.management.mapping_command import mapping_json
from sisimport.roster.mapping import services
from sisimport.roster.mapping.ready_mappings import all_ready


class Command(BaseCommand):
    help = "List the column mappings that read student exports of other systems."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        versions, ready = list(services.current()), all_ready()
        if options["json"]:
            brought = [{"key": one.key, "title": one.title, "columns": dict(one.columns)} for one in ready]
            print_json({"mappings": [mapping_json(version) for version in versions], "ready": brought})
            return
        for version in versions:
            lea = f"district {version.mapping.lea}" if version.mapping.lea else "all districts"
            self.stdout.write(f"{version.mapping.name}: version {version.number} ({version.sha}), {lea}")
        if not versions:
            self.stdout.write("There are no column mappings yet.")
        self.stdout.write(f"Ready for files of: {', '.join(one.title for one in ready)}.")
