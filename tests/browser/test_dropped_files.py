"""A file dropped anywhere on the first page: two actions to the result of a Test, counted, for every kind of file in the demo."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.models import ImportRun
from tests.assessments.score_files import ela, text
from tests.browser.look import Look, one_sight_or_every
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import make_district
from tests.longer import first_of
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db(transaction=True)
FILES = {"ssid-download": ("extract.txt", f"{line()}\n"), "students": ("roster.csv", csv(JOSE))}
DROP = """([files, link]) => {
  const data = new DataTransfer();
  for (const [name, text] of files) data.items.add(new File([text], name));
  if (link) data.setData("text/uri-list", link);
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def page(visit: Callable[..., Any]) -> Any:
    make_district().student()
    opened = visit(UserFactory(registrar=True, all_schools=True))
    opened.goto(reverse("home"))
    return opened


@pytest.mark.parametrize("kind", first_of(list(FILES)))
def test_two_actions_from_the_first_page_to_a_test(page: Any, kind: str) -> None:
    actions = 0

    page.evaluate(DROP, [[FILES[kind]], ""])
    actions += 1
    page.wait_for_url("**/imports/files/**")
    page.click("main button:has-text('Test')")
    actions += 1
    page.wait_for_url("**/runs/**")

    assert ImportRun.objects.get().import_type == kind
    assert actions == 2


@one_sight_or_every
def test_two_files_folders_and_links(page: Any, axe: str, every_sight: bool) -> None:
    page.evaluate(DROP, [[], "https://example.org/file.csv"])
    expect(page.locator("[data-drop-problem]")).to_contain_text("a link or text")

    page.evaluate(DROP, [[*FILES.values(), ("odd.csv", "Shoe,Size\n1,38\n")], ""])
    page.wait_for_url("**/imports/files/**")
    expect(page.locator(".seen")).to_have_count(3)
    look = Look(page, axe, every_sight=every_sight)
    look.here("choose_files")
    page.set_viewport_size({"width": 320, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert look.wrong == []


ODD = """(what) => {
  const event = new Event("drop", { bubbles: true, cancelable: true });
  const folder = { webkitGetAsEntry: () => ({ isDirectory: true }) };
  const data = new DataTransfer();
  if (what === "large") data.items.add(new File(["x".repeat(20)], "large.txt"));
  const dropped = what === "folder" ? { items: [folder], files: [{}] } : { items: [], files: data.files };
  Object.defineProperty(event, "dataTransfer", { value: dropped });
  (document.querySelector("[data-drop]") ?? document.body).dispatchEvent(event);
}"""


def test_what_is_not_a_file_is_reported_and_nothing_is_sent(page: Any) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    problem = page.locator("[data-drop-problem]")
    for what, said in (("folder", "That is a folder"), ("text", "a link or text")):
        page.evaluate(ODD, what)
        expect(problem).to_contain_text(said)
    page.evaluate("document.querySelector('[data-drop-anywhere]').dataset.max = '10'")
    page.evaluate(ODD, "large")
    expect(problem).to_contain_text("This file is larger than")
    page.goto(reverse("upload", args=["calpads-ssid"]))
    for what, said in (("folder", "That is a folder"), ("text", "a link or text")):
        page.evaluate(ODD, what)
        expect(page.locator("#recognised")).to_contain_text(said)
    page.evaluate("document.querySelector('[data-upload]').dataset.max = '10'")
    page.evaluate(ODD, "large")
    expect(page.locator("#recognised")).to_contain_text("This file is larger than")
    assert sent == []


def test_u_opens_the_choice_but_not_while_somebody_types(page: Any) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("body").press("u")  # with the focus, whatever else happens in the browser
    chooser.value.set_files(
        [{"name": "extract.txt", "mimeType": "text/plain", "buffer": FILES["ssid-download"][1].encode()}]
    )
    page.wait_for_url("**/imports/files/**")


def test_without_scripts_the_same_goes_by_the_form(visit: Callable[..., Any], page: Any) -> None:
    plain = visit(UserFactory(registrar=True, all_schools=True), scripts=False)
    plain.goto(reverse("home"))
    plain.set_input_files("input[name=files]", {"name": "a.csv", "mimeType": "text/csv", "buffer": csv(JOSE).encode()})
    plain.click("text=Check it")
    plain.click("main button:has-text('Test')")
    plain.wait_for_url("**/runs/**")
    assert ImportRun.objects.get().import_type == "students"


def test_on_a_screen_the_recognized_type_is_chosen_automatically(page: Any) -> None:
    page.goto(reverse("upload", args=["caaspp"]))
    assert page.input_value("#id_import_type") == "caaspp-2024-2025"
    older = {"name": "older.csv", "mimeType": "text/csv", "buffer": text("caaspp-2023-24", ela())}

    page.set_input_files("input[name=file]", older)

    expect(page.locator("#id_import_type")).to_have_value("caaspp-2023-2024")
    expect(page.locator("#recognised")).to_contain_text("older.csv")
    page.click("[data-run]")
    page.wait_for_url("**/runs/**")
    assert ImportRun.objects.get().import_type == "caaspp-2023-2024"
