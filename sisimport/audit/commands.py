"""Putting commands on record: the students one shows are gathered as for a page, and recorded when it ends."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sisimport.audit.looking import Looked, gathering


@contextmanager
def recorded(command: str) -> Iterator[None]:
    """Runs a command of this name inside; however it ends, it is put on record if it showed a student.

    Raises the errors of writing to the database: the command then ends with an error.
    """
    looked = Looked(of_command=True)
    try:
        with gathering(looked):
            yield
    finally:
        if looked:
            from sisimport.audit.writing import Doer, write_looked

            looked.label(looked.kind, f"login {_login()}")
            write_looked(looked, Doer(place=f"command {command}"))


def _login() -> str:
    """The login name on the machine; commands have no user of the product."""
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return "unknown"
