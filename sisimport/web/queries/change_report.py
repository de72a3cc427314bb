"""Changes of a run's plan for one reader: by kind with their counts, filtered, and as a sequence for a paginator.

Changes to students come first, changes for the file as a whole (the structure of assessments, line 0) last. Counts come
from the run's summary if it has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import OrderBy

from sisimport.accounts.readers import Reader
from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.engine.sql import compiled, fetch_all
from sisimport.imports.models import ImportChange, ImportRun, SetAside
from students.models import Student
from students.search import named

MOST_SORTED = 50_000  # changes of a run that may be sorted differently than stored
MOST = 5000  # changes that can be paged through; beyond, people filter or download
_MOST_FIELDS = 50_000  # changes of one kind whose fields are counted for a page
_BY_FIELD = "student"  # the kind whose fields tell more than the number of records
OUTCOMES = {"new": "New", "changed": "Changed", "removed": "Removed", "aside": "Not written"}
_OPERATIONS = {"create": "new", "update": "changed", "remove": "removed"}
_CONDITIONS = {
    "new": Q(before__isnull=True),
    "changed": Q(before__isnull=False, after__isnull=False),
    "removed": Q(after__isnull=True),
}


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes to show; an empty filter means all. `line`: from this line of the file on.

    `text`: the beginning of a student's names, or a local number.
    """

    kind: str = ""
    outcome: str = ""
    school: int | None = None
    grade: str = ""
    line: int | None = None
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, Any], text: str = "") -> "ChangeFilter":
        """From the address and the typed text; invalid values are ignored."""
        outcome = query.get("outcome", "")
        return cls(
            kind=query.get("kind", "")[:16],
            outcome=outcome if outcome in OUTCOMES else "",
            school=_number(query.get("school", "")),
            grade=query.get("grade", "")[:2],
            line=_number(query.get("line", "")),
            text=text,
        )

    @property
    def counts_are_known(self) -> bool:
        """Does the run's summary hold the count of these changes?"""
        return not (self.outcome or self.grade or self.text) and self.school is None and self.line is None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


class ChangeReport:
    """Changes of a run for one reader, those to students first, in line order.

    `order`: a different order, by fields of the change or by `last_key` and `first_key` of the student on record. Used
    only if few are sorted (`may_sort`).
    """

    def __init__(
        self,
        run: ImportRun,
        reader: Reader,
        wanted: ChangeFilter | None = None,
        *,
        order: Sequence[OrderBy] = (),
    ) -> None:
        self.run, self.reader, self.wanted = run, reader, wanted or ChangeFilter()
        self._order = tuple(order) if self.may_sort else ()

    @cached_property
    def kinds(self) -> list[dict[str, Any]]:
        """Kinds of change with their counts, those of the file's structure last: `{"kind", "operation", "count"}`."""
        rows: list[dict[str, Any]] = self.run.summary.get("changes", []) if self.reader.whole else self._counted()
        return sorted(rows, key=lambda row: (get_kind(row["kind"]).of_file, -row["count"]))

    def _counted(self) -> list[dict[str, Any]]:
        rows = self._all().order_by("kind").values_list("kind").annotate(n=Count("line"))
        return [{"kind": kind, "operation": "", "count": n} for kind, n in rows]

    def _all(self) -> QuerySet[ImportChange]:
        return ImportChange.objects.filter(self.reader.changes(), run_id=self.run.plan_run_id)

    @cached_property
    def total(self) -> int:
        """How many there are; with a filter, no more than can be paged through are counted."""
        if self.wanted.counts_are_known:
            return sum(row["count"] for row in self.kinds if self.wanted.kind in ("", row["kind"]))
        return self.rows()[: MOST + 1].count()

    @property
    def may_sort(self) -> bool:
        """Whether there are few enough to sort them for every page view."""
        return sum(row["count"] for row in self.kinds) <= MOST_SORTED

    def rows(self) -> QuerySet[ImportChange]:
        """In the requested order, else in line order, changes for the file as a whole first."""
        wanted, rows = self.wanted, self._all()
        if wanted.kind:
            rows = rows.filter(kind=wanted.kind)
        if wanted.outcome in _CONDITIONS:
            rows = rows.filter(_CONDITIONS[wanted.outcome])
        if wanted.outcome == "aside":
            kept = SetAside.objects.filter(run=self.run, line=OuterRef("line"), seq=OuterRef("seq"))
            rows = rows.filter(Exists(kept))
        if wanted.line is not None:
            rows = rows.filter(line__gte=wanted.line)
        if wanted.school is not None or wanted.grade:
            rows = rows.filter(self._of_students())
        if wanted.text:
            rows = rows.filter(self._named())
        if self._order:
            student = Student.objects.filter(pk=OuterRef("student_id"))
            rows = rows.annotate(
                last_key=Subquery(student.values("last_key")), first_key=Subquery(student.values("first_key"))
            )
        return rows.order_by(*self._order, "line", "seq")

    def _of_students(self) -> Q:
        """Condition: changes to students of the school and grade, including students that the plan itself makes."""
        found, planned = self.reader.students(), Q(run_id=self.run.plan_run_id, kind="student", before__isnull=True)
        if self.wanted.school is not None:
            found, planned = (
                found.filter(school_id=self.wanted.school),
                planned & Q(after__school_id=self.wanted.school),
            )
        if self.wanted.grade:
            found, planned = found.filter(grade=self.wanted.grade), planned & Q(after__grade=self.wanted.grade)
        made = ImportChange.objects.filter(planned).values("student_id")
        return Q(student_id__in=found.values("pk")) | Q(student_id__in=made)

    def _named(self) -> Q:
        """Condition: changes to students whose names begin with each word, or with this local number, including
        students that the plan makes."""
        found = self.reader.students().filter(named(self.wanted.text))
        planned = Q(run_id=self.run.plan_run_id, kind="student", before__isnull=True)
        for word in self.wanted.text.split():
            names = Q(after__last_name__istartswith=word) | Q(after__first_name__istartswith=word)
            planned &= names | Q(after__local_number=word)
        made = ImportChange.objects.filter(planned).values("student_id")
        return Q(student_id__in=found.values("pk")) | Q(student_id__in=made)

    @cached_property
    def _of_students_count(self) -> int:
        return len(self) - min(self.rows().filter(line=0)[:MOST].count(), len(self))

    @property
    def is_capped(self) -> bool:
        return self.total > MOST

    def __len__(self) -> int:
        return min(self.total, MOST)

    def __getitem__(self, wanted: slice) -> list[ImportChange]:
        start, stop = wanted.start or 0, min(wanted.stop if wanted.stop is not None else len(self), len(self))
        if self._order:
            return list(self.rows()[start:stop])
        first = self._of_students_count
        found = list(self.rows().filter(line__gt=0)[start : min(stop, first)]) if start < first else []
        if stop > first:
            found += self.rows().filter(line=0)[max(start - first, 0) : stop - first]
        return found


@dataclass(frozen=True, slots=True)
class KindCount:
    """One line of the summary: `SSID, new` 766. `share`: percent of the longest bar."""

    label: str
    kind: str
    outcome: str
    count: int
    share: float


def kind_summary(run: ImportRun, reader: Reader, report: ChangeReport) -> list[KindCount]:
    """What a run changes by kind, most frequent first, the structure of the file last; for students, each changed
    field."""
    lines: list[tuple[str, str, str, int]] = []
    for row in report.kinds:
        kind, outcome = get_kind(row["kind"]), _OPERATIONS.get(row["operation"], "")
        if kind.key == _BY_FIELD and outcome == "changed" and row["count"] <= _MOST_FIELDS:
            lines += [(label, kind.key, outcome, n) for label, n in _fields(run, reader)]
        else:
            lines.append((f"{kind.label}, {outcome}" if outcome else kind.label, kind.key, outcome, row["count"]))
    most = max((count for *_rest, count in lines), default=1)
    return [KindCount(label, kind, outcome, count, 100 * count / most) for label, kind, outcome, count in lines]


def _fields(run: ImportRun, reader: Reader) -> list[tuple[str, int]]:
    """Student fields that change, and for how many students, in one statement."""
    changes = ImportChange.objects.filter(
        reader.changes(), _CONDITIONS["changed"], run_id=run.plan_run_id, kind=_BY_FIELD
    )
    sql, params = compiled(changes.order_by().values_list("after"))
    rows = fetch_all(
        f"SELECT k, count(*) FROM ({sql}) AS c(after), jsonb_object_keys(c.after) AS k GROUP BY k ORDER BY 2 DESC, k",
        params,
    )
    return [(f"{_label(field)}, changed", count) for field, count in rows]


def _label(field: str) -> str:
    try:
        name = str(Student._meta.get_field(field.removesuffix("_id")).verbose_name)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        name = field.replace("_", " ")
    return name[:1].upper() + name[1:]
