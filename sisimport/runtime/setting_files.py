"""Settings from files: NAME_FILE names a file that holds the value of NAME, the way vaults, Docker and Kubernetes provide
secrets.

So the environment of a process, which can be read by anyone who may list that user's processes, holds no secret.
"""

import os

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping


class SettingFiles(FileAwareMapping):
    """The environment; values from files take precedence."""

    def __getitem__(self, key: str) -> str:
        """Raises KeyError, and ImproperlyConfigured for a file that cannot be read."""
        try:
            value = str(super().__getitem__(key))
        except (OSError, UnicodeDecodeError) as error:
            path = os.environ.get(f"{key}_FILE", "")
            why = getattr(error, "strerror", None) or "not text in UTF-8"
            raise ImproperlyConfigured(
                f"{key}_FILE names {path}, which cannot be read ({why}). Write the value of {key} into that file, or remove "
                f"{key}_FILE and set {key}."
            ) from None
        return value.removesuffix("\n") if self.env.get(f"{key}_FILE") else value  # editors end a file with a newline


class Env(environ.Env):
    """Reads settings, each from the environment or from the file that NAME_FILE names."""

    ENVIRON = SettingFiles()
