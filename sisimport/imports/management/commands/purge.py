"""Remove data kept for as long as the settings say."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from sisimport.imports.management.run_in_process import print_json
from sisimport.imports.storage.retention import purge
from sisimport.imports.storage.run_room import largest
from sisimport.runtime.retention import all_kept


class Command(BaseCommand):
    help = "Remove uploads, plans, lists and mails older than the settings keep them (KEEP_…_DAYS). Workers do it every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only; nothing is removed")
        parser.add_argument(
            "--runs", type=int, default=0, metavar="N", help="also list the N runs that use the most space"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        removed = purge(dry_run=options["dry_run"])
        rooms = largest(options["runs"]) if options["runs"] > 0 else []
        if options["json"]:
            runs = [{"run": one.run, "file_bytes": one.file, "rows": one.rows, "bytes": one.size} for one in rooms]
            print_json(
                {"removed": removed, "dry_run": options["dry_run"], **({"runs": runs} if options["runs"] else {})}
            )
            return
        if not removed:
            self.stdout.write("Another purge is running.")
        labels = {kept.kind: (kept.label, kept.days()) for kept in all_kept()}
        for kind, count in removed.items():
            label, days = labels[kind]
            kept = "kept permanently" if not days else "kept 1 day" if days == 1 else f"kept {days} days"
            self.stdout.write(f"{label} ({kept}): {count} {'would be ' if options['dry_run'] else ''}removed")
        for one in rooms:
            self.stdout.write(
                f"run {one.run}: file {filesizeformat(one.file)}, about {filesizeformat(one.size)} in {one.rows:,} rows"
            )
