"""Helpers for tests of the SSID download file."""

from typing import Any

from sisimport.imports.models import Work
from tests.imports.evaluating import report_of
from tests.imports.journey import Report


def download(*lines: str, **values: Any) -> Report:
    """Test these lines as an SSID download file."""
    return report_of("ssid-download", "".join(f"{text}\n" for text in lines), **values)


def update(*lines: str, **values: Any) -> Report:
    """Test these lines, then apply that Test."""
    return download(*lines, work=Work.UPDATE, **values)
