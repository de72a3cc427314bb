"""The roster with the mappings in force: their layouts in addition to its own, and the choice among them as an
option."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sisimport.files.layouts import Layout
from sisimport.imports.definition.options import Choice
from sisimport.roster.import_type import MAPPING, Roster
from sisimport.roster.mapping import services
from sisimport.roster.mapping.layouts import ROSTER, kept_layout, sha_in
from sisimport.roster.models import MappingVersion


@dataclass(frozen=True, slots=True)
class _InForce:
    name: str
    lea: str
    layout: Layout


class MappedRoster(Roster):
    """Students (CSV), also from exports of other systems whose columns a person mapped."""

    def __init__(self, mappings: Sequence[_InForce]) -> None:
        self._mappings = mappings
        self.added_layouts = {one.layout.key: one.layout for one in mappings}
        self.layouts = (ROSTER, *self.added_layouts)
        choices = tuple(Choice(value=one.name, label=one.name, lea=one.lea) for one in mappings)
        self.options = tuple(
            replace(option, choices=(*option.choices, *choices)) if option.name == MAPPING.name else option
            for option in Roster.options
        )

    def wanted_layouts(self, options: Mapping[str, str], schools: Collection[int] | None) -> Sequence[str]:
        """The chosen mapping, else the roster's own layout and the mappings of the districts of these schools."""
        chosen = options.get(MAPPING.name, "")
        if chosen:
            return [one.layout.key for one in self._mappings if one.name == chosen]
        leas = services.leas_of(schools) if any(one.lea for one in self._mappings) else None
        own = [one for one in self._mappings if leas is None or not one.lea or one.lea in leas]
        return [ROSTER, *(one.layout.key for one in own)]

    def former_layout(self, key: str) -> Layout | None:
        sha = sha_in(key)
        version = MappingVersion.objects.filter(sha=sha).order_by("-number").first() if sha else None
        return kept_layout(version.text, version.number) if version else None


def mapped_roster() -> list[MappedRoster]:
    """The roster with the mappings in force. One query."""
    rows = services.current().values_list("mapping__name", "mapping__lea", "text", "number")
    return [MappedRoster([_InForce(name, lea, kept_layout(text, number)) for name, lea, text, number in rows])]
