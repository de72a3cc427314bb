"""Who may see which lines of a run's report: one place for pages, downloads and the REST API."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from sisimport.accounts.access import sees_whole_run
from sisimport.imports.models import ImportRun
from students.access import User, visible_school_ids
from students.models import Student


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a report: `schools` are those whose students may be shown (None: all), `own`: they started the run."""

    schools: frozenset[int] | None
    whole: bool
    own: bool

    @classmethod
    def of(cls, user: User, run: ImportRun) -> "Reader":
        return cls(schools=visible_school_ids(user), whole=sees_whole_run(user, run), own=run.created_by_id == user.pk)

    def issues(self) -> Q:
        """Condition on the issues shown: those about the reader's students and, in their own runs, those about no student."""
        if self.whole:
            return Q()
        mine = Q(school_id__in=sorted(self.schools or ()))
        return mine | Q(student_id__isnull=True, school_id__isnull=True) if self.own else mine

    def changes(self) -> Q:
        if self.whole:
            return Q()
        mine = Q(student_id__in=Student.objects.filter(school_id__in=sorted(self.schools or ())).values("pk"))
        return mine | Q(student_id__isnull=True) if self.own else mine

    def students(self) -> QuerySet[Student]:
        students = Student.objects.all()
        return students if self.schools is None else students.filter(school_id__in=sorted(self.schools))
