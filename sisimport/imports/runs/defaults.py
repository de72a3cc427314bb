"""Default values of an import type's options, the same for pages, command line and API.

corrected lines     as in the run they correct
district default    what the districts concerned have chosen, if all of them agree
else                the default of the type
"""

from collections.abc import Iterable, Mapping

from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.options import Option
from sisimport.imports.definition.registry import get_tool, listed_types
from sisimport.imports.models import ImportFile
from students.models import LEA


def defaults_for(
    kind: ImportType,
    file: ImportFile | None = None,
    *,
    schools: Iterable[int] | None = None,
    own: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Every option of the type with its value. `schools`: those that a run may touch, None for all. `own`: the result of
    `district_defaults` for these schools, if already computed."""
    own = district_defaults(kind, schools) if own is None else own
    values = {option.name: option.default for option in kind.options} | dict(own)
    if file is not None and file.lines_of is not None:
        values |= {name: value for name, value in file.lines_of.options.items() if name in values}
    return values


def district_defaults(kind: ImportType, schools: Iterable[int] | None = None) -> dict[str, str]:
    """Options for which all districts of these schools have chosen the same value."""
    options = {option.name: option for option in kind.options if option.district_default}
    if not options:
        return {}
    state = get_tool(kind.screen.tool).state
    leas = LEA.objects.filter(state=state) if state else LEA.objects.all()
    if schools is not None:
        leas = leas.filter(schools__in=sorted(schools))
    chosen = list(dict(leas.order_by().values_list("pk", "settings__import_defaults")).values())
    if not chosen or None in chosen:  # a district without settings has chosen nothing
        return {}
    return {
        name: str(chosen[0][name])
        for name, option in options.items()
        if name in chosen[0] and all(one.get(name) == chosen[0][name] for one in chosen) and _fits(option, chosen[0])
    }


def _fits(option: Option, chosen: Mapping[str, str]) -> bool:
    """A choice that a later release no longer offers does not count."""
    try:
        option.clean(str(chosen[option.name]))
    except ValueError:
        return False
    return True


def choosable_options(state: str) -> list[tuple[Option, list[str]]]:
    """Options for which a district of this state may choose a default, each with the labels of the types that have it."""
    found: dict[str, tuple[Option, list[str]]] = {}
    for kind in listed_types():
        if get_tool(kind.screen.tool).state not in {"", state}:
            continue
        for option in kind.options:
            if option.district_default:
                found.setdefault(option.name, (option, []))[1].append(kind.screen.label)
    return list(found.values())
