"""The list of column mappings: by name, by district, sorted and exported like every other list."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from sisimport.roster.models import MappingVersion
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text

EVERY_DISTRICT = "all"  # in the address: the mappings that name no district
MAPPINGS = List(
    key="column-mappings",
    columns=(
        Column(name="name", label="Name", order=("mapping__name",)),
        Column(name="district", label="District", order=("mapping__lea",), then=("mapping__name",)),
        Column(name="version", label="Version", order=("number",), then=("mapping__name",), number=True),
        Column(name="changed", label="Changed", order=("made_at",)),
        Column(name="by", label="By", order=("made_by__username",), then=("mapping__name",)),
    ),
    start="name",
    filters=("district",),
    file_name="column-mappings",
)


def chosen(found: QuerySet[MappingVersion], listing: Listing) -> QuerySet[MappingVersion]:
    """The selected ones, sorted as requested."""
    if district := listing.chosen.get("district", ""):
        found = found.filter(mapping__lea="" if district == EVERY_DISTRICT else district)
    if listing.text:
        found = found.filter(mapping__name__icontains=listing.text)
    return listing.order(found)


def person_of(version: MappingVersion) -> str:
    """Who made this version."""
    if version.made_by is None:
        return "the command line"
    return version.made_by.get_full_name() or version.made_by.get_username()


def district_of(version: MappingVersion, names: Mapping[str, str]) -> str:
    """The district's name. `names`: by code."""
    code = version.mapping.lea
    return names.get(code, code) if code else "every district"


def rows(found: QuerySet[MappingVersion], names: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    """Rows of the export."""
    for version in found:
        district = district_of(version, names)
        yield version.mapping.name, district, version.number, moment_text(version.made_at), person_of(version)
