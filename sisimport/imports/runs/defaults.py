"""What the options of an import type are when nobody says otherwise: one answer for pages, command line and API."""

from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.models import ImportFile


def defaults_for(kind: ImportType, file: ImportFile | None = None) -> dict[str, str]:
    """Every option of the type with its value: those of the type, or, for corrected lines, of the run that they correct."""
    values = {option.name: option.default for option in kind.options}
    if file is not None and file.lines_of is not None:
        values |= {name: value for name, value in file.lines_of.options.items() if name in values}
    return values
