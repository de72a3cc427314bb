"""Modules compiled before the processes of a session start: in a new clone each of them would compile all of them, and rewrite
the assertions of every test module, at the same time as the others do.

Only what was never compiled: a module that changed since is compiled again by whoever imports it, as ever.
"""

import contextlib
import os
import py_compile
import sys
from collections.abc import Iterable, Sequence
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from _pytest.assertion import rewrite
from _pytest.config import Config

ROOT = Path(__file__).resolve().parents[1]


def compile_missing(config: Config, root: Path = ROOT) -> None:
    """Return once everything that a session of tests may import is compiled, by as many processes as there are processors."""
    if sys.dont_write_bytecode:
        return
    missing = [path for path in modules(root) if not compiled_file(path).exists()]
    share = os.cpu_count() or 1
    children = [_compile_apart(config, missing[number::share]) for number in range(share)] if missing else []
    for child in children:
        os.waitpid(child, 0)


def modules(root: Path) -> Iterable[Path]:
    """Those of the packages in a folder."""
    return (path for package in sorted(root.glob("*/__init__.py")) for path in sorted(package.parent.rglob("*.py")))


def compiled_file(path: Path) -> Path:
    """Where Python, or pytest for what has its assertions rewritten, looks for the compiled module."""
    if _has_assertions(path):
        return rewrite.get_cache_dir(path) / f"{path.stem}{rewrite.PYC_TAIL}"
    return Path(cache_from_source(path))


def _has_assertions(path: Path) -> bool:
    return path.name.startswith("test_") or path.name == "conftest.py"


def _compile_apart(config: Config, paths: Sequence[Path]) -> int:
    """The id of a process that does it. Of what cannot be compiled it says nothing: whoever imports that will."""
    child = os.fork()
    if child:
        return child
    try:
        for path in paths:
            with contextlib.suppress(Exception):
                _compile(config, path)
    finally:
        os._exit(0)


def _compile(config: Config, path: Path) -> None:
    if not _has_assertions(path):
        py_compile.compile(str(path), doraise=True)
        return
    rewrite.try_makedirs(compiled_file(path).parent)
    stamp, code = rewrite._rewrite_test(path, config)
    rewrite._write_pyc(config.stash[rewrite.assertstate_key], code, stamp, compiled_file(path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: Config) -> None:
    """Called in the process that starts the others, before it does."""
    compile_missing(config)
