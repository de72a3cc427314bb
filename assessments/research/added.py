"""Layouts of research files that people added: how they are named, which import type reads them, and the types with them."""

import re
from collections.abc import Mapping
from functools import lru_cache

from assessments.research.files import EntitiesFile, ResearchFile, ResultsFile
from sisimport.files.layouts import Layout, parse_layout
from students.school_years import year_label

_FAMILIES = {
    "research-caaspp": "CAASPP Research File",
    "research-elpac": "ELPAC Research File",
    "research-entities": "Research File of Entities",
}
_KEY = re.compile(rf"(?P<family>{'|'.join(_FAMILIES)})(-(?P<fall>[0-9]{{4}})-[0-9]{{2}}(?P<other>-.+)?)?")
_TYPES: tuple[type[ResearchFile], ...] = (ResultsFile, EntitiesFile)


def is_research(key: str) -> bool:
    """Whether a layout of this key is one of the state's research files."""
    return _KEY.match(key) is not None


def family_of(key: str) -> str:
    return _found(key)["family"]


def school_year(key: str) -> int:
    """The year that a layout was added for, by its spring; 0 for the product's layouts, which read files of several
    years."""
    fall = _found(key)["fall"]
    return int(fall) + 1 if fall else 0


def family_name(key: str) -> str:
    return _FAMILIES[family_of(key)]


def title(key: str) -> str:
    """The title of an added layout."""
    other = (_found(key)["other"] or "").replace("-", " ").strip()
    return f"{family_name(key)} {year_label(school_year(key))}{f' ({other})' if other else ''}"


def import_type_of(key: str) -> str:
    return _type_of(key).key


def types_with(texts: Mapping[str, str]) -> list[ResearchFile]:
    """The import types that read some of the layouts (key -> text of its file) besides those of the product."""
    own = {kind: {key: text for key, text in texts.items() if _type_of(key) is kind} for kind in _TYPES}
    return [kind({key: _parsed(key, text) for key, text in held.items()}) for kind, held in own.items() if held]


@lru_cache(maxsize=64)
def _parsed(key: str, text: str) -> Layout:
    return parse_layout(key, text)


def _type_of(key: str) -> type[ResearchFile]:
    return EntitiesFile if family_of(key) == "research-entities" else ResultsFile


def _found(key: str) -> re.Match[str]:
    found = _KEY.match(key)
    if found is None:
        raise ValueError(f"{key} is not a layout of a research file")
    return found
