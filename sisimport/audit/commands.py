"""Commands on record: what one shows of students is gathered as it is for a page, and written down when it ends."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sisimport.audit.looking import Looked, gathering


@contextmanager
def recorded(command: str) -> Iterator[None]:
    """Within, a command of this name is executed; whatever its end, it is on record when it showed a student.

    Raises what writing to the database raises: the command then ends with an error.
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
    """Of the machine; commands have no user of the product."""
    with suppress(KeyError, OSError):
        return getpass.getuser()
    return "unknown"
