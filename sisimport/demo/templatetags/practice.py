"""Sample files of the practice district on upload pages."""

from typing import Any

from django import template
from django.template.context import Context

from sisimport.demo.district import Sample, all_samples
from sisimport.demo.practice import practice_lea
from students.access import visible_school_ids

register = template.Library()


@register.simple_tag(takes_context=True)
def practice_samples(context: Context, import_type: Any) -> list[Sample]:
    """The sample files of an import type, for users who see all schools, while the practice district exists."""
    user = context["request"].user
    if visible_school_ids(user) is not None or practice_lea() is None:
        return []
    return [sample for sample in all_samples() if sample.import_type == import_type.key]
