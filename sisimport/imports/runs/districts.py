"""Which runs are only about certain districts."""

from django.db.models import Q

from sisimport.imports.models import ImportRun
from students.models import LEA


def runs_of(*leas: LEA) -> set[int]:
    """Runs only about these districts, with the runs that refer to them; all runs if there is no other district."""
    keys = [lea.pk for lea in leas]
    if not LEA.objects.exclude(pk__in=keys).exists():
        return set(ImportRun.objects.values_list("pk", flat=True))
    found = set(ImportRun.objects.filter(lea_ids__contained_by=keys).exclude(lea_ids=[]).values_list("pk", flat=True))
    while True:
        naming = Q(test_run__in=found) | Q(reverts__in=found) | Q(converts__in=found)
        more = set(ImportRun.objects.filter(naming).exclude(pk__in=found).values_list("pk", flat=True))
        if not more:
            return found
        found |= more
