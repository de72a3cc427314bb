"""Writes to test set-ups that affect more than one field of one record."""

from django.db import transaction

from assessments.models import Assessment


@transaction.atomic
def prefer(setup: Assessment) -> None:
    """If a set-up is to be used from now on, no other of the same test and years is."""
    if not setup.preferred or setup.parent_id is not None:
        return
    others = Assessment.objects.filter(parent__isnull=True, state_code=setup.state_code, preferred=True)
    for other in others.exclude(pk=setup.pk):
        if (other.first_year or 0) <= (setup.last_year or 9999) and (setup.first_year or 0) <= (
            other.last_year or 9999
        ):
            other.preferred = False
            other.save(update_fields=["preferred"])
