"""Districts choose what the options of uploads begin with: the same on screens, by command line and API, changeable per run."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sisimport.imports.definition.registry import get_type, listed_types
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.defaults import defaults_for, district_defaults
from students.models import LEA, DistrictSettings, ReportWords, School
from tests.api.client import Program
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, run_file

pytestmark = pytest.mark.django_db
TYPE = "ssid-download"
PAGE = "import_defaults"


@pytest.fixture
def admin(client: Client, district: District) -> User:
    user: User = UserFactory(import_admin=True, all_schools=True)
    client.force_login(user)
    return user


def choose(client: Client, **values: str) -> Any:
    sent = {f"option-{name}": value for name, value in values.items()}
    return client.post(reverse(PAGE), {"report_words": "own"} | sent, follow=True)


def test_each_asked_option_is_there_and_what_is_chosen_is_kept_and_on_record(client: Client, admin: User) -> None:
    shown = client.get(reverse(PAGE)).content.decode()
    for name in ("rfep_date", "replace_retired", "ela_mode", "older_status", "single_match_score", "blank"):
        assert f'name="option-{name}"' in shown
    assert "option-match_legal" not in shown, "of Utah, and this district is in California"

    answer = choose(client, rfep_date="exit", replace_retired="1", report_words="screen")

    settings = DistrictSettings.objects.get()
    assert settings.import_defaults == {"rfep_date": "exit", "replace_retired": "1"}
    assert settings.report_words == ReportWords.OWN
    entry = LogEntry.objects.get()
    assert entry.user == admin
    assert "Exit Date" in entry.change_message
    assert "Replace retired SSIDs: default of the import type → Yes" in answer.content.decode()
    assert "Nothing was changed" in choose(client, rfep_date="exit", replace_retired="1").content.decode()
    assert LogEntry.objects.count() == 1


def test_the_words_of_the_report_are_chosen_there_too(client: Client, admin: User) -> None:
    client.post(reverse(PAGE), {"report_words": "screen"})
    assert DistrictSettings.objects.get().report_words == ReportWords.SCREEN


def test_a_value_that_the_option_does_not_take_is_refused(client: Client, admin: User) -> None:
    assert client.post(reverse(PAGE), {"report_words": "own", "option-single_match_score": "101"}).status_code == 422
    assert client.post(reverse(PAGE), {"report_words": "own", "option-rfep_date": "never"}).status_code == 422
    assert not DistrictSettings.objects.exists()


def test_only_admins_of_all_schools_choose(client: Client, district: District) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    assert client.get(reverse(PAGE)).status_code == 403
    client.force_login(UserFactory(import_admin=True, all_schools=False, schools=[district.school]))
    assert client.get(reverse(PAGE)).status_code == 404


# ---- what they do ----


@pytest.fixture
def chosen(district: District) -> District:
    district.student()
    defaults = {"rfep_date": "exit", "replace_retired": "1"}
    DistrictSettings.objects.create(lea=district.lea, import_defaults=defaults)
    return district


def test_the_form_begins_with_them_and_a_run_can_choose_others(
    client: Client, chosen: District, registrar: User
) -> None:
    upload = reverse("upload", args=["calpads-ssid"])
    shown = client.get(f"{upload}?type={TYPE}")
    form = shown.context["form"]
    assert (form["option-rfep_date"].value(), form["option-replace_retired"].value()) == ("exit", True)
    assert "District default: Exit Date." in shown.content.decode()

    sent = {"import_type": TYPE, "work": "test", "option-rfep_date": "identified", "option-replace_retired": "on"}
    client.post(upload, sent | {"file": SimpleUploadedFile("a.txt", f"{line()}\n".encode())})

    run = ImportRun.objects.get()
    assert (run.options["rfep_date"], run.options["replace_retired"]) == ("identified", "1")
    assert run.district_options == ["replace_retired"], "said of what is as the district has it"


def test_a_dropped_file_is_tested_with_them(client: Client, chosen: District, registrar: User) -> None:
    file = SimpleUploadedFile("a.txt", f"{line()}\n".encode())
    card = client.post(reverse("choose_files"), {"files": [file]}, follow=True)
    assert "Exit Date (district default)" in card.content.decode()
    token = card.context["cards"][0].held.token
    client.post(
        reverse("upload", args=["calpads-ssid"]),
        {"held": token, "work": "test", "defaults": "1", "import_type": TYPE},
    )
    run = ImportRun.objects.get()
    assert (run.options["rfep_date"], run.district_options) == ("exit", ["replace_retired", "rfep_date"])


def test_command_line_and_api_use_the_same_and_say_so(
    chosen: District, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{line()}\n", encoding="utf-8")
    said = CommandLine(capsys)("import_file", "auto", path, "--work", "test", "--json").json
    program = Program()
    told = program.post("imports", {"file": SimpleUploadedFile("a.txt", path.read_bytes()), "type": "auto"})
    for run in (said, told):
        assert run["options"]["rfep_date"] == "exit"
        assert run["district_options"] == ["replace_retired", "rfep_date"]
    given = program.post(
        "imports", {"file": SimpleUploadedFile("a.txt", path.read_bytes()), "options": "rfep_date=identified"}
    )
    assert (given["options"]["rfep_date"], given["district_options"]) == ("identified", ["replace_retired"])
    types = {one["type"]: one for one in program.get("import-types")["items"]}
    assert {o["name"]: o["default"] for o in types[TYPE]["options"]}["rfep_date"] == "exit"


def test_the_update_of_a_test_has_its_options_whatever_the_district_chose_since(chosen: District) -> None:
    test = run_file(TYPE, f"{line()}\n").run
    assert test.options["rfep_date"] == "exit"
    DistrictSettings.objects.update(import_defaults={})
    from sisimport.imports.runs.services import start_update

    update = start_update(test_run=test, user=None, enqueue=False)
    assert (update.options, update.district_options) == (test.options, test.district_options)


def test_districts_that_chose_differently_have_no_common_default(chosen: District) -> None:
    other = LEA.objects.create(code="7654321", name="Other")
    school = School.objects.create(lea=other, code="7654321")
    kind = get_type(TYPE)
    assert district_defaults(kind) == {}
    assert district_defaults(kind, [chosen.school.pk]) == {"rfep_date": "exit", "replace_retired": "1"}
    DistrictSettings.objects.create(lea=other, import_defaults={"rfep_date": "exit", "replace_retired": ""})
    assert district_defaults(kind, [chosen.school.pk, school.pk]) == {"rfep_date": "exit"}


def test_a_choice_that_is_no_longer_offered_is_none(chosen: District) -> None:
    DistrictSettings.objects.update(import_defaults={"rfep_date": "gone"})
    assert defaults_for(get_type(TYPE))["rfep_date"] == "identified"


def test_an_option_of_one_name_is_one_option_in_all_types() -> None:
    found: dict[str, Any] = {}
    for kind in listed_types():
        for option in kind.options:
            if option.district_default:
                assert found.setdefault(option.name, option) == option


def test_one_statement_asks_for_what_districts_chose(django_assert_num_queries: Any) -> None:
    kind = get_type("ssid-download")
    with django_assert_num_queries(1):
        defaults_for(kind)
    own = district_defaults(kind)
    with django_assert_num_queries(0):
        defaults_for(kind, own=own)
