"""The person to be erased: everything by which stored texts and files may name the student, current and former."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from sisimport.imports.models import ImportChange
from students.models import SSID, FamilyMember, Guardian, RecordEdit, ReportedSSID, SSIDReplacement, Student
from students.models.people import NAME_FIELDS

SHORT = 5  # characters: a shorter local number needs the name next to it to be recognized
_LEAST = 3  # letters of a name that counts alone
_LAST = tuple(name for name in NAME_FIELDS if name.endswith("last_name"))
_FIRST = tuple(name for name in NAME_FIELDS if name.endswith("first_name"))
_NAMING = ("student", "ssid", "replacement")  # kinds of changes that hold names and numbers of the student


@dataclass(slots=True)
class Person:
    """numbers: local ones; state_numbers: SSIDs, current, former, reported and replaced; last, first: all names used;
    alone: the names that no one else on record has; namesake: another person shares last and first name; accounts: user
    names and mail addresses of the family accounts to remove; student: the internal number, 0 if there is none;
    earlier: internal numbers of removed records."""

    student: int
    lea: int
    birth_date: dt.date | None
    earlier: tuple[int, ...] = ()
    namesake: bool = False
    numbers: set[str] = field(default_factory=set)
    state_numbers: set[str] = field(default_factory=set)
    last: set[str] = field(default_factory=set)
    first: set[str] = field(default_factory=set)
    alone: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    account_ids: list[int] = field(default_factory=list)

    @property
    def students(self) -> list[int]:
        return [number for number in (self.student, *self.earlier) if number]

    def take(self, name: str, value: object) -> None:
        """Note the value of a student field from a journal or a sent request."""
        text = str(value or "").strip()
        if not text:
            return
        if name == "local_number":
            self.numbers.add(text)
        elif name in ("ssid", "retired_ssid", "replacement_ssid"):
            self.state_numbers.add(text)
        elif name.endswith("last_name"):
            self.last.add(text)
        elif name.endswith("first_name"):
            self.first.add(text)


def person_of(student: Student) -> Person:
    """Collect it from the records, the journals and the requests sent to the state."""
    person = Person(student.pk, student.lea_id, student.birth_date)
    for name in ("local_number", *NAME_FIELDS):
        person.take(name, getattr(student, name))
    for number in SSID.objects.filter(student=student).values_list("ssid", flat=True):
        person.take("ssid", number)
    for number in ReportedSSID.objects.filter(student=student).values_list("ssid", flat=True):
        person.take("ssid", number)
    _from_journals(person)
    _from_sent(person)
    _replaced(person)
    _leave_out_others(person)
    _accounts(person)
    return person


def person_off_record(*, lea: int, values: Mapping[str, object], birth_date: dt.date | None = None) -> Person:
    """A person without a record: the given values, and what journals of removed records add.

    values: by field: local_number, ssid, last_name, first_name.
    """
    person = Person(0, lea, birth_date)
    for name, value in values.items():
        person.take(name, value)
    ids = _removed_records(person)
    if ids:
        person.student, person.earlier = ids[0], tuple(ids[1:])
    _from_journals(person)
    _replaced(person)
    _leave_out_others(person)
    return person


def _removed_records(person: Person) -> list[int]:
    """Internal numbers that journals contain with the number or the SSID, and that no student has any more."""
    numbers = [
        Q(**{f"{side}__contains": {"local_number": one}}) for one in person.numbers for side in ("before", "after")
    ]
    states = [Q(**{f"{side}__contains": {"ssid": one}}) for one in person.state_numbers for side in ("before", "after")]
    found: set[int] = set()
    for kind, ways in (("student", numbers), ("ssid", states)):
        if ways:
            changes = ImportChange.objects.filter(reduce(or_, ways), kind=kind, student_id__gt=0)
            # Local numbers are per district: the journal of another district's run is about someone else.
            changes = changes.filter(run__lea_ids__contains=[person.lea]) if kind == "student" else changes
            found |= {number for number in changes.values_list("student_id", flat=True).distinct() if number}
    return sorted(found - set(Student.objects.filter(pk__in=found).values_list("pk", flat=True)))


def _leave_out_others(person: Person) -> None:
    _leave_to_others(person)
    person.namesake = _has_namesake(person)
    person.alone = set(_borne_by_nobody_else(person))


def _from_journals(person: Person) -> None:
    for edit in RecordEdit.objects.filter(student__in=person.students):
        for value in (edit.before, edit.after):
            person.take(edit.field, value)
        _walk(person, edit.journal)
    changes = ImportChange.objects.filter(student_id__in=person.students, kind__in=_NAMING)
    for before, after in changes.values_list("before", "after"):
        _walk(person, before)
        _walk(person, after)


def _walk(person: Person, value: Any) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                person.take(str(name), inner)
            else:
                _walk(person, inner)
    elif isinstance(value, list):
        for inner in value:
            _walk(person, inner)


def _from_sent(person: Person) -> None:
    """Values in rows of any app that refer to the student and contain their own names and numbers."""
    for relation in Student._meta.related_objects:
        model: Any = relation.related_model
        if not model._meta.managed or model is Guardian:
            continue
        names = [f.name for f in model._meta.concrete_fields if f.name in ("local_number", "ssid", *_LAST, *_FIRST)]
        if names:
            for row in model._base_manager.filter(**{relation.field.name: person.student}).values(*names):
                for name, value in row.items():
                    person.take(name, value)


def _replaced(person: Person) -> None:
    """Numbers that the state merged with the person's, over any number of steps."""
    found = set(person.state_numbers)
    while found:
        rows = SSIDReplacement.objects.filter(Q(retired_ssid__in=found) | Q(replacement_ssid__in=found))
        pairs = set(rows.values_list("retired_ssid", "replacement_ssid"))
        found = {number for pair in pairs for number in pair} - person.state_numbers
        person.state_numbers |= found


def _leave_to_others(person: Person) -> None:
    """Leave out numbers that another student has by now."""
    held = SSID.objects.filter(ssid__in=person.state_numbers).exclude(student=person.student)
    person.state_numbers -= set(held.values_list("ssid", flat=True))
    others = Student.objects.filter(lea=person.lea, local_number__in=person.numbers).exclude(pk=person.student)
    person.numbers -= set(others.values_list("local_number", flat=True))


def _borne(names: Iterable[str], columns: Iterable[str]) -> Q:
    """Condition: one of these columns contains one of the names, in any case."""
    return reduce(or_, (Q(**{f"{column}__iexact": name}) for name in names for column in columns), Q(pk__in=()))


def _has_namesake(person: Person) -> bool:
    others = Student.objects.exclude(pk=person.student)
    return others.filter(_borne(person.last, _LAST) & _borne(person.first, _FIRST)).exists()


def _borne_by_nobody_else(person: Person) -> Iterator[str]:
    others = Student.objects.exclude(pk=person.student)
    guardians = Guardian.objects.exclude(student=person.student)
    for name in person.last | person.first:
        if len(name) < _LEAST:
            continue
        borne = others.filter(_borne([name], (*_LAST, *_FIRST))).exists()
        if not borne and not guardians.filter(_borne([name], ("last_name", "first_name"))).exists():
            yield name


def _accounts(person: Person) -> None:
    """Accounts of this student's family that are of no other student's."""
    members = FamilyMember.objects.filter(student=person.student).select_related("user")
    for member in members:
        user = member.user
        staff = user.is_staff or user.is_superuser or user.groups.exists()
        if staff or FamilyMember.objects.filter(user=user).exclude(student=person.student).exists():
            continue
        person.account_ids.append(user.pk)
        person.accounts |= {text for text in (user.username, user.email) if text}


class Mentions:
    """Finds and replaces mentions of a person, in texts and in lines of files."""

    ERASED = "[erased]"

    def __init__(self, person: Person) -> None:
        self.person = person
        last, first = _any_of(person.last), _any_of(person.first)
        between = r"[\s,.;:|^\"'-]{1,4}"
        middle = rf"(?:\w+\.?{between})?"
        parts = [_bounded(_any_of(person.state_numbers), r"\d")]
        parts.append(_bounded(_any_of({n for n in person.numbers if len(n) >= SHORT})))
        if last and first and not person.namesake:
            parts.append(_bounded(f"(?:{last}){between}{middle}(?:{first})"))
            parts.append(_bounded(f"(?:{first}){between}{middle}(?:{last})"))
        parts.append(_bounded(_any_of(person.alone)))
        parts.append(_bounded(_any_of({text for text in person.accounts if "@" in text})))
        self._text = re.compile("|".join(filter(None, parts)) or r"(?!)", re.IGNORECASE)
        self._last = re.compile(
            _bounded(_any_of({n for n in person.last if len(n) >= _LEAST})) or r"(?!)", re.IGNORECASE
        )
        short = _any_of({n for n in person.numbers if len(n) < SHORT})
        self._short = re.compile(_bounded(short) or r"(?!)")
        self._named = re.compile(_bounded("|".join(filter(None, (last, first)))) or r"(?!)", re.IGNORECASE)

    def like(self) -> list[str]:
        """ILIKE patterns: every text that `replace` may change matches one."""
        person = self.person
        words = person.state_numbers | person.numbers | person.last | person.alone
        words |= {text for text in person.accounts if "@" in text}
        return [f"%{_escaped(word)}%" for word in sorted(words)]

    def replace(self, text: str) -> str:
        """The text without the person; the same object if it does not name them."""
        found = self._text.sub(self.ERASED, text)
        if self._short.search(found) and (found != text or self._named.search(found)):
            found = self._short.sub(self.ERASED, found)
        return found

    def replace_account(self, text: str) -> str:
        """Like `replace`, and also user names as the record of access writes them: alone, or in parentheses."""
        found = self.replace(text)
        for name in self.person.accounts:
            found = self.ERASED if found == name else found.replace(f"({name})", f"({self.ERASED})")
            found = found.replace(f"user name was {name}", f"user name was {self.ERASED}")
        return found

    def replace_in(self, value: Any, *, key: str = "") -> Any:
        """A value of JSON or an array without the person, keys of objects included."""
        if isinstance(value, str):
            if key in ("candidates", "near_text"):  # lists of local numbers, of any length
                return self._short.sub(self.ERASED, self.replace(value))
            return self.replace(value)
        if isinstance(value, list):
            return [self.replace_in(inner, key=key) for inner in value]
        if isinstance(value, dict):
            return {self.replace(str(name)): self.replace_in(inner, key=str(name)) for name, inner in value.items()}
        return value

    def in_text(self, text: str) -> bool:
        return self.replace(text) != text

    def in_reason(self, text: str) -> bool:
        """Whether a text about this person names them: here the last name is enough, even if others share it."""
        return self.in_text(text) or bool(self._last.search(text))


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def _bounded(pattern: str, by: str = r"\w") -> str:
    return f"(?<!{by})(?:{pattern})(?!{by})" if pattern else ""


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


__all__ = ["SHORT", "Mentions", "Person", "person_of", "person_off_record"]
