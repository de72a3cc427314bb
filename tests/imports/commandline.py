"""Helper: run a management command in this process, as a script would see it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command

from tests.imports.journey import drop_temporary_tables


@dataclass(frozen=True)
class Said:
    """What a command left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object it must be."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self.out
        found: dict[str, Any] = json.loads(lines[0])
        return found


class CommandLine:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: object) -> Said:
        self.capsys.readouterr()
        code = 0
        try:
            call_command(*(str(word) for word in words))
        except SystemExit as stop:
            code = int(stop.code or 0)
        drop_temporary_tables()
        heard = self.capsys.readouterr()
        return Said(code=code, out=heard.out, err=heard.err)
