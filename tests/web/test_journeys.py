"""Journeys in a real browser, with and without JavaScript, at two widths, light and dark; and what axe-core says of the pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.models import Work
from students.models import SSID, Student
from tests.browser.look import WIDEST_TIMES
from tests.factories import PASSWORD, UserFactory
from tests.files.samples import line
from tests.imports.journey import District, give_el, make_district

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FILE = "".join(
    f"{text}\n"
    for text in (
        line(),
        line(local_number="100235", ssid="9012345679", last_name="Nobody", first_name="Ana", gender="F"),
        line(local_number="999999", ssid="9012345670"),
    )
)


@pytest.fixture
def people(transactional_db: None) -> District:
    from django.contrib.auth.models import Group

    from sisimport.accounts.access import GROUPS

    for name in GROUPS:
        Group.objects.get_or_create(name=name)
    district = make_district()
    give_el(district.student(), "EL", identified_date="2015-09-01")
    district.another()
    UserFactory(registrar=True, all_schools=True, username="rosa", first_name="Rosa", last_name="Vega")
    return district


@pytest.fixture
def download(tmp_path: Path) -> Path:
    path = tmp_path / "SSID_Extract_1234567.txt"
    path.write_text(FILE)
    return path


@contextmanager
def browsing(browser: Any, live_server: Any, **options: Any) -> Iterator[Any]:
    """A signed-in page. Fails on anything the browser complains of: a script error, a blocked style, a missing file."""
    context = browser.new_context(base_url=live_server.url, **options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        page.goto("/")
        page.fill("[name=login]", "rosa")
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_selector("h1:has-text('What is waiting for you')")
        yield page
    finally:
        context.close()
    assert [text for text in complaints if "favicon" not in text] == []


def run_test(page: Any, download: Path) -> None:
    page.goto(reverse("upload", args=["calpads-ssid"]))
    page.set_input_files("input[type=file]", download)
    with page.expect_navigation():
        page.click("button:has-text('Run')")


def test_a_registrar_tests_reads_updates_and_reverts(
    browser: Any, live_server: Any, people: District, worker: None, download: Path
) -> None:
    with browsing(browser, live_server, viewport={"width": 1280, "height": 900}) as page:
        page.goto(reverse("upload", args=["calpads-ssid"]))
        page.set_input_files("input[type=file]", download)
        page.wait_for_selector("text=caret delimited, UTF-8, no header, 3 lines")
        page.click("button:has-text('Run Test')")

        page.wait_for_selector("h2:has-text('What an Update would do')", timeout=20_000)
        assert page.text_content(".sums .is-imported dd") == "1"
        assert page.text_content(".sums .is-refused dd") == "2"
        assert page.locator("mark", has_text="Nobody").count() >= 1
        assert not SSID.objects.exists()

        page.click("button:has-text('Update 1 line')")
        page.wait_for_selector("h2:has-text('What was done')", timeout=20_000)
        assert SSID.objects.get().ssid == "9012345678"

        page.click("summary:has-text('Revert this run')")
        page.click("button:has-text('Yes, revert')")
        page.wait_for_selector("h2:has-text('What was put back')", timeout=20_000)
        assert not SSID.objects.exists()


def test_the_same_without_javascript(
    browser: Any, live_server: Any, people: District, worker: None, download: Path
) -> None:
    with browsing(browser, live_server, java_script_enabled=False, viewport={"width": 1280, "height": 900}) as page:
        run_test(page, download)
        reload_until(page, "h2:has-text('What an Update would do')")

        with page.expect_navigation():
            page.click("button:has-text('Update 1 line')")
        reload_until(page, "h2:has-text('What was done')")

    assert SSID.objects.count() == 1


def reload_until(page: Any, selector: str) -> None:
    for _n in range(100):
        if page.locator(selector).count():
            return
        page.wait_for_timeout(200)
        page.reload()
    pytest.fail(f"{selector} never came")


def test_a_file_can_be_dropped(browser: Any, live_server: Any, people: District, download: Path) -> None:
    with browsing(browser, live_server) as page:
        page.goto(reverse("upload", args=["calpads-ssid"]))
        transfer = page.evaluate_handle(
            "text => { const t = new DataTransfer(); t.items.add(new File([text], 'dropped.txt')); return t }", FILE
        )
        page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})

        page.wait_for_selector("#recognised >> text=dropped.txt")
        assert page.evaluate("document.querySelector('input[type=file]').files.length") == 1


def test_choosing_another_type_shows_its_options(browser: Any, live_server: Any, people: District) -> None:
    with browsing(browser, live_server) as page:
        page.goto(reverse("upload", args=["calpads-ssid"]))
        before = page.text_content("#type-about")

        page.select_option("#id_import_type", index=1)
        expect(page.locator("#type-about")).not_to_have_text(before)


def test_the_button_says_what_it_will_do(browser: Any, live_server: Any, people: District, download: Path) -> None:
    with browsing(browser, live_server) as page:
        page.goto(reverse("upload", args=["calpads-ssid"]))
        page.set_input_files("input[type=file]", download)
        page.check("input[value=update]")
        assert page.text_content("[data-run]").strip() == "Run Update"


def test_an_ssid_is_shown_on_demand(browser: Any, live_server: Any, people: District) -> None:
    student = Student.objects.get(local_number="100234")
    SSID.objects.create(student=student, ssid="9012345678", origin="staff")
    with browsing(browser, live_server) as page:
        page.goto(reverse("student", args=[student.pk]))
        page.click("button:has-text('Show')")

        page.wait_for_selector("text=9012345678")


def test_the_menu_opens_on_a_narrow_screen(browser: Any, live_server: Any, people: District) -> None:
    with browsing(browser, live_server, viewport={"width": 390, "height": 800}) as page:
        assert not page.is_visible("nav#menu")

        page.click("button:has-text('Menu')")
        page.click("nav#menu >> text=Students")

        page.wait_for_selector("h1:has-text('Students')")


@pytest.fixture
def addresses(people: District) -> list[str]:
    """Every kind of page with something on it."""
    from tests.imports.journey import run_file

    run = run_file("ssid-download", FILE, Work.UPDATE).run
    student = Student.objects.get(local_number="100234")
    return [
        reverse("home"),
        reverse("upload", args=["calpads-ssid"]),
        reverse("upload", args=["roster"]),
        reverse("run", args=[run.plan_run_id]),
        reverse("run", args=[run.pk]),
        reverse("run_changes", args=[run.pk]),
        reverse("run_absent", args=[run.pk]),
        reverse("run_print", args=[run.pk]),
        reverse("runs"),
        reverse("students"),
        reverse("student", args=[student.pk]),
        reverse("account"),
        reverse("account_change_password"),
        reverse("mfa_index"),
    ]


@pytest.mark.faults  # tests/browser/test_accessibility.py looks at the same pages
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_its_screen(browser: Any, live_server: Any, addresses: list[str], width: int) -> None:
    with browsing(browser, live_server, viewport={"width": width, "height": 900}) as page:
        too_wide = []
        for address in addresses:
            page.goto(address)
            page.evaluate(WIDEST_TIMES)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                too_wide.append(address)

    assert too_wide == []


@pytest.mark.faults  # tests/browser/test_accessibility.py looks at the same pages
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, live_server: Any, addresses: list[str], axe: str, scheme: str) -> None:
    found = []
    with browsing(browser, live_server, bypass_csp=True, color_scheme=scheme) as page:
        for address in addresses:
            page.goto(address)
            page.add_script_tag(content=axe)
            result = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
            found += [
                f"{address}: {v['id']} {v['nodes'][0]['html'][:120]} {v['nodes'][0].get('failureSummary', '')[:200]}"
                for v in result["violations"]
            ]

    assert found == []
