"""The first steps of a district, and which of them are done: an article, and a card on the home page until all are."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from sisimport.accounts.access import Capability, can
from sisimport.imports.definition.registry import get_tool, listed_types
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.runtime.row_scope import across_schools
from students.models import School, Student


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    how: str
    url: str
    link: str
    done: bool


def steps() -> list[Step]:
    """The steps in order. Each only checks for existence, so a large district costs no more than a new one."""
    applied = ImportRun.objects.filter(status=RunStatus.COMPLETED, work__in=(Work.UPDATE, Work.IMPORT), reverted="")
    kinds = listed_types()
    state_types = [kind.key for kind in kinds if get_tool(kind.screen.tool).state]
    with across_schools():  # whether there is any student, at any school
        has_students = Student.objects.exists()
    rosters = [reverse("upload", args=[kind.screen.tool]) for kind in kinds if kind.may_create_students]
    roster = rosters[0] if rosters else reverse("home")
    return [
        Step(
            "Schools",
            "The student list creates the schools it names. An import admin can also enter them under Admin, Schools.",
            roster,
            "Import the student list",
            School.objects.exists(),
        ),
        Step(
            "Students",
            "The district's own list, one line for each student: Test it, read the report, then Update.",
            roster,
            "Import the student list",
            has_students,
        ),
        Step(
            "First download from the state",
            "For example, the SSID download: drop it on the home page, read the report of its Test, then Update.",
            reverse("home"),
            "Drop it on the home page",
            applied.filter(import_type__in=state_types).exists(),
        ),
    ]


def card(request: HttpRequest, _subject: Any) -> dict[str, Any] | None:
    """A card on the home page of users who import, until all steps are done."""
    if not can(request.user, Capability.UPLOAD):
        return None
    found = steps()
    return None if all(step.done for step in found) else {"steps": found}
