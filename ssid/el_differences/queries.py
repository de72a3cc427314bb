"""Where the state's data about an English learner differs from our record: a list for staff to work through.

State values are stored by every import that brings them (el.plan). They equal the local ones after an import that
overwrites; they differ where "fill only" kept ours, and where a person edited the record later.
"""

from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from sisimport.imports.definition.expressions import Differs
from ssid.rules.english_learner_plan import STATUS_OF, LanguageCode
from students.models import ELRecord

_SAID = {code: status for code, status in STATUS_OF.items() if code != "TVD"}
_state_status = Case(
    *(When(state_elas=code, then=Value(status.value)) for code, status in _SAID.items()),
    default=F("program_status"),
    output_field=CharField(),
)
_DATED = Q(state_elas_date__isnull=False)
# The state's RFEP date may be in either field (option "Save the date of an RFEP status as").
_SAME_DATE = (
    Q(state_elas="TBD", tbd_date=F("state_elas_date"))
    | (~Q(state_elas="TBD") & Q(identified_date=F("state_elas_date")))
    | Q(state_elas="RFEP", exit_date=F("state_elas_date"))
)


def state_differences(schools: Collection[int] | None, *, kind: str = "") -> QuerySet[Any]:
    """EL records that differ from the state's values, by name, with flags for what differs (`status_`, `date_`,
    `language_differs`).

    `schools`: those whose students may be named (None: all). `kind`: only where the `status`, `date` or `language` differs.
    """
    records = ELRecord.objects.annotate(
        state_status=_state_status,
        status_differs=Q(Differs(F("program_status"), _state_status)),
        date_differs=Case(When(_DATED & ~Q(state_elas="") & ~_SAME_DATE, then=Value(True)), default=Value(False)),
        date_here=Case(
            When(state_elas="TBD", then=F("tbd_date")),
            When(state_elas="RFEP", then=Coalesce(F("exit_date"), F("identified_date"))),
            default=F("identified_date"),
        ),
        language_differs=~Q(state_language="")
        & Q(Differs(F("state_language"), LanguageCode(F("student__home_language")))),
    ).filter(Q(status_differs=True) | Q(date_differs=True) | Q(language_differs=True))
    if kind in ("status", "date", "language"):
        records = records.filter(**{f"{kind}_differs": True})
    if schools is not None:
        records = records.filter(student__school__in=list(schools))
    return records.select_related("student", "student__school").order_by(
        "student__last_name", "student__first_name", "student_id"
    )


def difference_rows(records: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    """The list as rows of a table (see views.state.HEAD), streamed."""
    for record in records.iterator(chunk_size=1000):
        student = record.student
        yield (
            student.local_number,
            student.last_name,
            student.first_name,
            student.school.name or student.school.code if student.school else "",
            student.grade,
            record.program_status,
            record.state_elas,
            record.date_here,
            record.state_elas_date,
            student.home_language,
            record.state_language,
        )


__all__ = ["difference_rows", "state_differences"]
