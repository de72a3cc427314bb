"""System checks: a district's own layouts are read when a program starts, not when the first file comes."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

from sisimport.files.layouts import CODES_FILE, LayoutError
from sisimport.imports.definition.registry import built_in_types, folder_layouts


@checks.register()
def check_own_layouts(**_kwargs: Any) -> list[checks.CheckMessage]:
    """imports.E001: an own layout cannot be read. imports.W001: a file of a name that no packaged layout has."""
    own = Path(settings.LAYOUT_DIR)
    if not own.is_dir():
        return []
    file_names: set[str] = {CODES_FILE}
    try:
        for folder in dict.fromkeys(t.layout_folder for t in built_in_types()):
            file_names |= {f"{key}.toml" for key in folder_layouts(folder)}
    except LayoutError as error:
        return [
            checks.Error(f"A layout of your own cannot be used: {error}", hint=f"It is in {own}.", id="imports.E001")
        ]
    return [
        checks.Warning(
            f"{path.name} takes the place of no layout.", hint=f"Rename or remove it in {own}.", id="imports.W001"
        )
        for path in sorted(own.glob("*.toml"))
        if path.name not in file_names
    ]
