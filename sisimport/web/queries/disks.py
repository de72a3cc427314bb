"""What pages show of the disks, and to whom."""

from sisimport.accounts.access import Capability, can
from sisimport.imports.storage import room
from students.access import User


def shown_to(user: User) -> list[room.Place]:
    """What of the disks is reported on pages: all of it to those who look after the installation, nothing to others."""
    return room.places() if can(user, Capability.SETTINGS) else []
