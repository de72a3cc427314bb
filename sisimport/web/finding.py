"""Search from anywhere: students, runs, schools, pages, settings and help, each through its own source.

An app offers a source in its navigation.py: `register_finder`. The search text may be a name or an SSID, so it is sent
by POST and kept in the session, never in an address (as on the list of students).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from sisimport.accounts.access import Capability, can, visible_runs
from sisimport.web.states import state_of, with_applications
from students.access import User, visible_school_ids, visible_schools
from students.search import FoundStudents, StudentSearch

SHOWN = 6  # of each kind; the page of that kind shows them all
LONGEST = 80
_LARGEST_ID = 2**31 - 1
_ASKING = re.compile(r"(?:help|how (?:to|do i|can i)|where is|what is)(?: (?:with|on|about|an?|the))? ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hit:
    """One result. `about`: what distinguishes it from others of the same name."""

    label: str
    url: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Hits:
    """Results of one source. `more`: there are more than are shown; `all_url` is the page that shows them, if there is
    one."""

    title: str
    hits: Sequence[Hit]
    more: bool = False
    all_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Finder:
    """`find(user, text, limit)` returns at most `limit` hits, best first; the text is never empty."""

    title: str
    find: Callable[[User, str, int], Iterable[Hit]]
    order: int = 50
    capability: Capability = Capability.READ
    all_url_name: str = ""


_finders: list[Finder] = []


def register_finder(finder: Finder) -> None:
    _finders.append(finder)


def find(user: User, text: str) -> list[Hits]:
    """The results for a text that this user may see, by kind; kinds without any are left out.

    Question words (`help revert`, `how to revert`) are dropped if no name contains them.
    """
    text = " ".join(text.split())[:LONGEST]
    if not text:
        return []
    found = _by_kind(user, text)
    if not found and (asking := _ASKING.match(f"{text} ")) and (rest := text[asking.end() :]):
        found = _by_kind(user, rest)
    return found


def _by_kind(user: User, text: str) -> list[Hits]:
    found = []
    for finder in sorted(_finders, key=lambda finder: finder.order):
        if not can(user, finder.capability):
            continue
        hits = list(finder.find(user, text, SHOWN + 1))
        if hits:
            all_url = reverse(finder.all_url_name) if finder.all_url_name else ""
            found.append(Hits(finder.title, hits[:SHOWN], len(hits) > SHOWN, all_url))
    return found


def matching(text: str, things: Iterable[tuple[Hit, str]], limit: int) -> list[Hit]:
    """The things whose search words contain every word of the text; those whose label begins with it first."""
    words = text.casefold().split()
    found: list[tuple[bool, bool, int, Hit]] = []
    for hit, search_words in things:
        held = f"{hit.label} {hit.about} {search_words}".casefold()
        if all(word in held for word in words):
            label = hit.label.casefold()
            found.append((not label.startswith(words[0]), not all(word in label for word in words), len(found), hit))
    return [hit for *_rank, hit in sorted(found, key=lambda entry: entry[:3])[:limit]]


# ---- sources that every installation has ----


def _students(user: User, text: str, limit: int) -> Iterable[Hit]:
    found = FoundStudents(visible_school_ids(user), StudentSearch(text=text), limit=limit)
    for student in found[:limit]:
        school = (student.school.name or student.school.code) if student.school else "no school"
        grade = f"grade {student.grade}, " if student.grade else ""
        yield Hit(student.full_name, reverse("student", args=[student.pk]), f"{student.local_number}, {grade}{school}")


def _runs(user: User, text: str, limit: int) -> Iterable[Hit]:
    """Runs by number (`run 12`, `12`), or by part of the file name."""
    number = text.casefold().removeprefix("run").strip()
    wanted = Q(file__name__icontains=text)
    if number.isdecimal() and int(number) <= _LARGEST_ID:
        wanted |= Q(pk=int(number))
    runs = with_applications(visible_runs(user).filter(wanted).select_related("file").order_by("-pk"))[:limit]
    for run in runs:
        name = run.file.name if run.file else run.get_work_display()
        yield Hit(f"Run {run.pk}: {name}", reverse("run", args=[run.pk]), state_of(run).label)


def _schools(user: User, text: str, limit: int) -> Iterable[Hit]:
    schools = visible_schools(user).filter(Q(name__icontains=text) | Q(code__contains=text)).order_by("name", "code")
    for school in schools[:limit]:
        yield Hit(
            school.name or school.code, f"{reverse('students')}?school={school.pk}", f"{school.code}, its students"
        )


register_finder(Finder(title="Students", find=_students, order=10, all_url_name="students"))
register_finder(Finder(title="Runs", find=_runs, order=20))
register_finder(Finder(title="Schools", find=_schools, order=30))
