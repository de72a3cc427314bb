"""The text of a layout file, made of another layout and the columns of a new header."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

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
    """A layout file. `chosen`: field of `like` -> column of the header that it is read from now."""
    names = [name or f"{_BLANK}{place}" for place, name in enumerate(header, 1)]
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


def _aliases(like: Layout, names: Sequence[str], chosen: Mapping[str, str]) -> dict[str, list[str]]:
    """Other spellings that copies of last year's file had; none that is the name of another column by now."""
    own = {normalise_header(name) for name in names}
    found = {}
    for field, column in chosen.items():
        others = [name for name in like.fields[field].aliases if normalise_header(name) not in {*own, "blank"}]
        if others and normalise_header(column) == normalise_header(like.fields[field].name):
            found[column] = others
    return found


def _text(value: str) -> str:
    """A TOML string: as in JSON, save for the sign DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
