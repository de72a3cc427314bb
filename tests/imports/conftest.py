"""Fixtures of tests that run imports."""

import pytest

from tests.imports.commandline import CommandLine
from tests.imports.journey import District, make_district


@pytest.fixture
def district(db: None) -> District:
    return make_district()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)
