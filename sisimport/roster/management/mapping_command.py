"""What the commands about column mappings share."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from sisimport.imports.management.run_in_process import EXIT_REJECTED, print_json
from sisimport.roster.mapping.content import Content, from_text
from sisimport.roster.mapping.layouts import key_of
from sisimport.roster.models import MappingVersion


def mapping_json(version: MappingVersion) -> dict[str, Any]:
    """A mapping in force, without its table of values."""
    content = from_text(version.text)
    return {
        "id": version.mapping_id,
        "mapping": version.mapping.name,
        "lea": version.mapping.lea,
        "number": version.number,
        "version": version.sha,
        "layout": key_of(version.sha),
        "columns": dict(content.columns),
        "constants": dict(content.constants),
    }


def open_mapping_json(content: Content, questions: list[str]) -> dict[str, Any]:
    """A mapping that was not saved, and the questions to answer first."""
    return {
        "id": None,
        "mapping": content.name,
        "lea": content.lea,
        "number": None,
        "version": None,
        "layout": None,
        "columns": dict(content.columns),
        "constants": dict(content.constants),
        "questions": questions,
    }


def refuse(command: BaseCommand, reasons: list[str], *, as_json: bool, about: dict[str, Any] | None = None) -> None:
    """Say why nothing was done; exit code 2."""
    if as_json:
        print_json(about or {"mapping": None, "questions": reasons})
    command.stderr.write(" ".join(reasons))
    sys.exit(EXIT_REJECTED)


def pairs(given: list[str]) -> dict[str, str]:
    """NAME=VALUE, split from the right: values contain no equals sign, but column names may."""
    return dict(pair.rpartition("=")[::2] for pair in given)
