"""What pages show about the disks, and to whom."""

from sisimport.accounts.access import Capability, can
from sisimport.imports.storage import room
from students.access import User


def shown_to(user: User) -> list[room.Place]:
    """The disks reported on pages: all of them to users who administer the installation, none to others."""
    return room.places() if can(user, Capability.SETTINGS) else []
