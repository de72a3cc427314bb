"""What was erased, in lines of text."""

from collections.abc import Iterator

from sisimport.erasing.students import Erased


def lines_of(erased: Erased) -> Iterator[str]:
    """A line for each kind, and what is to be looked after by hand."""
    yield "Would be erased:" if erased.dry_run else "Erased:"
    for kind, count in sorted(erased.rows.items()):
        yield f"  {kind}: {count:,} removed"
    for kind, count in sorted(erased.reworded.items()):
        yield f"  {kind}: {count:,} without the student's name and numbers"
    yield f"  kept files: {erased.lines:,} lines blanked, {erased.files:,} files removed"
    for kind, count in sorted(erased.other.items()):
        yield f"  {kind}: {count:,} removed"
    if erased.runs:
        yield f"  runs: what {erased.runs:,} of them wrote of this student can't be reverted any more"
    for sentence in erased.elsewhere:
        yield f"  By hand: {sentence}"
