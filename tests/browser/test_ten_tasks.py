"""A registrar's ten tasks (docs/how-to), from the first page to the result, with the clicks counted.

Typing is not counted, nor is Enter. Choosing a file is one action. One district, one walk: a task continues where others ended.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from assessments.models import Score
from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun, Work
from students.models import SSID, FamilyInvitation, School, StaffAccess, Student
from tests.assessments.score_files import ela, text
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import run_file

pytestmark = pytest.mark.django_db(transaction=True)

DOCS = Path(__file__).parents[2] / "docs" / "how-to"
NAMES = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Finn", "Gus", "Hana", "Ivo", "June", "Kai", "Lou", "Mia")
REFUSED = 12


@dataclass
class Walk:
    """A registrar at work. Each task is on record with its page of docs/how-to and its clicks."""

    page: Any
    school: School
    clicks: int = 0
    counted: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        self.page.goto(reverse("home"))
        self.clicks = 0

    def click(self, what: str, *, leads: bool = True) -> None:
        """`leads`: to another page."""
        target = self.page.locator(what).first
        if leads:
            with self.page.expect_navigation():
                target.click()
        else:
            target.click()
        self.clicks += 1

    def menu(self, name: str) -> None:
        self.click(f'.side a[href="{reverse(name)}"]')

    def choose_file(self, name: str, content: bytes) -> None:
        with self.page.expect_navigation():
            self.page.set_input_files("#id_files", {"name": name, "mimeType": "text/plain", "buffer": content})
        self.clicks += 1

    def find(self, student: Student) -> None:
        """By the search that is on every page: typed, Enter, one click."""
        self.page.fill("#find", student.local_number)
        with self.page.expect_navigation():
            self.page.press("#find", "Enter")
        self.click(f'main a[href="{reverse("student", args=[student.pk])}"]')

    def wait(self) -> ImportRun:
        """What a worker does in the meantime; then the page of the run as it reloads automatically."""
        run: ImportRun = run_to_end(ImportRun.objects.latest("pk"))
        self.page.goto(reverse("run", args=[run.pk]))
        return run

    def end(self, how_to: str) -> None:
        assert (DOCS / f"{how_to}.md").exists()
        self.counted[how_to] = self.clicks


def person(number: int) -> dict[str, str]:
    return {"local_number": f"60{number:02}", "first_name": NAMES[number], "last_name": "Solis", "middle_name": ""}


def state_line(number: int, ssid: str) -> str:
    return line(ssid=ssid, grade="05", elas="", elas_date="", language="", **person(number))


@pytest.fixture
def walk(visit: Callable[..., Any], transactional_db: None) -> Walk:
    school = SchoolFactory(code="0123456", name="Cedar Elementary")
    for number in range(len(NAMES)):
        StudentFactory(school=school, grade="05", gender="M", birth_date="2009-02-14", **person(number))
    StudentFactory(school=school, grade="05", first_name="Eva", last_name="Yesterday", local_number="6100")
    yesterday = line(ssid="9012345555", local_number="6100", last_name="Yesterday", first_name="Eva", gender="F",
                     birth_date="20110812", grade="05", middle_name="Luz", elas="", elas_date="", language="")  # fmt: skip
    user = UserFactory(username="rosa", is_superuser=True, is_staff=True, all_schools=True)
    tested = run_file("ssid-download", f"{yesterday}\n", name="yesterday.txt").run
    run_file("ssid-download", f"{yesterday}\n", Work.UPDATE, test_run=tested, name="yesterday.txt")
    ImportRun.objects.update(created_by=user)
    return Walk(visit(user), school)


@pytest.mark.faults
def test_ten_tasks_in_few_clicks(walk: Walk) -> None:
    import_a_download(walk)
    bring_only_the_refused_lines_in(walk)
    undo_yesterdays_import(walk)
    import_a_caaspp_zip(walk)
    see_where_ssid_and_score_came_from(walk)
    make_a_list_for_a_principal(walk)
    correct_a_wrong_ssid(walk)
    see_levels_by_grade(walk)
    invite_a_registrar_for_one_school(walk)
    invite_a_parent(walk)

    assert walk.counted == {
        "import-a-download": 3,
        "correct-refused-lines": 4,
        "undo-an-import": 4,
        "import-caaspp-scores": 3,
        "see-where-a-value-came-from": 1,
        "make-a-list-for-a-principal": 3,
        "correct-a-wrong-ssid": 3,
        "compare-results": 1,
        "manage-people": 4,
        "invite-families": 4,
    }


def import_a_download(walk: Walk) -> None:
    lines = [state_line(0, "9012345600"), *(state_line(n, f"901234{n:02}") for n in range(1, REFUSED + 1))]
    walk.begin()
    walk.choose_file("download.txt", "\n".join(lines).encode())
    walk.click("main button:has-text('Test')")
    test = walk.wait()
    assert (test.planned_count, test.refused_count) == (1, REFUSED)
    walk.click("button:has-text('Update 1 line')")
    walk.wait()
    assert SSID.objects.get(student__local_number="6000").ssid == "9012345600"
    walk.end("import-a-download")


def type_ssid(editor: Any, number: int) -> None:
    editor.get_by_label("SSID", exact=False).first.fill(f"90123457{number:02}")


def bring_only_the_refused_lines_in(walk: Walk) -> None:
    walk.clicks = 0  # on the page of the Update
    expect(walk.page.locator("main")).to_contain_text("refused")
    walk.click(f"a:has-text('Correct {REFUSED} lines')")
    editors = walk.page.locator(".line-editor")
    on_this_page = editors.count()
    for number in range(on_this_page):
        type_ssid(editors.nth(number), number + 1)
    if on_this_page < REFUSED:  # what was typed is kept automatically
        expect(walk.page.locator("[data-kept]")).to_contain_text(f"{on_this_page} lines")
        walk.click("a[rel=next]")
        for number in range(on_this_page, REFUSED):
            type_ssid(editors.nth(number - on_this_page), number + 1)
    walk.click("button:has-text('Test the corrected lines')")
    test = walk.wait()
    assert test.planned_count == REFUSED
    walk.click(f"button:has-text('Update {REFUSED} lines')")
    walk.wait()
    assert SSID.objects.filter(ssid__startswith="90123457").count() == REFUSED
    walk.end("correct-refused-lines")


def undo_yesterdays_import(walk: Walk) -> None:
    walk.begin()
    walk.menu("runs")
    run = ImportRun.objects.get(file__name="yesterday.txt", work=Work.UPDATE)
    walk.click(f'main a[href="{reverse("run", args=[run.pk])}"]')
    walk.click("summary:has-text('Revert this run')", leads=False)
    walk.click("button:has-text('Yes, revert')")
    walk.wait()
    expect(walk.page.locator("main")).to_contain_text("Nothing is left to undo")
    assert not SSID.objects.filter(student__local_number="6100", retired_at__isnull=True).exists()
    walk.page.goto(reverse("runs"))
    expect(walk.page.locator(f"tr:has(a[href='{reverse('run', args=[run.pk])}'])").first).to_contain_text("Reverted")
    walk.end("undo-an-import")


def import_a_caaspp_zip(walk: Walk) -> None:
    rows = [
        ela(ssid=SSID.objects.get(student__local_number=f"60{n:02}").ssid, first_name=NAMES[n], last_name="Solis",
            birth_date="2009-02-14", uin=f"10000000000000{n:02}")
        for n in range(len(NAMES))
    ]  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("caaspp.csv", text("caaspp-2023-24", *rows))
    walk.begin()
    walk.choose_file("caaspp.zip", packed.getvalue())
    walk.click("main button:has-text('Test')")
    walk.wait()
    walk.click("button.primary:has-text('lines')")
    walk.wait()
    assert Score.objects.filter(assessment__state_code="SBELA").count() == len(NAMES)
    walk.end("import-caaspp-scores")


def see_where_ssid_and_score_came_from(walk: Walk) -> None:
    walk.begin()
    walk.find(Student.objects.get(local_number="6003"))
    corrected = ImportRun.objects.filter(import_type="ssid-download", work=Work.UPDATE).latest("pk")
    expect(walk.page.locator("#ssids")).to_contain_text(f"run {corrected.pk}, line 4")
    scores = ImportRun.objects.filter(import_type__startswith="caaspp").exclude(work=Work.TEST).get()
    expect(walk.page.locator("main")).to_contain_text(f"{scores.file.name}, run {scores.pk}, line 5")
    walk.end("see-where-a-value-came-from")


def make_a_list_for_a_principal(walk: Walk) -> None:
    walk.begin()
    walk.menu("collection")
    walk.click("a:has-text('List for the school')")
    with walk.page.expect_download() as made:
        walk.click("button:has-text('Download for Excel')", leads=False)
    assert made.value.suggested_filename == "missing-ssids-0123456.xlsx"
    walk.end("make-a-list-for-a-principal")


def correct_a_wrong_ssid(walk: Walk) -> None:
    walk.begin()
    student = Student.objects.get(local_number="6005")
    walk.find(student)
    walk.click("a:has-text('Record Information')")
    walk.page.fill("[name=ssid]", "9012349999")
    walk.click("button[name=save]")
    assert [one.ssid for one in SSID.objects.filter(student=student, retired_at__isnull=True)] == ["9012349999"]
    walk.end("correct-a-wrong-ssid")


def see_levels_by_grade(walk: Walk) -> None:
    walk.begin()
    walk.menu("results")
    expect(walk.page.get_by_role("heading", level=1)).to_contain_text("ELA, 2023-24")
    row = walk.page.locator("table.spread tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(str(len(NAMES)))
    walk.end("compare-results")


def invite_a_registrar_for_one_school(walk: Walk) -> None:
    walk.begin()
    walk.menu("people")
    walk.page.fill("[name=email]", "ines@example.org")
    walk.click(f"[name=schools][value='{walk.school.pk}']", leads=False)
    walk.click("[name=send][value=link]", leads=False)
    walk.click("button[name=invite]")
    expect(walk.page.locator("code.token")).to_contain_text("#")
    access = StaffAccess.objects.get(user__email="ines@example.org")
    assert list(access.schools.all()) == [walk.school]
    walk.end("manage-people")


def invite_a_parent(walk: Walk) -> None:
    walk.begin()
    student = Student.objects.get(local_number="6007")
    walk.find(student)
    walk.click("a:has-text('Record Information')")
    walk.click("a:has-text('Family accounts')")
    walk.click("button:has-text('Make an invitation')")
    expect(walk.page.locator(".letter svg.qr")).to_be_visible()
    assert list(FamilyInvitation.objects.get().students.all()) == [student]
    walk.end("invite-families")
