"""Which lines of a Test a person may see and decide on, and which Tests have lines awaiting decisions."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from sisimport.imports.definition.registry import all_types
from sisimport.imports.models import ImportRun, RunStatus, Work
from students.models import Student


@dataclass(frozen=True, slots=True)
class Scope:
    """Which lines and students the reader may see: `schools`: None for all; `whole_run`: also lines that matched no student."""

    schools: frozenset[int] | None
    whole_run: bool

    def of_issues(self) -> Q:
        if self.schools is None:
            return Q()
        seen = Q(school_id__in=list(self.schools))
        return seen | Q(school_id__isnull=True) if self.whole_run else seen

    def limit(self, run: ImportRun) -> frozenset[int] | None:
        """Schools whose students are candidates: those the reader may see and the run may touch."""
        if run.schools is None:
            return self.schools
        own = frozenset(run.schools)
        return own if self.schools is None else own & self.schools


def matching_types() -> list[str]:
    """Keys of the import types whose lines a person may match."""
    return [t.key for t in all_types() if t.matching.remembers_matches]


# Columns of a Test that show whether lines of it await a decision: the menu of every page reads only these of fifty Tests.
_TO_COUNT = ("import_type", "summary", "schools", "created_by", "converts", "file__sha256")


def undecided_tests(runs: QuerySet[ImportRun], *, to_count: bool = False) -> list[ImportRun]:
    """The newest Test of each file whose lines may be matched, if no Update applied it. `to_count`: read only the columns needed
    to count its lines."""
    statuses = [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.COMPLETED]
    tests = (
        runs.filter(work=Work.TEST, status=RunStatus.COMPLETED, import_type__in=matching_types())
        .exclude(pk__in=ImportRun.objects.filter(work=Work.UPDATE, status__in=statuses).values("test_run"))
        .order_by("-id")
    )
    tests = tests.select_related("file").only(*_TO_COUNT) if to_count else tests.select_related("file", "created_by")
    newest: dict[tuple[str, str], ImportRun] = {}
    for run in tests[:50]:
        newest.setdefault((run.file.sha256 if run.file else "", run.import_type), run)
    return list(newest.values())


def tests_with(tests: Iterable[ImportRun], codes: Collection[str]) -> list[tuple[ImportRun, int]]:
    """Tests with findings of these codes, with the number of findings. Read from summaries only: cheap enough for a menu."""
    counted = [(run, sum(e["lines"] for e in run.summary.get("issues", []) if e["code"] in codes)) for run in tests]
    return [(run, count) for run, count in counted if count]


def in_scope(schools: Collection[int] | None) -> QuerySet[Student]:
    return Student.objects.all() if schools is None else Student.objects.filter(school_id__in=list(schools))
