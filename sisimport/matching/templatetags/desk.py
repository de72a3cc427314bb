"""Tags of the match desk's pages."""

from django import template

from sisimport.files.issues import codes

register = template.Library()


@register.filter
def cause(code: str) -> str:
    """The heading of an issue code, shown to people in its place."""
    try:
        return codes.get(code).title
    except KeyError:
        return code
