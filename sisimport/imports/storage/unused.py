"""Kept files that no run ever used: chosen on a page and abandoned there."""

import datetime as dt
import logging

from django.db import models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from sisimport.imports.models import ImportFile

logger = logging.getLogger(__name__)
KEPT_HOURS = 24


def _unused() -> QuerySet[ImportFile]:
    """Files that no record of any app refers to; records that are deleted with a file do not count as a use of it."""
    files = ImportFile.objects.all()
    for relation in ImportFile._meta.related_objects:
        if relation.on_delete is models.CASCADE:
            continue
        using = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
        files = files.filter(~Exists(using))
    return files.filter(converted_from__isnull=True)


def remove_if_unused(pk: int) -> bool:
    """Remove one file with its bytes, unless a run or another record names it.

    Uses its own statements: Django would also blank references, which no row has and the web server's database role may not do.
    """
    with transaction.atomic():
        # A process that would refer to it now waits until it is gone.
        list(ImportFile.objects.select_for_update(of=("self",)).filter(pk=pk).values_list("pk"))
        file = _unused().filter(pk=pk).first()
        if file is None:
            return False
        stored = file.file
        for relation in ImportFile._meta.related_objects:
            if relation.on_delete is models.CASCADE:
                relation.related_model._default_manager.filter(**{relation.field.name: pk}).delete()
        rows = ImportFile.objects.filter(pk=pk)
        rows._raw_delete(rows.db)
        transaction.on_commit(lambda: stored.delete(save=False))
    return True


def remove_unused(now: dt.datetime | None = None) -> int:
    """Remove files chosen over a day ago and never used. Returns how many."""
    before = (now or timezone.now()) - dt.timedelta(hours=KEPT_HOURS)
    old = list(_unused().filter(uploaded_at__lt=before).values_list("pk", flat=True)[:500])
    gone = sum(remove_if_unused(pk) for pk in old)
    if gone:
        logger.info("removed %s chosen files that no run used", gone)
    return gone
