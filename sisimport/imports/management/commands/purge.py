"""Remove what was kept for as long as the settings say."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sisimport.imports.management.run_in_process import print_json
from sisimport.imports.storage.retention import purge
from sisimport.runtime.retention import all_kept


class Command(BaseCommand):
    help = "Remove uploads, plans, lists and mails older than the settings keep them (KEEP_…_DAYS). Workers do it every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only; nothing is removed")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        removed = purge(dry_run=options["dry_run"])
        if options["json"]:
            print_json({"removed": removed, "dry_run": options["dry_run"]})
            return
        if not removed:
            self.stdout.write("Another purge is at work.")
        labels = {kept.kind: (kept.label, kept.days()) for kept in all_kept()}
        for kind, count in removed.items():
            label, days = labels[kind]
            kept = f"kept {days} days" if days else "kept for good"
            self.stdout.write(f"{label} ({kept}): {count} {'would be ' if options['dry_run'] else ''}removed")
