"""The students a request has shown so far: gathered where their rows are read, recorded when the answer is ready.

Every student row that the ORM turns into an object is noted here automatically (`Student.from_db` and similar). Handwritten
statements note what they read. So a new page is on record without any code of its own.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

# The strongest thing a request did determines the kind of its entry.
_RANK = ("", "list", "page", "lines", "ssid", "export")


@dataclass(slots=True)
class Looked:
    """`students`: internal ids, in order. `numbers`: local numbers of students known only by these. `lines`: data lines of files.
    `kind`, `subject`: as given by the page. `of_command`: no user is signed in."""

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
    """Inside, students that are read are noted in `looked`."""
    before = _now.set(looked)
    try:
        yield looked
    finally:
        _now.reset(before)


@contextmanager
def unseen() -> Iterator[None]:
    """Inside, nothing is noted: rows are read for a decision, and not shown."""
    before = _now.set(None)
    try:
        yield
    finally:
        _now.reset(before)


def current() -> Looked | None:
    """What the current request has shown so far; None outside a request."""
    return _now.get()


def note(student: int | None) -> None:
    """Note a student who was read to be shown."""
    looked = _now.get()
    if looked is not None and student is not None:
        ids = looked.students
        if not ids or ids[-1] != student:
            ids.append(student)


def note_all(students: Iterable[int | None]) -> None:
    """Note several students; None: a line of no student."""
    looked = _now.get()
    if looked is not None:
        looked.students.extend(student for student in students if student is not None)


def note_numbers(numbers: Iterable[str]) -> None:
    """Note students who are shown only by their local numbers."""
    looked = _now.get()
    if looked is not None:
        looked.numbers.update(filter(None, numbers))


def note_lines(count: int) -> None:
    """Note data lines that are shown; their students are noted separately."""
    looked = _now.get()
    if looked is not None:
        looked.lines += count


if TYPE_CHECKING:
    from django.db.models import Model as _Base
else:
    _Base = object


class NotesStudent(_Base):
    """Mixin for models: every object made from a row notes the student that it is about."""

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
    """Mixin for models of findings on a file's line: also notes the line, whether or not its student is known."""

    _is_line = True

    if TYPE_CHECKING:

        class Meta:
            abstract = True
