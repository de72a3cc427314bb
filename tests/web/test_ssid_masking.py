"""Rule ID-6 on the pages of a run: SSIDs are masked in messages, data lines, changes and lists alike until somebody asks."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun
from sisimport.web.queries.data_lines import Cell, DataLine, _cut
from sisimport.web.ssid_masking import Masking
from tests.factories import UserFactory
from tests.files.samples import line, lines
from tests.imports.journey import District, give_ssid, run_file

pytestmark = pytest.mark.django_db
SSID, MASK = "9012345678", "90•• ••• 678"
PARTS = {"issues": "run", "changes": "run_changes", "absent": "run_absent"}


@pytest.fixture
def run(district: District) -> ImportRun:
    """A Test that writes one SSID, refuses another line, and misses a student with an SSID."""
    district.student()
    give_ssid(district.another(), "9099999321")
    content = lines({}, {"local_number": "999999", "ssid": "9012345333"})
    return run_file("ssid-download", content).run


def texts(client: Client, run: ImportRun, *, shown: bool) -> dict[str, str]:
    if shown:
        answers = {part: client.post(reverse("show_run_ssids", args=[run.pk, part])) for part in PARTS}
    else:
        answers = {part: client.get(reverse(name, args=[run.pk])) for part, name in PARTS.items()}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {part: answer.content.decode() for part, answer in answers.items()}


def test_no_part_of_a_run_shows_a_whole_ssid_unasked(client: Client, registrar: Any, run: ImportRun) -> None:
    masked = texts(client, run, shown=False)

    assert not any(number in text for number in (SSID, "9012345333", "9099999321") for text in masked.values())
    assert "90•• ••• 333" in masked["issues"]
    assert MASK in masked["changes"]
    assert "90•• ••• 321" in masked["absent"]
    assert all("Show SSIDs" in text for text in masked.values())


def test_show_ssids_shows_one_page_whole_and_is_on_record(client: Client, registrar: Any, run: ImportRun) -> None:
    """What will be written can be compared with the file; looking again, the page is masked."""
    shown = texts(client, run, shown=True)

    assert "9012345333" in shown["issues"]
    assert SSID in shown["changes"]
    assert "9099999321" in shown["absent"]
    assert list(
        AuditEntry.looks.filter(kind=AuditEntry.Kind.SSID).values_list("subject", flat=True).order_by("pk")
    ) == [f"run {run.pk}: {part}, page 1" for part in PARTS]
    again = client.get(reverse("show_run_ssids", args=[run.pk, "issues"]) + "?severity=error", follow=True)
    assert again.redirect_chain[0][0] == reverse("run", args=[run.pk]) + "?severity=error"
    assert "9012345333" not in again.content.decode()


def test_the_current_number_in_a_sentence_about_a_former_one_is_masked(
    client: Client, registrar: Any, district: District
) -> None:
    student = district.student()
    give_ssid(student, SSID, retired_at=timezone.now())
    give_ssid(student, "9099999321")
    run = run_file("ssid-download", lines({"ssid": SSID})).run

    address = reverse("show_run_ssids", args=[run.pk, "issues"])
    masked, shown = client.get(reverse("run", args=[run.pk])).content.decode(), client.post(address).content.decode()

    assert "The current one is 90•• ••• 321." in masked
    assert "9099999321" not in masked
    assert "The current one is 9099999321." in shown


def test_whoever_may_not_see_ssids_is_offered_none(client: Client, run: ImportRun) -> None:
    client.force_login(UserFactory(viewer=True, all_schools=True))

    text = client.get(reverse("run", args=[run.pk])).content.decode()

    assert "Show SSIDs" not in text
    assert "SSIDs are masked" in text
    assert client.post(reverse("show_run_ssids", args=[run.pk, "issues"])).status_code == 403
    assert not AuditEntry.looks.filter(kind=AuditEntry.Kind.SSID).exists()


def test_what_is_not_an_ssid_stays_readable(client: Client, district: District, registrar: Any) -> None:
    """Whoever corrects it has to see what is wrong with it."""
    district.student()
    run = run_file("ssid-download", lines({"ssid": "901234567"})).run

    text = client.get(reverse("run", args=[run.pk])).content.decode()

    assert "<mark>901234567</mark>" in text


@pytest.mark.parametrize(
    ("cell", "shown"), [(SSID, MASK), (f'"{SSID}"', MASK), (f" {SSID}", f" {MASK}"), ("901", "901")]
)
def test_a_cell_keeps_what_is_around_its_number(cell: str, shown: str) -> None:
    (found,) = _cut(cell, "^", {0: ("ssid", "SSID")}, Masking()).cells

    assert found == Cell(shown, "ssid", "SSID")


def test_a_line_without_columns_hides_ten_digits() -> None:
    assert _cut(f"x {SSID} 12345678901", "", {}, Masking()) == DataLine((Cell(f"x {MASK} 12345678901"),), "")


def test_ssids_of_utah_are_masked_by_their_own_length() -> None:
    assert Masking(utah=True).value("ssid", "1234567") == "•••••67"
    assert Masking().value("ssid", "1234567") == "1234567"


# ---- wide lines ----


def wide(marked: str) -> DataLine:
    fields = {0: ("local_number", "Local number"), 3: ("last_name", "Last name"), 30: ("scale_score", "Scale score")}
    return _cut("^".join(f"v{n}" for n in range(40)), "^", fields, Masking()).marked(marked, 3)  # type: ignore[arg-type]


def test_a_wide_line_is_shown_by_what_is_wrong_and_whose_it_is() -> None:
    line = wide("scale_score")

    assert [(cell.label, cell.text, cell.tone) for cell in line.brief] == [
        ("Scale score", "v30", "bad"),
        ("Local number", "v0", ""),
        ("Last name", "v3", ""),
    ]
    assert len(line.cells) == 40


def test_a_short_line_is_shown_as_it_came() -> None:
    assert _cut(line(), "^", {3: ("local_number", "Local number")}, Masking()).brief == ()
