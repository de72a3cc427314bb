"""What a request has shown so far: gathered where rows of students are read, written down when the answer is ready.

Every row of a student that the ORM makes an object of is noted here by itself (`Student.from_db` and its like). Statements that
are written by hand note what they read. So a new page is on record without a line of its own.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

# The strongest of what a request did says of which kind its entry is.
_RANK = ("", "list", "page", "lines", "ssid", "export")


@dataclass(slots=True)
class Looked:
    """`students`: internal ids, as they came. `numbers`: local numbers of those who are only named by it. `lines`: data lines of
    files. `kind`, `subject`: what the page said of it. `of_command`: nobody is signed in."""

    students: "array[int]" = field(default_factory=lambda: array("q"))
    numbers: set[str] = field(default_factory=set)
    lines: int = 0
    kind: str = ""
    subject: str = ""
    of_command: bool = False

    def __bool__(self) -> bool:
        return bool(self.students or self.numbers or self.lines or self.kind)

    def label(self, kind: str, subject: str) -> None:
        if _RANK.index(kind) >= _RANK.index(self.kind):
            self.kind = kind
        if subject and subject not in self.subject.split("; "):
            self.subject = f"{self.subject}; {subject}" if self.subject else subject

    def clear(self) -> None:
        self.students, self.numbers, self.lines, self.kind, self.subject = array("q"), set(), 0, "", ""


_now: ContextVar[Looked | None] = ContextVar("looked", default=None)


@contextmanager
def gathering(looked: Looked) -> Iterator[Looked]:
    """Within, what is read is noted in `looked`."""
    before = _now.set(looked)
    try:
        yield looked
    finally:
        _now.reset(before)


@contextmanager
def unseen() -> Iterator[None]:
    """Within, nothing is noted: rows are read to decide something, and not shown."""
    before = _now.set(None)
    try:
        yield
    finally:
        _now.reset(before)


def current() -> Looked | None:
    """What the request at hand has shown so far; None outside of one."""
    return _now.get()


def note(student: int | None) -> None:
    """A student was read to be shown."""
    looked = _now.get()
    if looked is not None and student is not None:
        ids = looked.students
        if not ids or ids[-1] != student:
            ids.append(student)


def note_all(students: Iterable[int | None]) -> None:
    """Several were; None: a line of nobody."""
    looked = _now.get()
    if looked is not None:
        looked.students.extend(student for student in students if student is not None)


def note_numbers(numbers: Iterable[str]) -> None:
    """Students are shown by their local numbers alone."""
    looked = _now.get()
    if looked is not None:
        looked.numbers.update(filter(None, numbers))


def note_line(student: int | None = None) -> None:
    """A data line, or a finding on one, was read to be shown; `student`: whose line it is, if anybody's."""
    looked = _now.get()
    if looked is not None:
        looked.lines += 1
        note(student)


def note_lines(count: int) -> None:
    """Data lines are shown; whose they are is noted apart."""
    looked = _now.get()
    if looked is not None:
        looked.lines += count


if TYPE_CHECKING:
    from django.db.models import Model as _Base
else:
    _Base = object


class NotesStudent(_Base):
    """Of a model: every object made of a row notes the student that it is about."""

    _student_field = "student_id"
    _is_line = False

    if TYPE_CHECKING:

        class Meta:
            abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        made = super().from_db(db, field_names, values, **more)
        looked = _now.get()
        if looked is not None:
            looked.lines += cls._is_line
            note(made.__dict__.get(cls._student_field))
        return made


class NotesLine(NotesStudent):
    """Of a model of what is reported about a file's line: the line is noted too, whether or not it is known whose it is."""

    _is_line = True

    if TYPE_CHECKING:

        class Meta:
            abstract = True
