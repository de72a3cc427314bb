"""Results pages: the facts, the causes, what can be done next, who sees which lines, and how many queries it takes."""

import csv
import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import services
from students.models import SSID
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, finish, give_el, give_ssid, run_file

pytestmark = pytest.mark.django_db
TYPE = "ssid-download"
GOOD = line()
WRONG_NAME = line(local_number="100235", ssid="9012345679", last_name="Nobody", first_name="Ana", gender="F")
UNKNOWN = line(local_number="999999", ssid="9012345670")


def content(*lines: str) -> str:
    return "".join(f"{text}\n" for text in lines)


@pytest.fixture
def tested(district: District, registrar: Any) -> ImportRun:
    """A Test with one line to import and two refused."""
    district.student()
    district.another()
    run = run_file(TYPE, content(GOOD, WRONG_NAME, UNKNOWN), name='März <b> "1".txt').run
    ImportRun.objects.filter(pk=run.pk).update(created_by=registrar)
    run.refresh_from_db()
    return run


def page(client: Client, run: ImportRun, name: str = "run", **query: Any) -> str:
    answer = client.get(reverse(name, args=[run.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_counts_that_add_up(client: Client, tested: ImportRun) -> None:
    text = page(client, tested)

    assert "1 to import, 0 unchanged, 2 refused, 0 set aside, 0 skipped; 3 records in all" in text


def test_a_file_name_with_odd_characters_is_shown_as_text(client: Client, tested: ImportRun) -> None:
    text = page(client, tested)

    assert "März &lt;b&gt; &quot;1&quot;.txt" in text
    assert "<b> " not in text


def test_an_issue_shows_its_line_with_the_offending_value_marked(client: Client, tested: ImportRun) -> None:
    text = page(client, tested)

    assert "<mark>Nobody</mark>" in text
    assert "<mark>999999</mark><i>^</i>" in text


def test_ssids_in_messages_are_masked(client: Client, district: District, registrar: Any) -> None:
    give_ssid(district.student(), "9012345600")
    run = run_file(TYPE, content(GOOD)).run

    text = page(client, run)

    assert "90•• ••• 600" in text
    assert "9012345600" not in text


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ({"code": "STU-NOTFOUND"}, ["3"]),
        ({"severity": "warning"}, []),
        ({"severity": "error"}, ["2", "3"]),
        ({"severity": "nonsense"}, ["2", "3"]),
    ],
    ids=["cause", "no warnings", "errors", "unknown value"],
)
def test_issues_are_filtered(client: Client, tested: ImportRun, query: dict[str, str], lines: list[str]) -> None:
    issues = client.get(reverse("run", args=[tested.pk]), query).context["issues"]

    assert [line for line in dict.fromkeys(str(i.line) for i in issues) if line != "0"] == lines


@pytest.mark.parametrize("text", ["Nobody", "nobody", "100235", "O'Neil"], ids=["value", "case", "number", "on record"])
def test_a_text_filter_looks_into_lines_and_values_and_stays_out_of_the_address(
    client: Client, tested: ImportRun, text: str
) -> None:
    answer = client.post(reverse("filter_issues", args=[tested.pk]), {"text": text}, follow=True)

    assert {issue.line for issue in answer.context["issues"]} == {2}
    assert text not in answer.redirect_chain[0][0]


def test_update_is_offered_once_and_leads_to_its_run(client: Client, tested: ImportRun) -> None:
    assert "Update 1 line" in page(client, tested)

    answer = client.post(reverse("start_update", args=[tested.pk]))

    update = ImportRun.objects.get(work=Work.UPDATE)
    assert answer["Location"] == reverse("run", args=[update.pk])
    assert "Update 1 line" not in page(client, tested)


def test_an_update_can_be_reverted_by_whoever_made_it(client: Client, tested: ImportRun, registrar: Any) -> None:
    update = finish(services.start_update(test_run=tested, user=registrar, enqueue=False)).run

    client.post(reverse("start_revert", args=[update.pk]))
    finish(ImportRun.objects.get(work=Work.REVERT))

    assert not SSID.objects.exists()


def test_a_registrar_does_not_revert_the_runs_of_others(client: Client, tested: ImportRun) -> None:
    update = finish(services.start_update(test_run=tested, user=UserFactory(), enqueue=False)).run

    client.post(reverse("start_revert", args=[update.pk]))

    assert not ImportRun.objects.filter(work=Work.REVERT).exists()


def test_a_viewer_may_not_update(client: Client, tested: ImportRun) -> None:
    client.force_login(UserFactory(viewer=True, all_schools=True))

    assert "Update 1 line" not in page(client, tested)
    assert client.post(reverse("start_update", args=[tested.pk])).status_code == 403


def test_a_rejected_file_says_why_and_what_to_do(client: Client, registrar: Any, district: District) -> None:
    run = run_file(TYPE, "just some text\n").run

    text = page(client, run)

    assert run.status == RunStatus.REJECTED
    assert run.message[:20] in text
    assert "Nothing was changed" in text


def test_an_active_run_shows_its_progress_and_asks_again(client: Client, tested: ImportRun) -> None:
    ImportRun.objects.filter(pk=tested.pk).update(
        status=RunStatus.RUNNING, phase="reading", progress_done=40, progress_total=100
    )

    text = page(client, tested)

    assert 'hx-trigger="every 1s"' in text
    assert 'role="progressbar"' in text


@pytest.mark.parametrize("phase", ["reading", "indexing", "matching", "checking", "planning"])
def test_progress_is_one_bar_of_parts_and_never_full_before_the_end(
    client: Client, tested: ImportRun, phase: str
) -> None:
    """The last run of the type told 2 records in 4 seconds; of this file as many are expected."""
    start = timezone.now() - dt.timedelta(seconds=10)
    ImportRun.objects.create(
        file=tested.file, import_type=tested.import_type, work="test", status=RunStatus.COMPLETED, record_count=2,
        started_at=start, finished_at=start + dt.timedelta(seconds=4),
    )  # fmt: skip
    ImportRun.objects.filter(pk=tested.pk).update(
        status=RunStatus.RUNNING, phase=phase, progress_done=2, progress_total=2, started_at=start
    )

    bar = client.get(reverse("run", args=[tested.pk])).context["bar"]

    assert bar.percent < 100
    assert [part.name for part in bar.parts] == ["reading", "matching", "checking", "planning"]
    assert sum(part.width for part in bar.parts) == 100
    assert (bar.done, bar.total, bar.about, bar.expected) == (2, 2, False, 4)
    assert bar.elapsed >= 10
    assert "2 of 2 records" in page(client, tested)


def test_progress_says_nothing_while_nothing_changed(client: Client, tested: ImportRun) -> None:
    ImportRun.objects.filter(pk=tested.pk).update(status=RunStatus.RUNNING, phase="reading")
    seen = client.get(reverse("run", args=[tested.pk])).context["seen"]

    assert client.get(reverse("run_status", args=[tested.pk]), {"seen": seen}).status_code == 204


def test_when_the_run_ended_the_page_comes_again(client: Client, tested: ImportRun) -> None:
    answer = client.get(reverse("run_status", args=[tested.pk]))

    assert answer["HX-Refresh"] == "true"


def test_changes_show_before_and_after(client: Client, district: District, registrar: Any) -> None:
    give_el(district.student(), "EL", identified_date="2015-09-01")
    run = run_file(TYPE, content(line(elas="RFEP", elas_date="20220520"))).run

    text = page(client, run, "run_changes")

    assert "<del>EL</del> → <ins>Exited EL</ins>" in text


def test_students_who_are_not_in_the_file_are_listed_those_with_el_data_marked(
    client: Client, district: District, registrar: Any
) -> None:
    district.student()
    give_el(district.another(), "EL")
    run = run_file(TYPE, content(GOOD)).run

    text = page(client, run, "run_absent")

    assert "O&#x27;Neil, Ana" in text
    assert "García-López" not in text
    assert '<span aria-hidden="true">●</span>EL' in text


def test_the_page_holds_its_query_count_whatever_the_number_of_issues(
    client: Client, district: District, registrar: Any, django_assert_max_num_queries: Any
) -> None:
    district.student()
    lines = [line(local_number=str(200000 + n), ssid=str(8000000000 + n)) for n in range(60)]
    run = run_file(TYPE, content(GOOD, *lines)).run

    with django_assert_max_num_queries(27):
        page(client, run)
    with django_assert_max_num_queries(27):  # one of them: the filters that this person saved
        page(client, run, "run_changes")


def test_changes_of_many_students_ask_no_more_than_those_of_one(
    client: Client, district: District, registrar: Any, django_assert_max_num_queries: Any
) -> None:
    lines = []
    for n in range(12):
        names = {"local_number": str(300000 + n), "last_name": f"Alder{n}", "first_name": "Ana", "middle_name": "Luz"}
        district.student(**names)
        lines.append(line(ssid=str(8000000000 + n), **names))
    run = run_file(TYPE, content(*lines)).run
    assert run.planned_count == 12

    with django_assert_max_num_queries(27):
        page(client, run, "run_changes")


# ---- schools ----


@pytest.fixture
def of_one_school(district: District) -> ImportRun:
    """A Test over both schools, made by somebody else, whose lines all have something to say."""
    give_ssid(district.student(), "9012345600")
    give_ssid(district.another(school=district.other_school), "9012345601")
    lines = content(
        GOOD,
        line(
            local_number="100235",
            ssid="9012345679",
            last_name="O'Neil",
            first_name="Ana",
            middle_name="",
            gender="F",
            birth_date="20120630",
        ),
        UNKNOWN,
    )
    schools = [district.school.pk, district.other_school.pk]
    return run_file(TYPE, lines, schools=schools).run


@pytest.fixture
def of_cedar_high(client: Client, district: District) -> Any:
    user = UserFactory(registrar=True, schools=[district.school])
    client.force_login(user)
    return user


def test_a_registrar_of_one_school_sees_only_lines_about_its_students(
    client: Client, of_one_school: ImportRun, of_cedar_high: Any
) -> None:
    answer = client.get(reverse("run", args=[of_one_school.pk]))

    assert {issue.line for issue in answer.context["issues"]} == {1}
    assert "O&#x27;Neil" not in answer.content.decode()
    assert "100235" not in answer.content.decode()


def test_nor_by_a_filter_a_download_or_the_changes(
    client: Client, of_one_school: ImportRun, of_cedar_high: Any, district: District
) -> None:
    pk = of_one_school.pk
    found = client.post(reverse("filter_issues", args=[pk]), {"text": "100235"}, follow=True).context["issues"]
    issues = b"".join(client.post(reverse("export", args=[pk]), {"what": "issues-csv"}))  # type: ignore[arg-type]
    refused = b"".join(client.post(reverse("export", args=[pk]), {"what": "lines-refused"}))  # type: ignore[arg-type]
    changes = page(client, of_one_school, "run_changes")

    assert found == []
    assert b"100235" not in issues + refused
    assert "100235" not in changes


def test_nor_can_they_apply_it(client: Client, of_one_school: ImportRun, of_cedar_high: Any) -> None:
    client.post(reverse("start_update", args=[of_one_school.pk]))

    assert not ImportRun.objects.filter(work=Work.UPDATE).exists()


# ---- downloads ----


def download(client: Client, run: ImportRun, what: str) -> Any:
    answer = client.post(reverse("export", args=[run.pk]), {"what": what})
    assert answer.status_code == 200
    return answer


def test_only_the_refused_lines_come_as_they_were(client: Client, tested: ImportRun) -> None:
    got = download(client, tested, "lines-refused").getvalue()

    assert got == content(WRONG_NAME, UNKNOWN).encode()


def test_refused_lines_keep_their_bytes_line_ends_and_header(
    client: Client, district: District, registrar: Any
) -> None:
    header = b"lea,school,local_number,last_name,first_name,birth_date,gender,grade\r\n"
    good = '1234567,0123456,300,"Quill, Jr",Ann,2010-01-02,F,09\r\n'.encode("cp1252")
    bad = "1234567,0123456,301,Müller,Zoë,2010-13-40,F,09".encode("cp1252")
    run = run_file("students", header + good + bad, name="roster.csv").run

    assert download(client, run, "lines-refused").getvalue() == header + bad + b"\n"


def test_csv_and_workbook_hold_every_issue_with_its_data_line(client: Client, tested: ImportRun) -> None:
    rows = list(csv.reader(io.StringIO(download(client, tested, "issues-csv").getvalue().decode("utf-8-sig"))))
    book = openpyxl.load_workbook(io.BytesIO(download(client, tested, "issues-xlsx").getvalue()))
    sheet = [[cell if cell is not None else "" for cell in row] for row in book.worksheets[0].values]

    assert [row[0] for row in rows[1:]] == [str(row[0]) for row in sheet[1:]]
    assert WRONG_NAME in rows[-2] or WRONG_NAME in rows[1]
    assert len(rows) - 1 == tested.error_count + tested.warning_count + tested.notice_count


def test_no_cell_of_a_download_starts_a_formula(client: Client, district: District, registrar: Any) -> None:
    district.student()
    run = run_file(TYPE, content(line(last_name="=HYPERLINK(1)", local_number="+1"))).run

    rows = list(csv.reader(io.StringIO(download(client, run, "issues-csv").getvalue().decode("utf-8-sig"))))
    book = openpyxl.load_workbook(io.BytesIO(download(client, run, "issues-xlsx").getvalue()))

    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert not [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.data_type == "f"]


def test_changes_and_absent_students_can_be_downloaded(client: Client, tested: ImportRun) -> None:
    assert b"SSID" in download(client, tested, "changes-csv").getvalue()
    assert b"Local number" in download(client, tested, "absent-csv").getvalue()
    assert download(client, tested, "absent-xlsx").getvalue()[:2] == b"PK"


def test_every_download_is_logged(client: Client, tested: ImportRun, registrar: Any) -> None:
    download(client, tested, "lines-refused")
    page(client, tested, "run_print")

    logged = AuditEntry.looks.filter(user=registrar, kind="export").values_list("subject", flat=True)
    assert set(logged) == {f"run {tested.pk}: refused", f"run {tested.pk}: print"}


def test_an_odd_file_name_is_sent_safely(client: Client, tested: ImportRun) -> None:
    header = download(client, tested, "lines-refused")["Content-Disposition"]

    assert "\n" not in header
    assert header.startswith("attachment; filename*=utf-8''M%C3%A4rz%20%3Cb%3E%20%221%22-run-")


def test_a_viewer_downloads_nothing(client: Client, tested: ImportRun) -> None:
    client.force_login(UserFactory(viewer=True, all_schools=True))

    assert client.post(reverse("export", args=[tested.pk]), {"what": "lines-refused"}).status_code == 403
