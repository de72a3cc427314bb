"""What is suggested for a file, with the user's answers in its place: for the command line."""

from collections.abc import Mapping

from sisimport.roster.mapping.content import MappingError
from sisimport.roster.mapping.layouts import roster_layout
from sisimport.roster.mapping.proposing import Answers, Proposal
from sisimport.roster.mapping.ready_mappings import column_in


def with_answers(
    made: Proposal,
    *,
    name: str,
    lea: str,
    columns: Mapping[str, str],
    constants: Mapping[str, str],
    schools: Mapping[str, str],
) -> Answers:
    """`columns`: field -> column, blank for none; `schools`: text of the file -> code. Raises MappingError for unknown names."""
    places = dict(made.places)
    for key, column in columns.items():
        if key not in roster_layout().fields:
            raise MappingError(f"The roster has no field {key[:40]}. Its fields: {', '.join(roster_layout().fields)}.")
        places.pop(key, None)
        if not column:
            continue
        found = column_in(made.look.header, column)
        if found is None:
            raise MappingError(
                f"The file has no column {column[:60]}. Its columns: {', '.join(made.look.header)[:600]}."
            )
        place = made.look.header.index(found)
        places = {other: at for other, at in places.items() if at != place}
        places[key] = place
    all_constants = {key: value for key, value in made.content.constants.items() if key not in places} | dict(constants)
    if lea and "lea" not in places:
        all_constants["lea"] = lea
    for key in constants:
        places.pop(key, None)
    values = {key: dict(some) for key, some in made.content.values.items()}
    if schools:
        values["school"] = {**values.get("school", {}), **schools}
    for key in made.unread:
        values.setdefault(key, {})
    return Answers(
        name=name or made.content.name,
        lea=lea or made.content.lea,
        columns=places,
        constants=all_constants,
        values=values,
    )
