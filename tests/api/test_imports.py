"""Sending files by the API: the same journey as on the screen, once for each key, and every refusal a problem."""

import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from sisimport.imports.models import ImportFile, ImportRun, RunStatus
from sisimport.serving.front import ALLOWED, ANNOUNCED
from students.models import SSID
from tests.api.client import Program, assert_problem
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, finish, make_district

DOWNLOAD = "ssid-download"


@pytest.fixture
def district(db: None) -> District:
    made = make_district()
    made.student()
    return made


def file(content: str | bytes = line() + "\n", name: str = "download.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def ended(told: dict[str, Any]) -> ImportRun:
    return finish(ImportRun.objects.get(pk=told["run"])).run


def test_a_file_is_tested_updated_and_reverted(district: District) -> None:
    program = Program()

    test = program.post("imports", {"file": file(), "type": "auto", "work": "test"})
    assert (test["type"], test["work"], test["status"]) == (DOWNLOAD, "test", "queued")
    assert program.get(f"runs/{ended(test).pk}")["planned_count"] == 1
    assert not SSID.objects.exists()
    update = program.post(f"runs/{test['run']}/update")
    assert ended(update).status == RunStatus.COMPLETED
    assert SSID.objects.get().ssid == "9012345678"
    revert = program.post(f"runs/{update['run']}/revert")
    ended(revert)
    assert not SSID.objects.exists()
    assert program.get(f"runs/{update['run']}")["reverted"] == "wholly"


def test_the_answer_leads_to_the_run(district: District) -> None:
    program = Program()
    answer = program.client.post("/api/v1/imports", {"file": file()}, headers=program.headers())

    assert answer.status_code == 201
    assert program.client.get(answer["Location"], headers=program.headers()).json()["run"] == answer.json()["run"]


def test_work_update_applies_the_test_of_exactly_this_file(district: District) -> None:
    program = Program()
    assert program.post("imports", {"file": file(), "work": "update"}, status=409)["code"] == "REFUSED"
    test = program.post("imports", {"file": file()})
    ended(test)

    assert program.post("imports", {"file": file(), "work": "update", "test_run": test["run"] + 7}, status=409)
    update = program.post("imports", {"file": file(), "work": "update", "test_run": test["run"]})

    assert ImportRun.objects.get(pk=update["run"]).test_run_id == test["run"]


def test_a_run_belongs_to_the_tokens_user_and_schools(district: District) -> None:
    program = Program(schools=[district.school])

    run = ImportRun.objects.get(pk=program.post("imports", {"file": file()})["run"])

    assert (run.created_by, run.schools) == (program.token.user, [district.school.pk])


# ---- once ----


def test_the_same_key_with_the_same_body_answers_the_same_run(district: District) -> None:
    program = Program()
    first = program.post("imports", {"file": file()}, Idempotency_Key="night-1")
    ended(first)
    again = program.client.post("/api/v1/imports", {"file": file()}, headers=program.headers(Idempotency_Key="night-1"))

    assert (again.status_code, again.json()["run"]) == (201, first["run"])
    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["status"] == "completed"
    assert (ImportRun.objects.count(), ImportFile.objects.count()) == (1, 1)
    assert program.post("imports", {"file": file()}, Idempotency_Key="night-2")["run"] != first["run"]


@pytest.mark.parametrize(
    "other",
    [
        {"file": file(line(ssid="9012345679") + "\n")},
        {"type": DOWNLOAD},
        {"options": "el_data=no"},
        {"file": file(name="x.txt")},
    ],
)
def test_the_same_key_with_another_body_is_refused(district: District, other: dict[str, Any]) -> None:
    program = Program()
    program.post("imports", {"file": file()}, Idempotency_Key="night-1")

    told = program.post("imports", {"file": file()} | other, status=409, Idempotency_Key="night-1")

    assert (told["code"], told["errors"][0]["field"]) == ("IDEMPOTENCY", "Idempotency-Key")
    assert ImportRun.objects.count() == 1


def test_keys_of_others_are_of_no_concern(district: District) -> None:
    first, second = Program(name="one"), Program(name="two")

    runs = {one.post("imports", {"file": file()}, Idempotency_Key="same")["run"] for one in (first, second)}

    assert len(runs) == 2


def test_a_refused_request_leaves_its_key_free(district: District) -> None:
    program = Program()
    program.post("imports", {"file": file(), "options": "odd=1"}, status=422, Idempotency_Key="night-1")

    program.post("imports", {"file": file()}, Idempotency_Key="night-1")


@pytest.mark.django_db(transaction=True)
def test_the_same_request_many_times_at_once_starts_one_run() -> None:
    make_district().student()
    program, told = Program(), []

    def send() -> None:
        answer = program.client.post(
            "/api/v1/imports", {"file": file()}, headers=program.headers(Idempotency_Key="night-1")
        )
        told.append((answer.status_code, answer.json().get("run")))
        connection.close()

    threads = [threading.Thread(target=send) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(told) == 6
    assert {status for status, _run in told} <= {201, 503}
    assert ImportRun.objects.count() == 1


# ---- refused ----


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"type": "no-such-type"}, "type"),
        ({"type": "x" * 50}, "type"),
        ({"work": "destroy"}, "work"),
        ({"work": "import", "type": DOWNLOAD}, "work"),
        ({"options": "color=red"}, "options.color"),
        ({"options": '{"color": "red"}'}, "options.color"),
        ({"options": '{"excel": 1}'}, "options.excel"),
        ({"options": "{"}, "options"),
        ({"options": "{" * 100_000}, "options"),
        ({"options": "odd"}, "options"),
        ({"color": "red"}, "color"),
        ({"test_run": "9" * 30}, "test_run"),
        ({"file": ""}, "file"),
    ],
)
def test_a_field_that_cannot_be_is_named(district: District, form: dict[str, Any], field: str) -> None:
    told = Program().post("imports", {"file": file(), "type": DOWNLOAD} | form, status=422)

    assert field in {error["field"] for error in told["errors"]}, told
    assert not ImportRun.objects.exists()
    assert not ImportFile.objects.exists()


def test_every_option_of_every_type_is_checked_by_the_type(district: District) -> None:
    program = Program()
    for kind in program.get("import-types")["items"]:
        for option in kind["options"]:
            if option["choices"]:
                form = {
                    "file": file(),
                    "type": kind["type"],
                    "options": f"{option['name']}=zzz",
                    "work": kind["works"][0],
                }
                told = program.post("imports", form, status=422)
                assert told["errors"][0]["field"] == f"options.{option['name']}"


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"PK\x03\x04broken", "just a text\n".encode("utf-16")])
def test_a_file_that_is_nothing_known_is_a_problem_for_auto(district: District, content: bytes) -> None:
    told = Program().post("imports", {"file": file(content)}, status=422)

    assert told["errors"][0]["field"] == "file"
    assert told["type"].endswith("#problem-file")


def test_a_wrong_file_for_a_named_type_is_a_run_that_is_rejected(district: District) -> None:
    """As on the command line: the file is kept and its run says why."""
    program = Program()
    run = ended(program.post("imports", {"file": file("a,b\n1,2\n"), "type": DOWNLOAD}))

    assert program.get(f"runs/{run.pk}")["status"] == "rejected"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"type": "auto"}', "application/json"),
        (b"not multipart", "multipart/form-data; boundary=b"),
        (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
        (b"x", "multipart/form-data"),
        (b"", ""),
    ],
)
def test_a_body_that_is_not_a_form_is_a_problem(db: None, body: bytes, content_type: str) -> None:
    program = Program()
    answer = program.client.generic(
        "POST", "/api/v1/imports", body, content_type=content_type, headers=program.headers()
    )

    assert answer.status_code in (400, 422)
    assert_problem(answer)


@pytest.mark.parametrize("key", ["a" * 256, "\u00e9"])
def test_an_odd_key_is_a_problem(district: District, key: str) -> None:
    program = Program()
    answer = program.client.post(
        "/api/v1/imports", {"file": file()}, headers=program.headers(), HTTP_IDEMPOTENCY_KEY=key
    )

    assert assert_problem(answer)["errors"][0]["field"] == "Idempotency-Key"


# ---- scopes and schools ----


def test_testing_is_not_writing(district: District) -> None:
    tester, writer = Program("imports:test"), Program("imports:write")
    test = tester.post("imports", {"file": file()})
    ended(test)

    assert tester.get(f"runs/{test['run']}")["planned_count"] == 1  # where it is
    assert tester.get(f"runs/{test['run']}/issues", status=403)["code"] == "SCOPE"
    for path in (f"runs/{test['run']}/update", f"runs/{test['run']}/revert"):
        assert tester.post(path, status=403)["code"] == "SCOPE"
    assert tester.post("imports", {"file": file(), "work": "update"}, status=403)["code"] == "SCOPE"
    assert Program("runs:read").post("imports", {"file": file()}, status=403)["code"] == "SCOPE"
    writer.post(f"runs/{test['run']}/update")


def test_a_token_for_one_school_writes_nothing_that_was_planned_for_all(district: District) -> None:
    person = UserFactory(registrar=True, all_schools=True)
    everywhere, here = Program(user=person), Program(user=person, schools=[district.school])
    test = everywhere.post("imports", {"file": file()})
    ended(test)

    assert here.post(f"runs/{test['run']}/update", status=403)["code"] == "ROLE"
    assert here.post("imports", {"file": file(), "work": "update"}, status=409)
    update = everywhere.post(f"runs/{test['run']}/update")
    ended(update)
    assert here.post(f"runs/{update['run']}/revert", status=403)["code"] == "ROLE"


def test_runs_of_others_are_reverted_by_import_admins_only(district: District) -> None:
    test = Program(name="one").post("imports", {"file": file()})
    ended(test)
    update = Program(name="one").post(f"runs/{test['run']}/update")
    ended(update)

    assert Program(name="two").post(f"runs/{update['run']}/revert", status=403)["code"] == "ROLE"
    Program(user=UserFactory(import_admin=True)).post(f"runs/{update['run']}/revert")


def test_a_queued_run_is_cancelled_and_an_ended_one_is_not(district: District) -> None:
    program = Program()
    test = program.post("imports", {"file": file()})

    assert program.post(f"runs/{test['run']}/cancel", status=200)["run"] == test["run"]
    assert ended(test).status == RunStatus.CANCELLED
    assert program.post(f"runs/{test['run']}/cancel", status=409)["code"] == "REFUSED"
    other = Program(name="two").post("imports", {"file": file()})
    assert program.post(f"runs/{other['run']}/cancel", status=403)["code"] == "ROLE"


@pytest.mark.parametrize("action", ["update", "revert"])
def test_what_cannot_be_done_with_a_run_is_reported(district: District, action: str) -> None:
    program = Program()
    test = program.post("imports", {"file": file("a,b\n1,2\n"), "type": DOWNLOAD})
    ended(test)

    assert program.post(f"runs/{test['run']}/{action}", status=409)["code"] == "REFUSED"
    assert program.post(f"runs/999999/{action}", status=404)


# ---- size ----


def test_a_file_over_the_limit_is_refused_with_413(district: District, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 1000

    told = Program().post("imports", {"file": file("x" * 1001)}, status=413)

    assert told["code"] == "TOO-LARGE"
    assert not ImportFile.objects.exists()


def ask(program: Program, size: int, path: str = "/api/v1/imports") -> Any:
    """What the web server asks before it receives a large body."""
    return program.client.generic("POST", path, b"", headers=program.headers(), **{ANNOUNCED: size})


def test_the_web_server_receives_a_large_body_only_for_a_token_with_the_scope(db: None, settings: Any) -> None:
    tester, reader, nobody = Program("imports:test"), Program("runs:read"), Program("imports:test")
    nobody.secret = "sis_unknown"
    large = 50_000_000

    allowed = ask(tester, large)
    assert (allowed.status_code, int(allowed[ALLOWED])) == (204, settings.IMPORT_MAX_BYTES + 64 * 1024)
    for program, path, code in (
        (reader, "/api/v1/imports", "SCOPE"),
        (nobody, "/api/v1/imports", "TOKEN-INVALID"),
        (tester, "/api/v1/runs", "TOO-LARGE"),
        (tester, "/api/v1/nothing", "TOO-LARGE"),
    ):
        answer = ask(program, large, path)
        assert not answer.has_header(ALLOWED)
        assert assert_problem(answer)["code"] == code
    assert assert_problem(ask(tester, settings.IMPORT_MAX_BYTES + 70_000))["code"] == "TOO-LARGE"


def test_the_question_about_the_size_counts_as_no_request_but_a_full_minute_refuses_it(db: None, settings: Any) -> None:
    program = Program("imports:test")
    ask(program, 1_000_000)
    program.token.refresh_from_db()
    assert program.token.counted == 0
    settings.API_REQUESTS_PER_MINUTE = -1

    assert assert_problem(ask(program, 1_000_000))["code"] == "RATE"


@pytest.mark.long
def test_a_file_of_one_megabyte_comes_through(district: District) -> None:
    """Larger than forms may be: the page's own limit must not meet it."""
    told = Program().post("imports", {"file": file((line() + "\n") * 15_000)})

    assert ImportFile.objects.get().size > 1024**2
    assert ended(told).record_count == 15_000
