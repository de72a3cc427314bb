"""The four ways in which a file comes in: command line, API, page, pick-up. Each takes one through its Test, and then writes.

A page refuses a file that cannot be read where it is, and an API that has to tell the type by itself answers with a problem:
nothing was started, so there is no run. Told of both is what the other ways have as a rejected run (see decision 0055).
"""

import html
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from assessments.models import PublicPlace, PublicResult
from sisimport.automation.adding import add_place
from sisimport.automation.models import PickedFile, PickUpPlace
from sisimport.automation.picking import look_at
from sisimport.imports.definition import registry
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.report import run_json
from students.models import LEA, School, Student
from students.queries import student_json
from tests.api.client import Program
from tests.cases.test_cases import COUNTS
from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import finish

Outcome = dict[str, Any]
Door = Callable[[str, Path, Mapping[str, str]], Outcome]
# Of a run: what it ended as, what it counted, what it says, and then what is on record.
REFUSED_AT_ONCE = "refused before a run"


def outcome(told: Mapping[str, Any]) -> Outcome:
    return {
        "status": told["status"],
        "counts": {name: told[column] for name, column in COUNTS.items()},
        "message": told["message"],
        "issues": [(i["line"], i["severity"], i["code"], i["field"], i["message"]) for i in told["issues"]],
    }


def ended(run: ImportRun) -> Outcome:
    return outcome(run_json(finish(run).run))


def record() -> Outcome:
    """What is on record, without keys of ours."""
    students = Student.objects.select_related("school", "lea").order_by("lea__code", "local_number")
    stays = Student.objects.order_by("local_number", "enrollments__start_date", "enrollments__school__code")
    stay = ("local_number", *(f"enrollments__{name}" for name in ("school__code", "grade", "start_date", "exit_date")))
    return {
        "students": [student_json(student) for student in students],
        "stays": list(stays.values_list(*stay)),
        "places": [*LEA.objects.order_by("code").values_list("code"), *School.objects.order_by("code").values_list("code")],
        "public": [*PublicPlace.objects.order_by("place").values_list("place", "name"), PublicResult.objects.count()],
    }  # fmt: skip


def post_upload(client: Client, kind: str, path: Path, options: Mapping[str, str]) -> HttpResponse:
    """The answer to the form of an upload for a Test, sent as its page has it: with the default of what is not in `options`."""
    import_type = registry.get_type(kind)
    form: dict[str, Any] = {f"option-{option.name}": option.default for option in import_type.options if option.default}
    form |= {f"option-{name}": value for name, value in options.items()}
    form |= {"import_type": kind, "work": "test", "file": SimpleUploadedFile(path.name, path.read_bytes())}
    return client.post(reverse("upload", args=[import_type.screen.tool]), form)


def outcome_by_api(program: Program, kind: str, path: Path, options: Mapping[str, str]) -> tuple[Outcome, int | None]:
    """What a Test that a program asks for ends as, and the number of its run; None where the API refuses before there is one."""
    form = {"file": SimpleUploadedFile(path.name, path.read_bytes()), "type": kind, "work": "test"}
    form |= {"options": [f"{name}={value}" for name, value in options.items()]}
    answer = program.client.post("/api/v1/imports", form, headers=program.headers())
    told = answer.json()
    if answer.status_code == 201:
        return ended(ImportRun.objects.get(pk=told["run"])), told["run"]
    assert answer.status_code in {409, 422}, told
    first = told["errors"][0]["message"] if told["errors"] else told["detail"]
    return refused(told["detail"], told["code"], first), None


class Doors:
    """`command`: the command line of the test; `folder`: an empty one, for files that are picked up."""

    def __init__(self, command: CommandLine, client: Client, folder: Path) -> None:
        self.command, self.client, self.folder = command, client, folder
        self.user = UserFactory(import_admin=True, all_schools=True)
        client.force_login(self.user)

    @property
    def every(self) -> dict[str, Door]:
        return {"command": self.by_command, "API": self.by_api, "page": self.by_page, "pick-up": self.by_pick_up}

    # -- command line --

    def by_command(self, kind: str, path: Path, options: Mapping[str, str]) -> Outcome:
        words = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
        found = outcome(self.command("import_file", kind, path, "--work", "test", "--json", *words).json)
        if found["status"] == "completed":
            work = next(work for work in registry.get_type(kind).works if work != Work.TEST)
            written = self.command("import_file", kind, path, "--work", work, "--json", *words).json
            found |= {"written": outcome(written), "record": record()}
        return found

    # -- API --

    def by_api(self, kind: str, path: Path, options: Mapping[str, str]) -> Outcome:
        program = Program()
        found, run = outcome_by_api(program, kind, path, options)
        if found["status"] == "completed":
            started = program.client.post(f"/api/v1/runs/{run}/update", {}, headers=program.headers()).json()
            found |= {"written": ended(ImportRun.objects.get(pk=started["run"])), "record": record()}
        return found

    # -- page --

    def by_page(self, kind: str, path: Path, options: Mapping[str, str]) -> Outcome:
        before = set(ImportRun.objects.values_list("pk", flat=True))
        answer = post_upload(self.client, kind, path, options)
        run = ImportRun.objects.exclude(pk__in=before).first()
        if run is None:
            assert answer.status_code == 422
            return {REFUSED_AT_ONCE: plain(answer.content.decode())}
        found = ended(run)
        if found["status"] == "completed":
            self.client.post(reverse("start_update", args=[run.pk]))
            found |= {"written": ended(ImportRun.objects.exclude(pk__in={*before, run.pk}).get()), "record": record()}
        return found

    # -- pick-up --

    def by_pick_up(self, kind: str, path: Path, options: Mapping[str, str]) -> Outcome:
        """Writes only what has no error: that is what a place is asked for."""
        place = add_place(
            name=f"{path.name}", path=str(self.folder), import_type=kind, options=dict(options),
            work=PickUpPlace.Work.UPDATE,
        )  # fmt: skip
        shutil.copy(path, self.folder / path.name)
        for _look in range(4):
            look_at(place)
            for run in ImportRun.objects.filter(status=RunStatus.QUEUED):
                finish(run)
        picked = PickedFile.objects.get(place=place)
        assert not (self.folder / path.name).exists(), "it was moved away"
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        if picked.test is None:
            return {REFUSED_AT_ONCE: plain(picked.message)}
        found = outcome(run_json(picked.test))
        if picked.update is not None:
            found |= {"written": outcome(run_json(picked.update)), "record": record()}
        return found


def refused(message: str, code: str, first: str) -> Outcome:
    counts = dict.fromkeys(COUNTS, 0) | {"errors": 1}
    issues = [(0, "error", code, "", first)]
    return {"status": "rejected", "counts": counts, "message": message, "issues": issues}


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", text))).strip()
