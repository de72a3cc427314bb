"""Filters of the SSID Process pages."""

from django import template

from students.models.identifiers import mask_ssid

register = template.Library()


@register.filter
def masked(ssid: str) -> str:
    """A number as screens show it (rule ID-6)."""
    return mask_ssid(ssid)
