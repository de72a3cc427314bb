"""Templates that a browser would read otherwise than they are written."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "templates"
BLOCKS = re.compile(r"<(?:form|div|ul|ol|table|dl|section|p|details|pre|h[1-6]|fieldset|aside|nav)[\s>]")
PARAGRAPH = re.compile(r"<p(?:\s[^>]*)?>(.*?)</p>", re.DOTALL)
COMMENT = re.compile(r"{#.*?#}", re.DOTALL)


def blocks_in_paragraphs(text: str) -> list[str]:
    return [found[0] for words in PARAGRAPH.findall(COMMENT.sub("", text)) if (found := BLOCKS.search(words))]


def test_no_form_or_other_block_stands_in_a_paragraph() -> None:
    """A browser ends the paragraph there: what follows falls out of it, and out of its place on the page."""
    assert blocks_in_paragraphs("<p class='hint'>A <form method='post'></form></p>")
    wrong = {
        str(path.relative_to(TEMPLATES)): found
        for path in sorted(TEMPLATES.rglob("*.html"))
        if (found := blocks_in_paragraphs(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}
