"""Findings about a file as a whole, which no line can show: they are on line 0, after those of the reader."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Max

from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import RECORD
from sisimport.imports.models import ImportIssue


def report_on_file(
    context: RunContext,
    code: str,
    *,
    field: str = "",
    found: str = "",
    params: Mapping[str, Any] | None = None,
    severity: Severity = Severity.WARNING,
) -> None:
    """Adds a finding about the whole file. `params`: what its message names besides."""
    last = _of_file(context).aggregate(seq=Max("seq"))["seq"]
    ImportIssue.objects.create(
        run=context.run, line=0, seq=0 if last is None else last + 1, severity=severity, code=code, part=RECORD,
        field=field, found=found, params=params,
    )  # fmt: skip


def take_back(context: RunContext, code: str) -> None:
    """Removes the findings about the whole file, before it is checked again."""
    _of_file(context).filter(code=code).delete()


def _of_file(context: RunContext) -> Any:
    return ImportIssue.objects.filter(run=context.run, line=0)
