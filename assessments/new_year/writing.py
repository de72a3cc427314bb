"""The text of a layout file, made from another layout and the columns of a new header."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sisimport.files.layout_matching import find_columns
from sisimport.files.layouts import Column, ColumnKind, Layout, normalise_header

_BLANK = "Blank"


def layout_text(
    like: Layout,
    header: Sequence[str],
    chosen: Mapping[str, str],
    *,
    title: str,
    source: str,
    delimiter: str,
    answers: Mapping[str, Any],
) -> str:
    """A layout file. `chosen`: field of `like` -> column of the header that it is read from now.

    If columns may be missing, one layout is for several files of a year, so it keeps the columns that this file lacks.
    """
    names = [name or f"{_BLANK}{place}" for place, name in enumerate(header, 1)]
    lacking = _lacking(like, header, chosen) if like.optional_columns else []
    names += [column.name for column in lacking]
    chosen = {**chosen, **{column.field: column.name for column in lacking if column.field}}
    lines = [
        f"title = {_text(title)}",
        f"source = {_text(source)}",
        f"delimiter = {_text(delimiter)}",
        'header = "required"',
        f"date_formats = {_list(like.date_formats)}",
        f"lenient_date_formats = {_list(like.lenient_date_formats)}",
    ]
    if like.end_marker and like.columns and normalise_header(names[-1]) in like.columns[-1].names:
        lines.append(f"end_marker = {_text(like.end_marker)}")
    lines += [f"{option} = true" for option in ("optional_columns", "any_newline") if getattr(like, option)]
    markers = [_now(like, name, names, chosen) for name in like.marker_columns]
    lines += [f"marker_columns = {_list(list(filter(None, markers)))}"] if any(markers) else []
    lines += ["columns = [", *(f"  {_text(name)}," for name in names), "]", "", "[fields]"]
    lines += [f"{field} = {_facts(like.fields[field], column)}" for field, column in chosen.items()]
    aliases = _aliases(like, names, chosen)
    if aliases:
        lines += ["", "[aliases]", *(f"{_text(name)} = {_list(others)}" for name, others in aliases.items())]
    lines += ["", "[answers]", f"without_ranges = {_list(answers.get('without_ranges', ()))}"]
    for code, levels in answers.get("levels", {}).items():
        lines += [
            "",
            f"[answers.levels.{_text(code)}]",
            *(f"{_text(key)} = {_text(name)}" for key, name in levels.items()),
        ]
    return "\n".join(lines) + "\n"


def _facts(old: Column, column: str) -> str:
    entries = [f"column = {_text(column)}", f"kind = {_text(old.kind.value)}"]
    if old.label != old.name:
        entries.append(f"label = {_text(old.label)}")
    if old.length and old.kind is not ColumnKind.TEXT:
        entries.append(f"length = {old.length}")
    if old.severity.name != "ERROR":
        entries.append(f"severity = {_text(old.severity.name.lower())}")
    if old.required:
        entries.append("required = true")
    return "{ " + ", ".join(entries) + " }"


def _lacking(like: Layout, header: Sequence[str], chosen: Mapping[str, str]) -> list[Column]:
    """Columns of the layout that the header lacks under any name."""
    plain = [normalise_header(name) for name in header]
    held = {column.position for column in find_columns(like, plain) if column}
    return [
        column
        for column in like.columns
        if column.position not in held
        and column.field not in chosen
        and normalise_header(column.name) not in {*plain, "blank"}
    ]


def _now(like: Layout, name: str, names: Sequence[str], chosen: Mapping[str, str]) -> str:
    """The current name of a layout column; blank if it is gone."""
    column = next(column for column in like.columns if column.name == name)
    if column.field and column.field in chosen:
        return chosen[column.field]
    return next((now for now in names if normalise_header(now) in column.names), "")


def _aliases(like: Layout, names: Sequence[str], chosen: Mapping[str, str]) -> dict[str, list[str]]:
    """Other spellings that copies of last year's file had; none that is now the name of another column.

    A layout of several files keeps those of all columns, including renamed ones: not every file of a year has to
    change.
    """
    own = {normalise_header(name) for name in names}
    pairs = [(like.fields[field], column) for field, column in chosen.items()]
    if like.optional_columns:
        found = find_columns(like, [normalise_header(name) for name in names])
        pairs += [(column, name) for column, name in zip(found, names, strict=True) if column and not column.field]
    spellings = {}
    for old, column in pairs:
        renamed = normalise_header(column) != normalise_header(old.name)
        if renamed and not like.optional_columns:
            continue
        others = [
            name for name in (old.name, *old.aliases)[not renamed :] if normalise_header(name) not in {*own, "blank"}
        ]
        if others:
            spellings[column] = others
    return spellings


def _text(value: str) -> str:
    """A TOML string: as in JSON, except for the DEL character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
