"""Test set-ups made by imports of the practice district are removed with it, unless other scores use them by now;
results are counted again. State results of invented places are removed too."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef

from assessments.models import Assessment, Score
from assessments.research.change_kinds import PUBLIC_PLACE_KIND, PUBLIC_RESULT_KIND
from assessments.scores.change_kinds import ASSESSMENT_KIND
from assessments.scores.result_counts import recount_all
from sisimport.demo.practice import register_cleaner
from sisimport.imports.models import ImportChange
from students.removing import remove


def remove_setups(runs: Collection[int]) -> None:
    """A set-up stays while scores use it or one of its parts."""
    changes = ImportChange.objects.filter(run_id__in=runs, kind=ASSESSMENT_KIND.key, before__isnull=True)
    made = Assessment.objects.filter(pk__in=set(changes.values_list("object_id", flat=True)))
    scored = Exists(Score.objects.filter(assessment=OuterRef("pk")))
    kept = set(Assessment.objects.filter(scored).values_list("pk", "parent_id"))
    remove(made.exclude(pk__in={pk for pair in kept for pk in pair if pk}))
    recount_all()  # the scores were removed with their students, without updating the counted results


def remove_public_results(runs: Collection[int]) -> None:
    """Remove what sample research files brought about invented places."""
    for kind in (PUBLIC_RESULT_KIND, PUBLIC_PLACE_KIND):
        changes = ImportChange.objects.filter(run_id__in=runs, kind=kind.key, before__isnull=True)
        kind.model._default_manager.filter(pk__in=set(changes.values_list("object_id", flat=True))).delete()


register_cleaner(remove_setups)
register_cleaner(remove_public_results)
