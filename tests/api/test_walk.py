"""A walk over every operation of the API, as the document lists them: who may not, gets nothing, and nothing is a 500.

An operation that the walk has no values for fails it.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from sisimport.api.openapi import document
from sisimport.audit.models import AuditEntry
from tests.api.client import ALL, Program, assert_problem
from tests.faults import two_schools
from tests.faults.two_schools import MARKS, TwoSchools

pytestmark = pytest.mark.django_db
two_schools_once, made = two_schools.two_schools_once, two_schools.made  # fixtures


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            yield method, path, told


def addresses(path: str, made: TwoSchools) -> Iterator[str]:
    """The path with the records of school B in it."""
    values = {
        "run_id": [run.pk for run in made.runs],
        "local_number": [student.local_number for student in made.students],
        "webhook_id": [1],  # of nobody
        "mapping_id": [1],  # of nobody
    }
    names = re.findall(r"{(\w+)}", path)
    assert set(names) <= set(values), f"the walk has no values for {path}"
    if not names:
        yield path
    for value in values[names[0]] if names else ():
        yield path.replace(f"{{{names[0]}}}", str(value))


def ask(program: Program, method: str, address: str) -> tuple[int, bytes]:
    answer = getattr(program.client, method)(address, headers=program.headers())
    if answer.status_code >= 400:
        assert_problem(answer)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as made:
            body = b"".join(made.read(name) for name in made.namelist())
    return answer.status_code, body


@pytest.mark.long
def test_no_operation_tells_anything_of_another_school(made: TwoSchools) -> None:
    program = Program(schools=[made.a])
    for method, path, _told in operations():
        for address in addresses(path, made):
            status, body = ask(program, method, address)
            assert status < 500
            assert not MARKS.search(body.decode()), (method, address, body[:300])


def test_whoever_is_in_an_answer_is_on_record_and_nobody_else(made: TwoSchools) -> None:
    """Of what is read: every operation, every run, every student, with a token for all schools."""
    program, wrong = Program(), []
    for method, path, _told in operations():
        for address in addresses(path, made) if method == "get" else ():
            before = AuditEntry.objects.count()
            _status, body = ask(program, method, address)
            words = set(re.findall(r"\w+", body.decode().replace("_", " ")))
            if "/issues" in path:  # a line with a student's SSID and somebody else's name is nobody's
                words -= {word for word in words if len(word) == 10}
            seen = {pk for pk, marks in made.marks.items() if words & marks}
            entries = list(AuditEntry.looks.order_by("-pk")[: AuditEntry.objects.count() - before])
            recorded = {pk for entry in entries for pk in entry.students}
            if seen - recorded or (
                recorded - seen - made.unmarked and "/issues" not in path and "/changes" not in path
            ):
                wrong.append((address, seen - recorded, recorded - seen))
            if entries and {entry.token_id for entry in entries} != {program.token.pk}:
                wrong.append((address, "no token"))
    assert wrong == []


def test_every_operation_asks_for_its_scope(made: TwoSchools) -> None:
    for method, path, told in operations():
        needed = set(told["x-scopes"])
        if not needed:
            continue
        program = Program(*(scope for scope in ALL if scope not in needed), name="without")
        status, body = ask(program, method, next(addresses(path, made)))
        assert (status, json.loads(body)["code"]) == (403, "SCOPE"), (method, path)


def test_every_operation_asks_for_a_token(made: TwoSchools) -> None:
    program = Program()
    for method, path, _told in operations():
        answer = getattr(program.client, method)(next(addresses(path, made)))
        assert (answer.status_code, assert_problem(answer)["code"]) == (401, "TOKEN-MISSING")
