"""Whether invented people of the demo district are on record: pages then show a mark."""

from students.models import LEA

NAME_ENDING = " (demo)"  # of the district that make_demo makes


def has_invented_people() -> bool:
    return LEA.objects.filter(name__endswith=NAME_ENDING).exists()
