"""Layouts that import admins added, as import types: read from the database whenever the registry reloads."""

from functools import lru_cache

from assessments.models import AddedLayout
from assessments.research.added import is_research, types_with
from assessments.scores.import_type import LAYOUTS, ScoreImport
from assessments.structure import import_types
from sisimport.files.layouts import parse_layout
from sisimport.imports.definition.import_type import ImportType


def added_types() -> list[ImportType]:
    """One import type for each added layout of scores, and the types of research files with added layouts. One
    query."""
    texts = dict(AddedLayout.objects.exclude(text="").order_by("made_at").values_list("key", "text"))
    research = {key: text for key, text in texts.items() if is_research(key)}
    return [*(_type(key, text) for key, text in texts.items() if key not in research), *types_with(research)]


@lru_cache(maxsize=64)
def _type(key: str, text: str) -> ScoreImport:
    (type_facts,) = import_types([key])
    return ScoreImport(type_facts, folder=LAYOUTS, added={key: parse_layout(key, text)})
