"""Templates that a browser would read otherwise than they are written."""

import re
from collections.abc import Callable
from pathlib import Path

from sisimport.web.templatetags.ui import unbroken

TEMPLATES = Path(__file__).parents[2] / "templates"
BLOCKS = re.compile(r"<(?:form|div|ul|ol|table|dl|section|p|details|pre|h[1-6]|fieldset|aside|nav)[\s>]")
PARAGRAPH = re.compile(r"<p(?:\s[^>]*)?>(.*?)</p>", re.DOTALL)
COMMENT = re.compile(r"{#.*?#}", re.DOTALL)


def blocks_in_paragraphs(text: str) -> list[str]:
    return [found[0] for words in PARAGRAPH.findall(COMMENT.sub("", text)) if (found := BLOCKS.search(words))]


def test_no_form_or_other_block_is_in_a_paragraph() -> None:
    """A browser ends the paragraph there: what follows falls out of it, and out of its place on the page."""
    assert blocks_in_paragraphs("<p class='hint'>A <form method='post'></form></p>")
    wrong = {
        str(path.relative_to(TEMPLATES)): found
        for path in sorted(TEMPLATES.rglob("*.html"))
        if (found := blocks_in_paragraphs(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}


# ---- one list, one filter form ----

TABLE = re.compile(r"<table.*?(?:</table>|\Z)", re.DOTALL)
# Tables of rows that are not lists (sisimport.web.lists), by template: how many, and why a list would be wrong.
_NOTE = "a reference page, printed and read as a whole"
_BESIDE = "two sides beside each other: its rows are fields"
_CHECK = "what one page of a form is about to do, in the order of the form"
_TALLY = "a tally of a few fixed kinds, in their own order"
NO_LISTS = {
    "api/docs.html": (5, _NOTE),
    "assessments/_beside.html": (1, "a row for each grade, in order, beside county and state"),
    "assessments/_family_scores.html": (1, "the scores of one student, newest first, for families"),
    "assessments/_results_side_by_side.html": (2, "a grid of a choice: its filters are above, its file has all of it"),
    "assessments/_run_scores.html": (1, "a row for each grade of one file"),
    "assessments/_scores.html": (1, "the scores of one student in one test, a row for each year"),
    "assessments/_side_by_side.html": (1, "a grid of a choice: its filters are above, its file has all of it"),
    "assessments/added_layout.html": (1, _BESIDE),
    "assessments/english_learners.html": (3, _TALLY),
    "assessments/group_report.html": (1, "the students of a group as they were pasted, on paper and as a file"),
    "assessments/results.html": (2, "bars of one choice, sorted by results_order.py; the file has their numbers"),
    "assessments/setup_article.html": (1, _NOTE),
    "assessments/shown_results.html": (1, "a row for each test and year, with a switch: all are seen at once"),
    "automation/mail.html": (1, "an e-mail"),
    "erasing/_kinds.html": (1, _TALLY),
    "finding/_keys.html": (1, _NOTE),
    "help/_rules.html": (1, _NOTE),
    "help/codes.html": (1, _NOTE),
    "help/roles.html": (1, _NOTE),
    "help/rules.html": (1, _NOTE),
    "imports/_corrected.html": (1, _BESIDE),
    "imports/_issue_table.html": (1, "in the order of the file's lines, paged and filtered by its own form; its file has all"),
    "imports/conversion.html": (2, "the sheets of a workbook in their order, and its first records"),
    "imports/home.html": (1, "the first ten; the list is a click away"),
    "imports/layout.html": (1, "the columns of a layout in their order; its page is a reference"),
    "matching/_desk_entry.html": (1, _BESIDE),
    "matching/desk_preview.html": (1, _CHECK),
    "mfa/webauthn/authenticator_list.html": (1, "the few keys of one person"),
    "roster/column_mapping.html": (2, "the columns of a mapping in the order of its file"),
    "roster/map_columns.html": (4, _CHECK),
    "ssid/_gaps.html": (1, "what a request lacks, in the request's order, paged"),
    "ssid/_request_card.html": (1, _BESIDE),
    "ssid/candidates_preview.html": (1, _CHECK),
    "ssid/collection.html": (1, "the numbers of a chart, a row for each of its points"),
    "ssid/find.html": (1, "what a search found, nearest first"),
    "ssid/school_list_print.html": (1, "a form on paper"),
    "ssid/utah_create.html": (1, _NOTE),
    "students/student.html": (1, "the enrollments of one student, newest first"),
    "usersessions/usersession_list.html": (1, "the few sign-ins of one person"),
}  # fmt: skip


def tables_without_list_head(text: str) -> int:
    return sum("{% list_head" not in table for table in TABLE.findall(COMMENT.sub("", text)))


def found_in(count: Callable[[str], int]) -> dict[str, int]:
    texts = {str(path.relative_to(TEMPLATES)): path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html")}
    return {name: number for name, text in texts.items() if not name.startswith("admin/") and (number := count(text))}


def test_every_table_of_rows_is_a_list_of_ours_or_says_why_it_is_none() -> None:
    """A list sorts, pages, filters, saves filters and exports: a new table gets that from `{% list_head %}`."""
    assert found_in(tables_without_list_head) == {name: number for name, (number, _why) in NO_LISTS.items()}


# Forms above what is not a list of ours, or that start otherwise.
OTHER_FILTERS = {
    "assessments/english_learners.html": "asks for other numbers, not for other rows",
    "assessments/english_learner_students.html": "the school by its address: the same as the page it comes from",
    "assessments/results.html": "asks for other numbers, not for other rows",
    "assessments/group_report.html": "asks for a report",
    "finding/search.html": "searches everything",
    "matching/desk_line.html": "searches for the student of one line",
    "parts/_list_filter.html": "is the form",
}


def test_the_form_above_a_list_is_written_once() -> None:
    assert set(found_in(lambda text: text.count('class="filters"'))) == set(OTHER_FILTERS)


def test_no_key_is_named_where_there_is_no_keyboard() -> None:
    """`by-key` hides words on touch screens. The list of keys itself is a page that somebody asked for."""

    def shown(text: str) -> int:
        return len(
            re.findall("<kbd", re.sub(r'<(\w+)[^>]*class="[^"]*by-key[^"]*"[^>]*>.*?</\1>', "", text, flags=re.DOTALL))
        )

    assert shown("<p>Or press <kbd>U</kbd></p>") == 1
    assert found_in(shown) == {"finding/_keys.html": 1}
    styles = (TEMPLATES.parent / "static" / "css" / "4-parts.css").read_text(encoding="utf-8")
    assert re.search(r"@media \(hover: none\) \{ \.by-key \{ display: none; \} \}", styles)


def test_a_school_year_in_a_heading_stays_on_one_line() -> None:
    assert unbroken("CAASPP 2024-25 &amp; more") == 'CAASPP <span class="unbroken">2024-25</span> &amp; more'
    assert unbroken("Annual enrollment 2026-2027") == 'Annual enrollment <span class="unbroken">2026-2027</span>'
    for other in ("caaspp-2024-25.csv", "2026-11-29", '<a href="/x/2024-25/">', '<a title="2024-25">', "12024-25"):
        assert unbroken(other) == other
    bases = {"base.html", "families/base.html"}
    assert bases <= set(found_in(lambda text: text.count("{% filter unbroken %}{% block heading %}")))
