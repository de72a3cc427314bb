"""A secret may come from a file that a vault writes, so that no environment holds it."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from sisimport.runtime.setting_files import Env, SettingFiles
from tests.installed import ROOT


@pytest.fixture
def env() -> Env:
    env = Env()
    env.ENVIRON = SettingFiles()  # one that remembers nothing of other tests
    return env


def test_a_setting_comes_from_the_file_that_is_named(env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("from the vault\n")
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    assert env.str("SECRET_KEY") == "from the environment"

    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))

    assert env.str("SECRET_KEY") == "from the vault"
    assert env.str("NOT_THERE", default="none") == "none"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(
    content: bytes | None, env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SECRET_KEY_FILE", str(path))

    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE names .*key, which cannot be read") as refused:
        env.str("SECRET_KEY", default="")

    assert "or remove SECRET_KEY_FILE and" in str(refused.value)


def test_all_settings_are_read_so() -> None:
    text = (ROOT / "sisimport" / "settings.py").read_text(encoding="utf-8")
    assert "env = Env()" in text
    assert "environ.Env(" not in text
