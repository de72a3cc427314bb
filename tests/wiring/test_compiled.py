"""What is compiled before the processes of a session start is what pytest and Python take."""

import importlib.util
from pathlib import Path

import pytest
from _pytest.assertion import rewrite

from tests import compiled, conftest
from tests.compiled import compile_missing, compiled_file

MODULES = ("__init__.py", "conftest.py", "plain.py", "deeper/test_one.py")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    (folder / "deeper").mkdir(parents=True)
    for name in MODULES:
        (folder / name).write_text("def test_it() -> None:\n    assert 1 + 1 == 2\n")
    (folder / "broken.py").write_text("def (")
    (folder / "deeper" / "test_broken.py").write_text("assert (")
    return folder


def test_every_module_that_can_be_is_compiled_as_whoever_imports_it_would(
    package: Path, pytestconfig: pytest.Config
) -> None:
    compile_missing(pytestconfig, package.parent)

    for name in MODULES:
        assert compiled_file(package / name).exists(), name
    for name in ("broken.py", "deeper/test_broken.py"):
        assert not compiled_file(package / name).exists()
    test = package / "deeper" / "test_one.py"
    code = rewrite._read_pyc(test, compiled_file(test))
    assert code is not None, "pytest takes it"
    assert "@pytest_ar" in code.co_names, "with its assertions rewritten"
    assert compiled_file(package / "plain.py") == Path(importlib.util.cache_from_source(package / "plain.py"))


def test_what_changed_since_is_not_taken(package: Path, pytestconfig: pytest.Config) -> None:
    compile_missing(pytestconfig, package.parent)
    test = package / "deeper" / "test_one.py"
    test.write_text("def test_it() -> None:\n    assert 1 + 1 == 3\n")

    assert rewrite._read_pyc(test, compiled_file(test)) is None


def test_a_session_begins_with_it() -> None:
    assert conftest.pytest_xdist_setupnodes is compiled.pytest_xdist_setupnodes
