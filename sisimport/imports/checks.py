"""System checks: a district's own layouts and the keys of kept files are read when a program starts, not when the first file
arrives; poolers between us and PostgreSQL are detected before migrations and by `check --database default`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from sisimport.files.layouts import CODES_FILE, LayoutError
from sisimport.imports.definition.registry import built_in_types, folder_layouts
from sisimport.runtime import file_keys
from sisimport.runtime.databases import SharedSessionError, connect_query, limits_of, uses_pooler


@checks.register()
def check_own_layouts(**_kwargs: Any) -> list[checks.CheckMessage]:
    """imports.E001: an own layout cannot be read. imports.W001: a file whose name no packaged layout has."""
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
            f"{path.name} does not replace any layout.", hint=f"Rename or remove it in {own}.", id="imports.W001"
        )
        for path in sorted(own.glob("*.toml"))
        if path.name not in file_names
    ]


@checks.register()
def check_file_keys(**_kwargs: Any) -> list[checks.CheckMessage]:
    """imports.E003: files cannot be kept because there is no usable key for them."""
    try:
        if settings.PRODUCTION and not settings.FILE_KEYS:
            raise file_keys.FileKeyError(file_keys.NO_KEY)
        file_keys.parsed(settings.FILE_KEYS)
    except file_keys.FileKeyError as error:
        return [checks.Error(str(error), hint=file_keys.HOW, id="imports.E003")]
    return []


@checks.register(checks.Tags.database)
def check_sessions(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """imports.E002: workers and commands share their sessions with others. imports.W002: web pages wait without limit."""
    from sisimport.imports.runs.sessions import require_own_session

    if "default" not in (databases or ()) or settings.POOLED:
        return []
    try:
        require_own_session()
    except SharedSessionError as error:
        return [checks.Error(str(error), id="imports.E002")]
    except DatabaseError:  # reported by the code that needs it
        return []
    return (
        _check_pooler()
        if uses_pooler("web", url=settings.DATABASE_URL, direct_url=settings.DATABASE_DIRECT_URL)
        else []
    )


def _check_pooler() -> list[checks.CheckMessage]:
    wanted = settings.SESSION_LIMITS["web"]
    try:
        found = limits_of(lambda: psycopg.connect(settings.DATABASE_URL, prepare_threshold=None))
    except psycopg.Error:
        text = "The pooler named in DATABASE_URL does not answer."
        return [checks.Warning(text, hint="Web pages use it.", id="imports.W002")]
    missing = [name for name, limit in found.items() if limit == "0" and wanted[name]]
    if not missing:
        return []
    return [
        checks.Warning(
            f"Sessions of the pooler named in DATABASE_URL have no {' and no '.join(missing)}: pages may wait for each "
            f"other forever.",
            hint=f"In pgbouncer.ini: connect_query='{connect_query(wanted)}'",
            id="imports.W002",
        )
    ]
