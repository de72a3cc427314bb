"""Help in the product: made from the code, reached from each message, complete."""

import io
import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import GROUPS, Capability
from sisimport.files.issues import codes
from sisimport.imports.definition.recognition import recognise_file
from sisimport.imports.definition.registry import built_in_types, get_type, layouts_of, listed_types, tools
from sisimport.imports.models import Work
from sisimport.web.help import first_steps, roles, rules, samples
from students.models import DistrictSettings, School
from students.models.districts import validate_links
from tests.factories import LEAFactory, SchoolFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import District, make_district, run_file

pytestmark = pytest.mark.django_db
EVERY = [(t.key, layout.key) for t in built_in_types() if t.screen.listed for layout in layouts_of(t)]


def page(client: Client, name: str, *args: str) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, (name, args)
    return answer.content.decode()


def test_there_is_a_page_for_every_code_rule_type_and_screen(client: Client, registrar: Any) -> None:
    index = page(client, "help")
    for tool in tools():
        assert reverse("help_screen", args=[tool.key]) in index
        text = page(client, "help_screen", tool.key)
        for kind in listed_types(tool.key):
            assert reverse("help_type", args=[kind.key]) in text
    listed = page(client, "help_codes")
    for code in codes.all():
        assert f'href="{reverse("help_code", args=[code.code])}"' in listed
    numbered = page(client, "help_rules")
    for number in rules.numbers():
        assert f'href="{reverse("help_rule", args=[number])}"' in numbered


def test_the_page_of_a_code_says_what_to_do_and_who_reports_it(client: Client, registrar: Any) -> None:
    text = page(client, "help_code", "DEMO-MISMATCH")

    assert codes.get("DEMO-MISMATCH").fix in text.replace("&#x27;", "'")
    assert "[what the file has]" in text
    assert "{" not in re.search(r"<main.*</main>", text, re.DOTALL)[0]  # type: ignore[index]
    assert reverse("help_type", args=["ssid-download"]) in text
    assert reverse("help_rule", args=["D-3"]) in text
    assert "is about the file or the run" in page(client, "help_code", "FILE-EMPTY")
    assert client.get(reverse("help_code", args=["NOTHING"])).status_code == 404
    assert client.get(reverse("help_rule", args=["Q-1"])).status_code == 404
    assert client.get(reverse("help_type", args=["nothing"])).status_code == 404
    assert client.get(reverse("help_screen", args=["nothing"])).status_code == 404


def test_no_place_of_a_message_is_left_without_its_name() -> None:
    left = [code.code for code in codes.all() if re.search(r"[{}]", rules.with_names(code.message + code.screen))]

    assert left == []


def test_the_page_of_a_type_shows_its_options_layouts_and_rules(client: Client, registrar: Any) -> None:
    text = page(client, "help_type", "ssid-download")

    for option in get_type("ssid-download").options:
        assert f'id="option-{option.name}"' in text
    assert reverse("layout_sample", args=["ssid-download", "calpads-ssid-download"]) in text
    for raised in rules.raised_by(get_type("ssid-download")):
        assert reverse("help_code", args=[raised.code]) in text


def test_messages_and_screens_lead_to_the_help(client: Client, registrar: Any, district: District) -> None:
    run = run_file("ssid-download", f"{line(last_name='Somebody')}\n{line(ssid='12')}\n").run
    report = client.get(reverse("run", args=[run.pk])).content.decode()
    found = set(run.issues.values_list("code", flat=True))

    assert found
    for code in found:
        assert report.count(f'href="{reverse("help_code", args=[code])}"') >= 1
    upload = client.get(reverse("upload", args=["calpads-ssid"])).content.decode()
    assert reverse("help_screen", args=["calpads-ssid"]) in upload
    assert reverse("help_type", args=["ssid-download"]) in upload
    layout = page(client, "file_layout", "ssid-download", "calpads-ssid-download")
    assert reverse("help_code", args=["DEMO-MISMATCH"]) in layout
    assert "Grade 12" in layout  # every code with its meaning


@pytest.mark.parametrize(("key", "layout_key"), EVERY, ids=[f"{t} {la}" for t, la in EVERY])
def test_the_sample_of_each_layout_is_recognised_as_that_layout(key: str, layout_key: str) -> None:
    kind = get_type(key)
    layout = next(layout for layout in layouts_of(kind) if layout.key == layout_key)
    text = samples.sample_text(kind, layout)

    found = recognise_file(io.BytesIO(text.encode()), expected=key).recognition

    assert found.error is None, str(found.error)
    assert found.layout
    assert layout_key in {found.layout.key, *(other.key for other in found.also)}
    assert len(text.splitlines()) >= 2


@pytest.mark.parametrize(
    "key", ["ssid-download", "ela", "ssid-request", "ssid-replacement", "ssid-list", "caaspp-2024-2025"]
)
def test_a_sample_can_be_tested_and_names_nobody_who_is_on_record(
    client: Client, registrar: Any, district: District, key: str
) -> None:
    layout = layouts_of(get_type(key))[0]
    answer = client.get(reverse("layout_sample", args=[key, layout.key]))
    assert "attachment" in answer["Content-Disposition"]

    run = run_file(key, answer.content.decode(), Work.TEST).run

    assert run.status == "completed"
    assert not run.issues.filter(code__startswith="FILE-", severity=3).exists()
    assert not run.issues.filter(student_id__isnull=False).exists()


def test_each_capability_and_role_has_words_and_the_page_follows_the_groups(client: Client, registrar: Any) -> None:
    assert roles.WORDS.keys() == set(Capability)
    assert roles.ABOUT.keys() == GROUPS.keys()
    for capability, line_ in zip(Capability, roles.lines(), strict=True):
        assert line_.allowed == [capability in held for held in GROUPS.values()]
    text = page(client, "help_roles")
    assert text.count("</span>yes</span>") == sum(len(held) for held in GROUPS.values())


def test_first_steps_are_shown_until_they_are_done(client: Client, registrar: Any) -> None:
    def card() -> Any:
        found = client.get(reverse("home")).context["cards"]
        return next((c.data["steps"] for c in found if "steps" in c.data), None)

    assert [step.done for step in card()] == [False, False, False]
    make_district()
    StudentFactory(school=School.objects.first())
    assert [step.done for step in card()] == [True, True, False]
    test = run_file("ssid-download", line() + "\n").run
    run_file("ssid-download", line() + "\n", Work.UPDATE, test_run=test)

    assert card() is None
    assert all(step.done for step in first_steps.steps())
    assert "First steps" in page(client, "help_first_steps")


def test_contacts_and_links_of_the_district_are_shown_to_its_people(client: Client) -> None:
    lea, other = LEAFactory(), LEAFactory(code="7654321", name="Elsewhere")
    DistrictSettings.objects.create(
        lea=lea, contacts="Data office, 555 0100", documentation="Import calendar https://example.org/calendar"
    )
    client.force_login(UserFactory(registrar=True, schools=[SchoolFactory(lea=lea, code="0999001")]))
    for name, *args in (("help",), ("help_screen", "caaspp"), ("help_type", "students"), ("help_code", "FILE-EMPTY")):
        text = page(client, name, *args)
        assert "Data office, 555 0100" in text
        assert '<a href="https://example.org/calendar" rel="noreferrer">Import calendar</a>' in text

    client.force_login(UserFactory(registrar=True, schools=[SchoolFactory(lea=other)]))
    assert "555 0100" not in page(client, "help")


@pytest.mark.parametrize(
    "wrong", ["Calendar", "https://example.org", "Calendar javascript:alert(1)", "Calendar https://"]
)
def test_a_link_has_a_title_and_an_address(wrong: str) -> None:
    with pytest.raises(ValidationError, match="Line 2"):
        validate_links(f"Good https://example.org/a\n{wrong}")
    validate_links("\nGood https://example.org/a\n")
