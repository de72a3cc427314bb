"""script/setup on machines of every kind: the real script, with a lock of small wheels (small_clone.py)."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wiring.small_clone import SmallClone, interpreters

NOBODY = 65534
FOLDER = "Schüler – données 学校 (2)"


@pytest.fixture
def clone(tmp_path: Path) -> SmallClone:
    """In a folder whose name has spaces and letters beyond ASCII: whatever works here works in plain ones."""
    made = SmallClone(tmp_path / FOLDER)
    made.lock(made.wheel("probe", "1.0"), made.wheel("tool", "1.0", ["probe>=1"]))
    return made


@pytest.mark.setup
def test_a_set_up_prints_the_python_of_its_environment_and_a_second_one_does_nothing(clone: SmallClone) -> None:
    first = clone.setup()
    second = clone.setup()

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert first.stdout == second.stdout == f"{clone.root}/.venv/bin/python\n"
    assert second.stderr == ""
    assert clone.packages() == {"probe-1.0"}
    assert clone.ask("import probe; print(probe.VERSION)") == "1.0"

    third = clone.setup("dev")

    assert third.returncode == 0, third.stderr
    assert clone.packages() == {"probe-1.0", "tool-1.0"}
    assert clone.damaged() == []


@pytest.mark.setup
def test_a_changed_lock_is_installed_into_the_environment_that_is_there(clone: SmallClone) -> None:
    assert clone.setup("dev").returncode == 0
    mark = clone.root / ".venv" / "mark"
    mark.touch()
    clone.lock(clone.wheel("probe", "1.1"), clone.wheel("tool", "1.0", ["probe>=1"]))

    result = clone.setup("dev")

    assert result.returncode == 0, result.stderr
    assert clone.packages() == {"probe-1.1", "tool-1.0"}
    assert mark.exists()


@pytest.mark.setup
def test_what_an_older_lock_left_and_no_longer_fits_is_cleared_away(clone: SmallClone) -> None:
    old = clone.wheel("old", "1.0", ["probe<2"])
    clone.lock(clone.wheel("probe", "1.0"), old, clone.wheel("tool", "1.0"))
    assert clone.setup("dev").returncode == 0
    clone.lock(clone.wheel("probe", "2.0"), clone.wheel("tool", "1.0"))

    result = clone.setup("dev")

    assert result.returncode == 0, result.stderr
    assert clone.packages() == {"probe-2.0", "tool-1.0"}


@pytest.mark.setup
def test_a_lock_whose_packages_do_not_fit_together_is_reported_and_never_taken_for_done(clone: SmallClone) -> None:
    clone.lock(clone.wheel("probe", "1.0"), clone.wheel("tool", "1.0", ["probe>=2"]))

    for _time in range(2):
        result = clone.setup("dev")

        assert result.returncode == 1
        assert "The pinned packages do not fit together" in result.stderr
        assert "tool 1.0" in result.stderr


@pytest.mark.setup
def test_a_registry_that_does_not_answer_is_reported_and_the_next_call_continues(clone: SmallClone) -> None:
    unreachable = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_RETRIES": "0"}
    result = clone.setup(PIP_FIND_LINKS="", **unreachable)

    assert result.returncode == 1
    assert "run the same command again" in result.stderr
    assert clone.setup().returncode == 0
    assert clone.packages() == {"probe-1.0"}


@pytest.mark.setup
def test_two_set_ups_at_once_share_the_work(clone: SmallClone) -> None:
    both = [clone.start("dev"), clone.start()]
    said = [process.communicate(timeout=300)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert clone.damaged() == []
    assert clone.packages() >= {"probe-1.0"}


@pytest.mark.setup
def test_a_python_that_was_replaced_below_the_environment_makes_it_again(clone: SmallClone) -> None:
    """As an upgrade of the system does: the name stays, and stands for another version."""
    assert clone.setup().returncode == 0
    installed = clone.root / ".venv" / "installed"
    installed.write_text(installed.read_text().replace("link /", "link /older/"))
    mark = clone.root / ".venv" / "mark"
    mark.touch()

    assert clone.setup().returncode == 0
    assert not mark.exists()


def test_an_invalid_python_is_reported_in_one_sentence(clone: SmallClone) -> None:
    old = clone.root / "old python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    for name in ("/nowhere/python", str(old)):
        result = clone.setup(PYTHON=name)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == (
            f"PYTHON is {name}, which is not a Python 3.11 or newer with venv and pip (Debian: apt install python3-venv).\n"
        )


@pytest.mark.skipif(len(interpreters()) < 2, reason="only one Python is here")
@pytest.mark.setup
def test_another_python_than_that_of_the_environment_makes_it_again(clone: SmallClone) -> None:
    first, second = list(interpreters().items())[:2]
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    for number, path in (first, second, first):
        result = clone.setup(PYTHON=path)

        assert result.returncode == 0, result.stderr
        assert clone.ask(version) == number
        assert clone.packages() == {"probe-1.0"}
    mark = clone.root / ".venv" / "mark"
    mark.touch()

    assert clone.setup(PYTHON=first[1]).stderr == ""
    assert clone.setup().stderr == ""
    assert mark.exists()


# -- a checkout that cannot be written to ------------------------------------------------------------------------------


@pytest.fixture
def read_only() -> Iterator[SmallClone]:
    """A clone that the user below (nobody, if we are root: root may write everywhere) can read and not write."""
    folder = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    folder.chmod(0o755)
    clone = SmallClone(folder / "clone")
    clone.lock(clone.wheel("probe", "1.0"), clone.wheel("tool", "1.0"))
    clone.root.chmod(0o555)
    yield clone
    clone.root.chmod(0o755)
    shutil.rmtree(folder)


def unprivileged() -> dict[str, Any]:
    """How to start a process that may not write everywhere: as nobody, if we are root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def readers_python() -> str:
    """A Python that an unprivileged user can start; root's own (below its home) they cannot."""
    for path in ["/usr/bin/python3", *interpreters().values()]:
        with contextlib.suppress(OSError):
            script = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
            if subprocess.run([path, "-c", script], capture_output=True, check=False, **unprivileged()).returncode == 0:
                return path
    pytest.skip("no Python that an unprivileged user can start")


def setup_as_reader(clone: SmallClone, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run script/setup as somebody who may not write into the clone."""
    return subprocess.run(
        [clone.root / "script" / "setup"],
        cwd="/",
        env=clone.environment(PYTHON=readers_python(), **environment),
        capture_output=True,
        text=True,
        check=False,
        **unprivileged(),
    )


@pytest.mark.setup
def test_below_a_read_only_checkout_the_environment_is_in_the_data_directory(read_only: SmallClone) -> None:
    data = read_only.root.parent / "data"
    data.mkdir()
    data.chmod(0o777)

    result = setup_as_reader(read_only, SISIMPORT_DATA_DIR=str(data))

    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{data}/venv/bin/python\n"
    assert "probe" in {path.name for path in (data / "venv").glob("lib/python*/site-packages/*")}
    assert not (read_only.root / ".venv").exists()
    assert setup_as_reader(read_only, SISIMPORT_DATA_DIR=str(data)).stderr == ""


def test_a_read_only_checkout_without_a_data_directory_says_what_is_missing(read_only: SmallClone) -> None:
    result = setup_as_reader(read_only)

    assert result.returncode == 1
    said = f"{read_only.root} cannot be written to: name a folder that can be written to in SISIMPORT_DATA_DIR.\n"
    assert result.stderr == said


# -- interrupted -------------------------------------------------------------------------------------------------------


@pytest.mark.setup
def test_a_set_up_killed_at_any_moment_is_finished_by_the_next_call(tmp_path: Path) -> None:
    """Ten moments, from the first start of an environment and from its change to another lock."""
    clone = SmallClone(tmp_path / "clone")
    locks = [
        (
            clone.wheel("probe", f"{number}.0", files=400),
            clone.wheel("tool", f"{number}.0", [f"probe=={number}.0"], 400),
        )
        for number in (1, 2)
    ]
    clone.lock(*locks[0])
    start = time.monotonic()
    assert clone.setup("dev").returncode == 0
    whole = time.monotonic() - start
    seed = random.randrange(10**6)
    moments = random.Random(seed)

    for turn in range(10):
        if turn % 3 == 0:
            shutil.rmtree(clone.root / ".venv")
        number = turn % 2 + 1
        clone.lock(*locks[number - 1])
        after = moments.uniform(0, whole * (1 if turn % 3 == 0 else 0.5))
        victim = clone.start("dev")
        time.sleep(after)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.communicate()

        result = clone.setup("dev")

        told = f"seed {seed}, turn {turn}, killed after {after:.2f} s of {whole:.2f}"
        assert result.returncode == 0, (told, result.stderr)
        assert clone.packages() == {f"probe-{number}.0", f"tool-{number}.0"}, told
        assert clone.damaged() == [], told
        assert clone.ask("import probe.module_399, tool.module_399; print(probe.VERSION)") == f"{number}.0", told


@pytest.mark.setup
def test_a_set_up_that_stopped_half_way_is_not_trusted(clone: SmallClone) -> None:
    """Each state that a killed one leaves: no pip yet, a package without its end, one half taken away."""
    assert clone.setup().returncode == 0
    site = next(clone.site.glob("python*/site-packages"))
    for damage in ("pip", "pip/_internal", "probe"):
        (clone.root / ".venv" / "installed").unlink()
        shutil.rmtree(site / damage)

        result = clone.setup()

        assert result.returncode == 0, result.stderr
        assert clone.damaged() == [], damage
