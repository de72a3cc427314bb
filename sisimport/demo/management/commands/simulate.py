"""Estimate what a whole state would need, from the cost of two small sizes on this machine."""

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sisimport.demo.bench import Bench
from sisimport.demo.benchmark import all_jobs
from sisimport.demo.benchmark_growth import simulate, simulation_text


class Command(BaseCommand):
    help = "Fill a separate database at two sizes, measure rows, imports and pages, and estimate 60,000 to 6 million students."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--leas", type=int, default=1000)
        parser.add_argument("--students", type=int, default=6_000_000)
        parser.add_argument("--years", type=int, default=8)
        parser.add_argument(
            "--factor", type=float, default=0.005, help="largest share of it to create (default: 0.005)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not 0 < options["factor"] <= 1 or min(options["leas"], options["students"], options["years"]) < 1:
            raise CommandError("--factor is above 0 and at most 1; --leas, --students and --years are at least 1.")
        with tempfile.TemporaryDirectory(prefix="sisimport-benchmark-") as folder:
            bench = Bench(Path(folder), runs=1, quiet=False, say=self.stderr.write)
            try:
                chosen = {name: options[name] for name in ("leas", "students", "years", "factor")}
                result = simulate(bench, all_jobs()["ssid-download"], **chosen)
            finally:
                bench.close()
        self.stdout.write(simulation_text(result))
