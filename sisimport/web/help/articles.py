"""Articles of the help. An app offers its own in its navigation.py: `register_article`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Article:
    """`url_name`: a page without arguments."""

    title: str
    lead: str
    url_name: str
    order: int = 50


_articles: list[Article] = []


def register_article(article: Article) -> None:
    _articles.append(article)


def articles() -> list[Article]:
    return sorted(_articles, key=lambda article: (article.order, article.title))


register_article(
    Article(
        title="First steps of a district",
        lead="From an empty installation to the first state file: schools, student list, first download.",
        url_name="help_first_steps",
        order=10,
    )
)
register_article(
    Article(
        title="What each role may do",
        lead="Registrar, import admin, SSID staff, viewer: the pages and buttons each one has.",
        url_name="help_roles",
        order=20,
    )
)
register_article(
    Article(
        title="Keys",
        lead="What each key does on each page.",
        url_name="help_keys",
        order=90,
    )
)
