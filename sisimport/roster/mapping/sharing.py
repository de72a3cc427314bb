"""A mapping that comes as a file: adopted for a district, which has its own codes."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import IO, Final, TypeVar

from sisimport.roster.mapping.content import CODE_FIELDS, Content, MappingError, from_text

T = TypeVar("T")

MOST_BYTES: Final = 1 << 20


def read(stream: IO[bytes]) -> Content:
    """The mapping in a file, TOML or JSON. Raises MappingError."""
    stream.seek(0)
    data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise MappingError("This is not a column mapping: it is larger than 1 MB. Use the file as it was exported.")
    try:
        return from_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise MappingError(
            "This is not a column mapping: it is not text in UTF-8. Use the file as it was exported."
        ) from None


def is_mapping(stream: IO[bytes]) -> bool:
    """Does a file say that it is a mapping?"""
    try:
        read(stream)
    except MappingError:
        return False
    finally:
        stream.seek(0)
    return True


def adopted(
    content: Content,
    *,
    lea: str = "",
    name: str = "",
    constants: Mapping[str, str] | None = None,
    schools: Mapping[str, str] | None = None,
) -> Content:
    """The mapping for a district. What a school's number or name means is valid only in the district that defined it,
    so another one starts without; `schools` are its own: text of the file -> code."""
    own = not lea or lea == content.lea
    kept = dict(content.constants if own else _without(content.constants, CODE_FIELDS))
    if not own and "lea" in content.constants:
        kept["lea"] = lea
    values = {
        key: dict(texts) for key, texts in (content.values if own else _without(content.values, CODE_FIELDS)).items()
    }
    if schools:
        values["school"] = {**values.get("school", {}), **schools}
    kept |= constants or {}
    lea = lea or content.lea
    return replace(content, name=name or content.name, lea=lea, constants=kept, values=values)


def _without(table: Mapping[str, T], keys: Collection[str]) -> dict[str, T]:
    return {key: value for key, value in table.items() if key not in keys}
