"""What the help offers to other pages: its pages to the search, and the first steps to the home page."""

from collections.abc import Iterable

from django.urls import reverse

from sisimport.files.issues import codes
from sisimport.imports.definition.registry import listed_types, published_layouts, tools
from sisimport.web.finding import Finder, Hit, matching, register_finder
from sisimport.web.help import first_steps, rules
from sisimport.web.help.articles import articles
from sisimport.web.panels import HOME, Panel, register_panel
from students.access import User


def _pages() -> Iterable[tuple[Hit, str]]:
    """Every help page with additional words for the search."""
    for article in articles():
        yield Hit(article.title, reverse(article.url_name), "article"), article.lead
    for tool in tools():
        yield Hit(tool.title, reverse("help_screen", args=[tool.key]), "import screen"), tool.lead
    for kind in listed_types():
        about = f"{kind.screen.description} {' '.join(option.label for option in kind.options)}"
        yield Hit(kind.screen.label, reverse("help_type", args=[kind.key]), "import type"), about
        for layout in published_layouts(kind):
            names = " ".join(column.label for column in layout.fields.values())
            yield Hit(layout.title, reverse("file_layout", args=[kind.key, layout.key]), "file layout"), names
    for number, title in rules.numbers().items():
        yield Hit(f"Rule {number}", reverse("help_rule", args=[number]), title), ""
    for code in codes.all():
        yield Hit(code.title, reverse("help_code", args=[code.code]), code.code), code.fix


def _help(_user: User, text: str, limit: int) -> list[Hit]:
    found = matching(text, _pages(), limit)
    number = text.casefold().removeprefix("rule ")
    return sorted(found, key=lambda hit: hit.label.casefold() != f"rule {number}")


register_finder(Finder(title="Help", find=_help, order=60))
register_panel(Panel(place=HOME, template="help/_first_steps_card.html", context=first_steps.card, order=1))
