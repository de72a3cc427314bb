"""What was erased, in lines of text and in rows of a table."""

from collections.abc import Iterator, Mapping
from typing import Any

from sisimport.erasing.students import Erased


def kinds_of(result: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Kind, how many, and what happens to them, from `Erased.as_json`."""
    for kind, count in sorted(result["rows"].items()):
        yield kind, count, "removed"
    for kind, count in sorted(result["reworded"].items()):
        yield kind, count, "without the student's name and numbers"
    yield "lines of kept files", result["lines"], "blanked"
    yield "kept files", result["files"], "removed"
    for kind, count in sorted(result["other"].items()):
        yield kind, count, "removed"
    yield "runs", result["runs"], "can't revert what they wrote about this student"


def lines_of(erased: Erased) -> Iterator[str]:
    """A line for each kind, and what must be handled manually."""
    yield "Would be erased:" if erased.dry_run else "Erased:"
    for kind, count, what in kinds_of(erased.as_json()):
        yield f"  {kind}: {count:,} {what}"
    for place, count in erased.places.items():
        yield f"  in {place}: {count:,}"
    for sentence in erased.elsewhere:
        yield f"  By hand: {sentence}"
