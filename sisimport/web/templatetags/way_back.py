"""The link from an admin page back to the product's own pages."""

from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse

from sisimport.imports.models import ImportRun
from students.models import Student

register = template.Library()


@register.inclusion_tag("admin/way_back.html")
def way_back(original: Any = None) -> dict[str, str]:
    """To the student or run that the page is about, else to the home page."""
    student = original if isinstance(original, Student) else getattr(original, "student", None)
    if isinstance(original, ImportRun):
        return {"url": reverse("run", args=[original.pk]), "label": f"Run {original.pk}"}
    if isinstance(student, Student):
        return {"url": reverse("student", args=[student.pk]), "label": "Student page"}
    return {"url": reverse("home"), "label": settings.SITE_NAME}
