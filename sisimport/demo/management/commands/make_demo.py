"""Make the demo district with its sample files; with --users also the people who sign in."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from sisimport.demo import district as demo
from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json


class Command(BaseCommand):
    help = (
        "Make a district of invented people and sample files for every import type. Leaves an existing one unchanged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--students", type=int, default=2_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--ssid-percent", type=int, default=demo.DEFAULT_SSID_PERCENT, help="share of students who have an SSID"
        )
        parser.add_argument("--no-samples", action="store_true", help="people only, no sample files")
        parser.add_argument("--users", action="store_true", help="also make users for a first sign-in")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if settings.PRODUCTION:
                raise demo.DemoRefusedError("A production installation has no demo district.")
            district = demo.make_district(
                students=options["students"], seed=options["seed"], ssid_percent=options["ssid_percent"]
            )
        except demo.DemoRefusedError as error:
            self.refuse(str(error), options)
        if not options["no_samples"]:
            demo.write_samples(district.lea)
        sign_in = demo.make_users(district.lea) if options["users"] else None
        message = (
            f"Made {district.lea.name} with {district.counts['students']:,} students."
            if district.created
            else f"{district.lea.name} already exists, with {district.counts['students']:,} students; nothing was changed."
        )
        folder = demo.samples_folder()
        samples = [s for s in demo.all_samples() if (folder / s.name).exists()]
        if options["json"]:
            print_json(
                {
                    "created": district.created,
                    "lea": district.lea.code,
                    "name": district.lea.name,
                    "seed": options["seed"],
                    **district.counts,
                    "samples": [{"file": str(folder / s.name), "type": s.import_type, "note": s.note} for s in samples],
                    "users": list(sign_in.users) if sign_in else [],
                    "message": message,
                }
            )
            self.stderr.write(message)
        else:
            self.stdout.write(message)
            self.stdout.write(", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in district.counts.items()))
            if samples:
                self.stdout.write(f"Sample files in {folder}:")
            for sample in samples:
                self.stdout.write(f"  {sample.name} ({sample.import_type}): {sample.note}")
        if sign_in:
            self.stderr.write(f"Sign in as {', '.join(sign_in.users)} with the password {sign_in.password}")

    def refuse(self, message: str, options: dict[str, Any]) -> None:
        if options["json"]:
            print_json({"created": False, "message": message})
        self.stderr.write(message)
        sys.exit(EXIT_REJECTED)
