"""A run's report for pages: which issues and changes a reader sees, filtered, counted and cut into pages.

Everything is bounded: a page asks for its own rows, counts come from the run's summary if the reader sees the whole
run.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from sisimport.accounts.readers import Reader
from sisimport.files.issues import IssueCode, Severity, codes
from sisimport.imports.models import ImportIssue, ImportRun, absent
from sisimport.web.queries.data_lines import lines_with_text
from students.models import SSID, Student


@dataclass(frozen=True, slots=True)
class IssueFilter:
    """Which issues to show; an empty filter means all."""

    severity: Severity | None = None
    code: str = ""
    school: int | None = None
    text: str = ""

    @property
    def counts_are_known(self) -> bool:
        """Does the run's summary hold the count of these issues?"""
        return self.school is None and not self.text


@dataclass(frozen=True, slots=True)
class Cause:
    """Issues of one code and severity, in registrars' terms."""

    code: str
    severity: Severity
    count: int
    title: str
    fix: str


MOST_FOUND = 10_000  # issues that contain a text; more are not counted


def _wording(code: str) -> IssueCode:
    return codes.get(code) if code in codes else IssueCode(code, code, "", "")


class IssueReport:
    """Issues of a run for one reader: by cause, and as a sequence for a paginator."""

    def __init__(self, run: ImportRun, reader: Reader, wanted: IssueFilter | None = None) -> None:
        self.run, self.reader, self.wanted = run, reader, wanted or IssueFilter()
        self.text_is_capped = False

    # ---- counts ----

    @cached_property
    def _counts(self) -> list[tuple[str, int, int]]:
        """(code, severity, count), worst and most frequent first."""
        if self.reader.whole:
            return [(row["code"], row["severity"], row["count"]) for row in self.run.summary.get("issues", [])]
        rows = (
            self._issues()
            .filter(self.reader.issues())
            .order_by()
            .values_list("code", "severity")
            .annotate(n=Count("line"))
        )
        return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))

    @cached_property
    def causes(self) -> list[Cause]:
        found = []
        for code, severity, count in self._counts:
            wording = _wording(code)
            found.append(Cause(code, Severity(severity), count, wording.title, wording.fix))
        return found

    @property
    def notices(self) -> list[Cause]:
        """Causes that need no action."""
        return [cause for cause in self.causes if cause.severity == Severity.NOTICE]

    @cached_property
    def severities(self) -> list[tuple[Severity, int]]:
        """Severities that occur, worst first, with their counts."""
        sums: dict[int, int] = {}
        for _code, severity, count in self._counts:
            sums[severity] = sums.get(severity, 0) + count
        return [(Severity(severity), count) for severity, count in sorted(sums.items(), reverse=True)]

    @cached_property
    def total(self) -> int:
        return sum(count for _code, _severity, count in self._counts)

    @property
    def worst(self) -> Severity | None:
        """The severity that needs action: errors, else warnings; None if there are only notices."""
        found = self.severities
        return found[0][0] if found and found[0][0] > Severity.NOTICE else None

    # ---- rows ----

    def of_lines(self, lines: Collection[int]) -> QuerySet[ImportIssue]:
        """Issues of these lines that the reader may see, except notices: line by line, worst first."""
        serious = self._issues().filter(self.reader.issues(), line__in=lines, severity__gt=Severity.NOTICE)
        return serious.order_by("line", "-severity", "run_id", "seq")

    def _issues(self) -> QuerySet[ImportIssue]:
        return ImportIssue.objects.filter(run_id__in={self.run.pk, self.run.plan_run_id})

    @cached_property
    def _condition(self) -> Q:
        wanted = self.wanted
        condition = self.reader.issues()
        if wanted.severity is not None:
            condition &= Q(severity=wanted.severity)
        if wanted.code:
            condition &= Q(code=wanted.code)
        if wanted.school is not None:
            condition &= Q(school_id=wanted.school)
        if wanted.text:
            condition &= self._text_condition(wanted.text)
        return condition

    def _text_condition(self, text: str) -> Q:
        """Condition: the text is in the message's values or the line itself, or is the line number or the student's
        local number."""
        lines, self.text_is_capped = lines_with_text(self.run, text)
        condition = Q(found__icontains=text) | Q(expected__icontains=text) | Q(line__in=lines)
        if text.isdecimal() and len(text) < 10:
            condition |= Q(line=int(text))
        students = self.reader.students().filter(local_number=text).values_list("pk", flat=True)
        return condition | Q(student_id__in=list(students))

    @property
    def _run_ids(self) -> list[int]:
        return list(dict.fromkeys([self.run.pk, self.run.plan_run_id]))

    @cached_property
    def _parts(self) -> list[QuerySet[ImportIssue]]:
        """One list for each run that contributes to the report, this run's own first: each is read in key order."""
        return [ImportIssue.objects.filter(self._condition, run_id=run_id) for run_id in self._run_ids]

    @cached_property
    def _lengths(self) -> list[int]:
        if self.wanted.counts_are_known:
            counted = sum(
                count
                for code, severity, count in self._counts
                if self.wanted.severity in (None, severity) and self.wanted.code in ("", code)
            )
            if len(self._parts) == 1:
                return [counted]
            own = self._parts[0].count()
            return [own, max(counted - own, 0)]
        if self.wanted.text:
            return [len(keys) for keys in self._found]
        return [part.count() for part in self._parts]

    @cached_property
    def _found(self) -> list[list[tuple[int, int]]]:
        """Keys of the issues with the text, for each part: a text is searched once, not separately for the count and
        the page."""
        found = []
        for part in self._parts:
            keys = list(part.order_by("line", "seq").values_list("line", "seq")[: MOST_FOUND + 1])
            self.text_is_capped = self.text_is_capped or len(keys) > MOST_FOUND
            found.append(keys[:MOST_FOUND])
        return found

    def __len__(self) -> int:
        return sum(self._lengths)

    def __getitem__(self, wanted: slice) -> list[ImportIssue]:
        start, stop = wanted.start or 0, min(wanted.stop if wanted.stop is not None else len(self), len(self))
        found: list[ImportIssue] = []
        for number, length in enumerate(self._lengths):
            if start < length and stop > 0:
                found += self._read(number, max(start, 0), min(stop, length))
            start, stop = start - length, stop - length
        return found

    def _read(self, number: int, start: int, stop: int) -> list[ImportIssue]:
        """Issues start to stop of one part."""
        if not self.wanted.text:
            return _window(self._parts[number], start, stop, self._lengths[number])
        keys = self._found[number][start:stop]
        rows = ImportIssue.objects.filter(run_id=self._run_ids[number], line__in={line for line, _seq in keys})
        by_key = {(row.line, row.seq): row for row in rows}
        return [by_key[key] for key in keys]

    def __iter__(self) -> Iterator[ImportIssue]:
        for part in self._parts:
            yield from part.order_by("line", "seq").iterator(chunk_size=2000)


def _window(rows: QuerySet[ImportIssue], start: int, stop: int, length: int) -> list[ImportIssue]:
    """Rows start to stop out of `length`, read from the nearer end."""
    if start <= length // 2:
        return list(rows.order_by("line", "seq")[start:stop])
    return list(rows.order_by("-line", "-seq")[length - stop : length - start])[::-1]


def students_by_id(reader: Reader, ids: Sequence[int | None]) -> dict[int, Student]:
    """Students that the reader may see, by id: for links next to lines."""
    wanted = {pk for pk in ids if pk}
    found = (
        reader.students()
        .filter(pk__in=wanted)
        .only("pk", "local_number", "last_name", "first_name", "middle_name", "suffix", "school_id")
    )
    return {student.pk: student for student in found}


def absent_students(run: ImportRun, reader: Reader, *, only_el: bool = False) -> QuerySet[Student]:
    """Students on record, visible to the reader, that the run's file does not name, for filtering and sorting;
    `has_el`: had EL data at the time of the run."""
    found: Any = absent.absent_students(run.plan_run_id, reader.students())
    found = found.select_related("school", "el").prefetch_related(
        Prefetch("ssids", queryset=SSID.objects.filter(retired_at__isnull=True))
    )
    students: QuerySet[Student] = found.filter(has_el=True) if only_el else found
    return students
