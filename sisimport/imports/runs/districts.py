"""Which runs are about one district."""

from django.db.models import Q

from sisimport.imports.models import ImportRun
from students.models import LEA


def runs_of(lea: LEA) -> set[int]:
    """Runs about this district alone, with the runs that name them; all there are where it is the only district."""
    if not LEA.objects.exclude(pk=lea.pk).exists():
        return set(ImportRun.objects.values_list("pk", flat=True))
    found = set(
        ImportRun.objects.filter(lea_ids__contained_by=[lea.pk]).exclude(lea_ids=[]).values_list("pk", flat=True)
    )
    while True:
        naming = Q(test_run__in=found) | Q(reverts__in=found) | Q(converts__in=found)
        more = set(ImportRun.objects.filter(naming).exclude(pk__in=found).values_list("pk", flat=True))
        if not more:
            return found
        found |= more
