"""The same work with the keyboard alone, and without scripts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun
from students.models import SSID, AnnualEnrollment, CollectionPolicy, Student
from students.search import without_ssid
from tests.browser.district import District, make_district
from tests.factories import PASSWORD, SchoolFactory
from tests.files.samples import line

pytestmark = pytest.mark.django_db(transaction=True)

# What has the focus: its words, and whether it can be seen and is marked.
FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const holder = e.closest('.choice label') || e, outline = getComputedStyle(holder);
  return {tag: e.tagName, text: (e.innerText || e.name || '').trim().slice(0, 40), seen: box.width > 0 && box.height > 0,
          marked: style.outlineStyle !== 'none' || outline.outlineStyle !== 'none'};
}"""


@pytest.fixture
def district(transactional_db: None) -> District:
    return make_district()


def test_signing_in_and_through_a_page_with_the_keyboard_alone(visit: Callable[..., Any], district: District) -> None:
    page = visit()
    page.goto(reverse("account_login"))
    page.focus("[name=login]")
    page.keyboard.type("staff")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation(url=lambda address: not address.endswith("/login/")):
        page.keyboard.press("Enter")
    page.goto(reverse("collection"))

    stops = _stops(page)

    assert stops[0]["text"] == "Skip to the content"
    assert len(stops) > 10
    assert [stop for stop in stops if not (stop["seen"] and stop["marked"])] == []


def _stops(page: Any) -> list[dict[str, Any]]:
    """What the Tab key reaches on a page, from the top."""
    stops: list[dict[str, Any]] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["tag"] == "BODY":
            break
        stops.append(stop)
    return stops


def test_a_family_joins_looks_and_enrolls_with_the_keyboard_alone(
    visit: Callable[..., Any], district: District
) -> None:
    page = visit()
    page.goto(reverse("family_join"))
    page.focus("[name=code]")
    page.keyboard.type(district.code.lower())
    page.keyboard.press("Enter")
    expect(page.locator("[name=username]")).to_be_visible()
    page.focus("[name=username]")
    page.keyboard.type("marisol")
    page.keyboard.press("Tab")
    page.keyboard.type("an-invented-passphrase")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("José")

    stops = _stops(page)
    page.focus("text=Enroll for this year")
    page.keyboard.press("Enter")
    expect(page.locator("[name=ssid]")).to_be_visible()
    page.focus("[name=ssid]")
    page.keyboard.type("1111111111")
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_contain_text("We could not confirm this number")
    assert [stop["text"] for stop in stops[:4]] == ["Skip to the content", "SIS Import", "Español", "Account"]
    assert [stop for stop in stops if not (stop["seen"] and stop["marked"])] == []


def test_a_list_of_ssids_is_typed_with_the_keyboard_alone(visit: Callable[..., Any], district: District) -> None:
    missing = without_ssid(Student.objects.filter(school=district.school)).count()
    page = visit(district.staff)
    page.goto(reverse("record_next") + f"?school={district.school.pk}")

    for number in range(missing):
        expect(page.locator(":focus")).to_have_attribute("name", "ssid")  # of itself, but only once the page is painted
        page.keyboard.type(f"901234500{number}")
        with page.expect_navigation():
            page.keyboard.press("Enter")

    assert SSID.objects.filter(ssid__startswith="901234500", origin="staff", verified=True).count() == missing
    assert page.url.endswith(reverse("collection"))


def _send(page: Any, what: str) -> None:
    """Click, and wait for the page it leads to: on a busy machine that is not at once."""
    with page.expect_navigation():
        page.click(what)


def test_m3_before_the_day_a_form_is_approved_without_ssid_or_sent_back_in_a_browser(
    visit: Callable[..., Any], district: District
) -> None:
    """The browser's own check of the blank SSID must not be in the way of either."""
    CollectionPolicy.objects.update(required_from=None)
    page = visit(district.staff)
    address = reverse("enrollment", args=[district.new_student.pk])

    page.goto(address)
    _send(page, "[name=return]")
    assert AnnualEnrollment.objects.get(student=district.new_student).status == "draft"
    _send(page, "[name=submit]")
    page.check("[name=skip_ssid]")
    _send(page, "[name=approve]")

    assert AnnualEnrollment.objects.get(student=district.new_student).without_ssid


@pytest.mark.faults  # tests/web/test_journeys.py does it, too
def test_a_file_is_tested_and_updated_without_scripts(
    visit: Callable[..., Any], district: District, tmp_path: Path
) -> None:
    page = visit(district.staff, scripts=False)
    path = tmp_path / "november.txt"
    path.write_text(line(ssid="9012345777"), encoding="utf-8")

    page.goto(reverse("upload", args=["calpads-ssid"]))
    page.set_input_files("input[type=file]", path)
    _send(page, "main form button.primary")
    test = ImportRun.objects.latest("pk")
    run_to_end(test)
    page.goto(reverse("run", args=[test.pk]))
    assert "1" in page.inner_text("main")
    _send(page, f'form[action="{reverse("start_update", args=[test.pk])}"] button')
    update = ImportRun.objects.latest("pk")
    run_to_end(update)
    page.reload()

    assert update.test_run_id == test.pk
    assert re.search(r"Completed|Imported", page.inner_text("main"))
    assert SSID.objects.filter(student=district.student, ssid="9012345777").exists()


def test_a_family_does_everything_without_scripts(visit: Callable[..., Any], district: District) -> None:
    page = visit(scripts=False)
    page.goto(reverse("family_join"))
    page.fill("[name=code]", district.code)
    _send(page, "main form button")
    page.fill("[name=username]", "marisol")
    page.fill("[name=password]", "an-invented-passphrase")
    _send(page, "main form button")
    assert "José" in page.inner_text("h1")

    _send(page, "header form button[name=language]")
    assert page.get_attribute("html", "lang") == "es"
    _send(page, "text=Escribir el SSID")
    page.fill("[name=ssid]", "9012345222")
    _send(page, "main form button")

    assert "Gracias" in page.inner_text("main")


def test_the_link_of_an_invitation_puts_its_code_in_and_takes_it_out_of_the_address(
    visit: Callable[..., Any], district: District
) -> None:
    page = visit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + request.headers.get("referer", "")))

    page.goto(reverse("family_join") + f"?language=es#{district.code}")
    expect(page.locator("[name=username]")).to_be_visible()

    assert page.get_attribute("html", "lang") == "es"
    assert page.url.endswith(reverse("family_join"))
    assert [address for address in asked if district.code in address.replace("#" + district.code, "")] == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_schools_are_picked_from_a_long_list(visit: Callable[..., Any], district: District, scripts: bool) -> None:
    for number in range(12):
        SchoolFactory(lea=district.school.lea, code=f"00000{number:02}", name=f"Birch School {number:02}")
    page = visit(district.staff, scripts=scripts)
    page.goto(f"{reverse('upload', args=['caaspp'])}?type=caaspp-2023-2024")
    page.click(".picker summary")

    if scripts:
        page.fill("[data-picker-filter]", "birch school 1")
        expect(page.locator(".picker .boxes label:visible")).to_have_count(2)
        page.get_by_label("Birch School 11").check()
        expect(page.locator(".picker summary")).to_have_text("Birch School 11")
        page.fill("[data-picker-filter]", "cedar")  # what is marked stays in sight
        expect(page.locator(".picker .boxes label:visible")).to_have_count(2)
    else:
        expect(page.locator("[data-picker-filter]")).to_be_hidden()
        page.get_by_label("Birch School 11").check()

    assert page.locator(".picker input:checked").evaluate_all("boxes => boxes.map(box => box.value)") == ["0000011"]
