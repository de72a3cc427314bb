"""Refused lines are corrected on the page: changes are kept, and only the corrected lines are tested, under their numbers."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, LineDraft, Work
from sisimport.imports.runs import corrected_files, corrections
from sisimport.imports.runs.refused_lines import original_lines
from sisimport.imports.runs.uploads import RunRefusedError
from students.models import SSID, Student
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, Report, finish, run_file
from tests.roster.test_roster import ANA, JOSE, csv

pytestmark = pytest.mark.django_db
TYPE = "ssid-download"
GOOD = line()
WRONG_NAME = line(local_number="100235", ssid="9012345679", last_name="Nobody", first_name="Ana", gender="F")
UNKNOWN = line(local_number="999999", ssid="9012345670")
FIELDS = ("local_number", "last_name", "birth_date")


@pytest.fixture
def tested(district: District, registrar: User) -> ImportRun:
    """A Test with one line to import and two refused: lines 2 and 4; line 3 is blank."""
    district.student()
    district.another()
    run = run_file(TYPE, f"{GOOD}\n{WRONG_NAME}\n\n{UNKNOWN}\n").run
    ImportRun.objects.filter(pk=run.pk).update(created_by=registrar)
    return ImportRun.objects.get(pk=run.pk)


def at(run: ImportRun, number: int, key: str) -> str:
    """Name of a field on the page."""
    return f"f-{number}-{run.facts['positions'][key]}"


def send(client: Client, run: ImportRun, number: int, button: str = "save", **values: str) -> Any:
    fields = {at(run, number, key): value for key, value in values.items()}
    return client.post(
        reverse("correct_lines", args=[run.pk]), {"line": str(number), button: "1", **fields}, follow=True
    )


def page(client: Client, run: ImportRun, name: str = "correct_lines") -> str:
    answer = client.get(reverse(name, args=[run.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def child_of(run: ImportRun) -> Report:
    return finish(run.corrected_by.latest("pk"))


def test_the_report_leads_to_an_editor_of_the_refused_lines(client: Client, tested: ImportRun) -> None:
    assert reverse("correct_lines", args=[tested.pk]) in page(client, tested, "run")
    shown = page(client, tested)
    assert "Correct 2 refused lines" in shown
    assert f'name="{at(tested, 2, "last_name")}" value="Nobody"' in shown
    assert f'name="{at(tested, 4, "local_number")}" value="999999"' in shown
    assert "9012345679" not in shown, "SSIDs stay masked"


def test_what_was_changed_is_kept_with_the_original_beside_it(client: Client, tested: ImportRun) -> None:
    send(client, tested, 2, last_name="O'Neil")
    shown = page(client, tested)
    assert f'name="{at(tested, 2, "last_name")}" value="O&#x27;Neil"' in shown
    assert "In the file: Nobody" in shown
    assert "1 line corrected so far" in shown

    send(client, tested, 2, last_name="Nobody")
    assert not LineDraft.objects.exists(), "the value of the file is not a correction"


def test_a_masked_ssid_that_comes_back_as_it_was_shown_is_not_a_change(client: Client, tested: ImportRun) -> None:
    send(client, tested, 2, ssid="90•• ••• 679", last_name="O'Neil")
    (draft,) = LineDraft.objects.all()
    assert list(draft.values.values()) == ["O'Neil"]


def test_only_the_corrected_line_is_tested_under_its_number(client: Client, tested: ImportRun) -> None:
    birth = Student.objects.get(local_number="100235").birth_date.strftime("%Y%m%d")
    answer = send(client, tested, 2, "test", last_name="O'Neil", middle_name="", birth_date=birth)
    child = child_of(tested)

    assert answer.redirect_chain[-1][0] == reverse("run", args=[child.run.pk])
    assert (child.run.corrects_id, child.run.record_count, child.run.planned_count) == (tested.pk, 1, 1)
    assert sum(child.run.outcome_counts.values()) == child.run.record_count
    assert {change["line"] for change in child.changes} == {2}
    assert "FILE-BLANK-LINES" not in [issue["code"] for issue in child.issues]
    tested.refresh_from_db()
    assert tested.refused_count == 2, "the first report stays as it was"

    update = run_file(TYPE, "", Work.UPDATE, test_run=child.run).run
    assert update.import_count == 1
    assert update.corrects_id == tested.pk
    assert SSID.objects.get(student__local_number="100235").ssid == "9012345679", (
        "masked on the page, whole in the file"
    )


def test_report_and_journal_show_both_values(client: Client, tested: ImportRun) -> None:
    send(client, tested, 2, "test", last_name="O'Neil")
    child = child_of(tested).run
    for name in ("run", "run_changes"):
        shown = page(client, child, name)
        assert f'Corrected lines of <a href="{reverse("run", args=[tested.pk])}">' in shown
        assert '<td data-label="In the file">Nobody</td><td data-label="Corrected">O&#x27;Neil</td>' in shown


def test_students_of_other_lines_do_not_count_as_absent(client: Client, tested: ImportRun) -> None:
    assert "absent_count" in tested.facts
    send(client, tested, 2, "test", last_name="O'Neil")
    child = child_of(tested).run
    assert "absent_count" not in child.facts
    assert "Not in this file" not in page(client, child, "run")


def test_a_line_that_is_refused_again_can_be_corrected_again(client: Client, tested: ImportRun) -> None:
    send(client, tested, 4, "test", local_number="888888")
    child = child_of(tested).run
    assert (child.refused_count, "888888" in page(client, child)) == (1, True)
    send(client, child, 4, "test", local_number="777777")
    assert child_of(child).run.corrects_id == child.pk


def test_nothing_corrected_is_not_a_test(client: Client, tested: ImportRun) -> None:
    answer = send(client, tested, 2, "test", last_name="Nobody")
    assert "No line has been corrected yet" in answer.content.decode()
    assert not tested.corrected_by.exists()


def test_a_line_that_was_not_refused_cannot_be_changed(client: Client, tested: ImportRun) -> None:
    send(client, tested, 1, last_name="Other")
    assert not LineDraft.objects.exists()


def test_a_draft_is_taken_back(client: Client, tested: ImportRun) -> None:
    send(client, tested, 2, last_name="O'Neil")
    client.post(reverse("correct_lines", args=[tested.pk]), {"take_back": "2"})
    assert not LineDraft.objects.exists()


def test_someone_who_does_not_see_the_whole_run_cannot_correct_it(
    client: Client, tested: ImportRun, district: District
) -> None:
    client.force_login(UserFactory(registrar=True, schools=[district.school]))
    assert client.get(reverse("correct_lines", args=[tested.pk])).status_code == 404
    assert send(client, tested, 2, "test", last_name="O'Neil").status_code == 404
    assert not LineDraft.objects.exists()
    assert not tested.corrected_by.exists()


# ---- forms of a file ----


def test_header_quotes_and_several_lines_of_a_record(district: District) -> None:
    bad = JOSE | {"birth_date": "2009-13-40", "last_name": '"García, ""Pepe""\nLópez"'}
    run = run_file("students", csv(ANA, bad, ANA | {"local_number": "7", "grade": "x", "birth_date": "?"})).run
    assert run.refused_count == 2
    birth = run.facts["positions"]["birth_date"]
    corrections.save_draft(run, 3, {birth: "2009-02-14"}, user=None)
    corrections.save_draft(run, 5, {birth: "2012-06-30", run.facts["positions"]["grade"]: "07"}, user=None)

    child = finish(corrections.start_corrected_test(run=run, user=None, schools=None, lines=[3, 5], enqueue=False))

    assert (child.run.record_count, child.run.refused_count) == (2, 0)
    assert {change["line"] for change in child.changes if change["what"] == "student"} == {3, 5}


def test_a_look_at_a_line_that_cannot_be_masked_is_on_record_and_one_at_fields_is_not(
    client: Client, tested: ImportRun, district: District, registrar: User
) -> None:
    page(client, tested)
    assert not AuditEntry.looks.filter(kind=AuditEntry.Kind.SSID).exists()

    cut = run_file(TYPE, f"{GOOD}\n{WRONG_NAME.rpartition('^')[0]}\n").run
    ImportRun.objects.filter(pk=cut.pk).update(created_by=registrar)
    page(client, cut)

    assert AuditEntry.looks.filter(kind=AuditEntry.Kind.SSID, user=registrar).count() == 1


def test_a_line_with_a_column_too_few_is_corrected_as_a_whole(district: District) -> None:
    run = run_file("students", csv(ANA, JOSE) + "1234567,0123456,5,\n", name="roster.csv").run
    (only,) = corrected_files.fields_of(run, corrected_files.raw_records(run, [4])[4])
    assert (only.at, only.value) == (corrections.WHOLE_LINE, "1234567,0123456,5,")
    corrections.save_draft(run, 4, {only.at: csv(JOSE | {"local_number": "5"}).splitlines()[1]}, user=None)
    child = finish(corrections.start_corrected_test(run=run, user=None, schools=None, lines=[4], enqueue=False))
    assert (child.run.record_count, child.run.planned_count) == (1, 1)


def test_refused_and_other_lines_add_up_to_the_file(tested: ImportRun) -> None:
    refused = b"".join(original_lines(tested, [2, 4])).decode().splitlines()
    planned = {change["line"] for change in Report(tested).changes}
    assert sorted([*refused, GOOD]) == sorted([GOOD, WRONG_NAME, UNKNOWN])
    assert planned == {1}


def test_a_value_longer_than_its_fixed_column_is_refused(monkeypatch: pytest.MonkeyPatch, tested: ImportRun) -> None:
    monkeypatch.setattr(corrected_files, "layout_of", lambda _run: _Fixed())
    with pytest.raises(RunRefusedError, match="Line 2: Name has room for 3 characters, and 4 were entered"):
        corrected_files._put_at_positions(tested, 2, "abcdef", {0: "long"})
    assert corrected_files._put_at_positions(tested, 2, "abcdef", {0: "x"}) == "x  def"


class _Fixed:
    class Column:
        span, label = (1, 3), "Name"

    columns = (Column(),)


def test_what_is_kept_while_one_types_is_reported_without_a_page(client: Client, tested: ImportRun) -> None:
    answer = client.post(
        reverse("correct_lines", args=[tested.pk]), {"line": "2", "autosave": "1", at(tested, 2, "last_name"): "O'Neil"}
    )
    assert (answer.status_code, answer.content) == (200, b"Kept. 1 line corrected so far.")
    assert LineDraft.objects.get().line == 2


def test_fields_with_an_error_stand_open_and_the_others_are_folded(client: Client, tested: ImportRun) -> None:
    lines = client.get(reverse("correct_lines", args=[tested.pk])).context["lines"]
    names = {one.number: {field.field.key for field in one.first} for one in lines}
    assert "last_name" in names[2]
    assert "gender" not in names[2]
    for one in lines:
        folded = [field for _name, fields, _wide in one.folded for field in fields]
        assert len(one.first) + len(folded) == len(one.fields), "every field is there once"


def test_corrections_are_listed_in_pages(client: Client, tested: ImportRun, monkeypatch: pytest.MonkeyPatch) -> None:
    send(client, tested, 2, last_name="O'Neil")
    send(client, tested, 4, "test", local_number="888888")
    child = child_of(tested).run
    monkeypatch.setattr("sisimport.web.views.runs._LISTED_LINES", 1)
    first, second = (
        client.get(reverse("run", args=[child.pk]), {"corrected": number}).content.decode() for number in (1, 2)
    )
    assert ("O&#x27;Neil</td>" in first, "888888</td>" in first) == (True, False)
    assert ("O&#x27;Neil</td>" in second, "888888</td>" in second) == (False, True)
    assert 'aria-label="Pages of corrected lines"' in first
