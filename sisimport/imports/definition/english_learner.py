"""Rules on English learner records that all import types share: since when a status holds, and which of two is older."""

from typing import Any

from django.db import models
from django.db.models import Case, DateField, F, Func, When
from django.db.models.functions import Coalesce

from sisimport.imports.definition.options import Choice, Option
from students.models import ProgramStatus

OLDER_STATUS = Option(
    name="older_status",
    label="A status older than the one on record",
    default="write",
    district_default=True,
    choices=(
        Choice(value="write", label="Write it, with a warning", hint="As the CALPADS screen does."),
        Choice(value="keep", label="Never write it", hint="The record keeps its status and its dates."),
    ),
)
OLDER_STATUS_REMEDY = {"ELA-OLDER": (OLDER_STATUS.name, "keep")}
OVERWRITTEN, KEPT = " It is overwritten.", " The record is kept."

# The day since which the status on record holds.
RECORD_SINCE = Case(
    When(student__el__program_status=ProgramStatus.PENDING, then=F("student__el__tbd_date")),
    When(
        student__el__program_status=ProgramStatus.EXITED,
        then=Coalesce(F("student__el__exit_date"), F("student__el__identified_date")),
    ),
    default=F("student__el__identified_date"),
    output_field=DateField(),
)


class IsEarlier(Func):
    """`a < b`: false, never unknown, if one of them is blank."""

    template = "((%(expressions)s) IS TRUE)"
    arg_joiner = " < "
    output_field = models.BooleanField()
    conditional = True

    def __init__(self, left: Any, right: Any, **extra: Any) -> None:
        super().__init__(left, right, **extra)
