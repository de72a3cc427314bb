"""Figures that load tests measure, printed together at the end of `script/test load`.

def test_…(figure: Figure) -> None:
    figure("p95 of /health/ beside 200 slow uploads", 0.12, "s")
"""

from collections.abc import Callable

import pytest

Figure = Callable[[str, float, str], None]
FIGURES = pytest.StashKey[list[tuple[str, float, str]]]()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Note a measured value with its unit; say what was measured, and under which load."""
    noted = request.config.stash.setdefault(FIGURES, [])

    def note(name: str, value: float, unit: str) -> None:
        noted.append((name, value, unit))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    noted = terminalreporter.config.stash.get(FIGURES, [])
    if noted:
        terminalreporter.section("figures")
    for name, value, unit in noted:
        terminalreporter.write_line(f"{value:12,.3f} {unit:<8} {name}")
