"""Settings from files: NAME_FILE names a file that holds the value of NAME, as vaults, Docker and Kubernetes lay secrets out.

So the environment of a process holds no secret, where whoever may list the processes of its user reads it.
"""

import os

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class SettingFiles(FileAwareMapping):
    """The environment, with values from files before its own."""

    def __getitem__(self, key: str) -> str:
        """Raises KeyError, and ImproperlyConfigured for a file that cannot be read."""
        try:
            value = str(super().__getitem__(key))
        except (OSError, UnicodeDecodeError) as error:
            path = os.environ.get(f"{key}_FILE", "")
            why = getattr(error, "strerror", None) or "not text in UTF-8"
            raise ImproperlyConfigured(
                f"{key}_FILE names {path}, which cannot be read ({why}). Write the value of {key} into that file, or take "
                f"{key}_FILE away and set {key}."
            ) from None
        return value.removesuffix("\n") if self.env.get(f"{key}_FILE") else value  # an editor ends its file with one


class Env(environ.Env):
    """Reads settings, each from the environment or from the file that NAME_FILE names."""

    ENVIRON = SettingFiles()
