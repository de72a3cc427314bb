"""Layouts that import admins added, as import types: read from the database whenever the registry asks anew."""

from functools import lru_cache

from assessments.models import AddedLayout
from assessments.scores.import_type import LAYOUTS, ScoreImport
from assessments.structure import import_types
from sisimport.files.layouts import parse_layout


def added_types() -> list[ScoreImport]:
    """One import type for each layout that was added. One query."""
    return [_type(key, text) for key, text in AddedLayout.objects.exclude(text="").values_list("key", "text")]


@lru_cache(maxsize=64)
def _type(key: str, text: str) -> ScoreImport:
    (type_facts,) = import_types([key])
    return ScoreImport(type_facts, folder=LAYOUTS, added={key: parse_layout(key, text)})
