"""Import types of the CAASPP Import screen: one per layout file, except the two that take several; and those that
admins added."""

from pathlib import Path

from assessments.new_year.types import added_types
from assessments.research import files as research
from assessments.scores import change_kinds  # noqa: F401 - registers the kinds of change
from assessments.scores.import_type import LAYOUTS, TOOL, ScoreImport
from assessments.structure import import_types
from sisimport.imports.definition.registry import (
    Tool,
    folder_layouts,
    register,
    register_instance,
    register_source,
    register_tool,
)

register_tool(
    Tool(
        documentation=(("CAASPP and ELPAC, California Department of Education", "https://www.cde.ca.gov/ta/tg/ca/"),),
        articles=(("What a new test set-up contains", "setup_article"),),
        key=TOOL,
        title="CAASPP Import",
        lead="Bring CAASPP and ELPAC results into the student records.",
        order=20,
        state="CA",
        crumbs="Student Information / Assessment Administration",
    )
)


def register_score_imports(folder: Path, *, listed: bool) -> list[ScoreImport]:
    """Register an import type for every layout of a folder that has none yet."""
    made = [
        ScoreImport(type_facts, folder=folder, listed=listed) for type_facts in import_types(folder_layouts(folder))
    ]
    for import_type in made:
        register_instance(import_type)
    return made


register_score_imports(LAYOUTS, listed=True)
register_source(added_types)

register_tool(
    Tool(
        key=research.TOOL,
        title="State results",
        lead="Import the results that the state published for counties, districts and schools, to compare with. They name no"
        " students.",
        order=30,
        state="CA",
        crumbs="Student Information / Assessment Administration",
    )
)
register(research.ResultsFile)
register(research.EntitiesFile)
