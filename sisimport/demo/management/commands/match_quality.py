"""How good the match desk's candidates are, on labeled samples of an invented district."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from sisimport.demo.match_quality import BLOCK, PRECISION_GOAL, RECALL_GOAL, Quality, measure
from sisimport.imports.management.run_in_process import EXIT_FAILED, print_json


class Command(BaseCommand):
    help = (
        "Make an invented district, try misspelled people on the match desk, and print precision at the threshold and "
        "recall among the first three. Nothing is kept. Exit code: 0 both goals met, 3 not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        from students.matching.scores import DEFAULT_THRESHOLD

        parser.add_argument("--students", type=int, default=10_000)
        parser.add_argument("--samples", type=int, default=5_600)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--threshold", type=float, default=DEFAULT_THRESHOLD)
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        started = time.monotonic()
        with _nothing_kept():
            quality = measure(
                students=options["students"],
                samples=options["samples"],
                seed=options["seed"],
                threshold=options["threshold"],
            )
        if options["json"]:
            print_json({**quality.as_json(), "seconds": round(time.monotonic() - started, 1)})
        else:
            self.stdout.write("\n".join(_lines(quality)))
        if not quality.meets_goals:
            sys.exit(EXIT_FAILED)


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """A transaction that is always rolled back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _lines(quality: Quality) -> Iterator[str]:
    yield f"{quality.samples:,} lines about {quality.students:,} students, in blocks of {BLOCK}"
    yield (
        f"Precision at threshold {quality.threshold:g}: {quality.precision:.4f}"
        f" ({quality.accepted:,} accepted, {quality.wrong} wrong; goal {PRECISION_GOAL})"
    )
    yield f"Recall among the first three: {quality.recall:.4f} (of {quality.positives:,}; goal {RECALL_GOAL})"
    yield ""
    yield f"{'kind':<34}{'lines':>7}{'first 3':>9}{'accepted':>10}{'wrong':>7}"
    for kind in quality.kinds:
        yield f"{kind.name:<34}{kind.lines:>7}{kind.found:>9}{kind.accepted:>10}{kind.wrong:>7}"
