"""Bad input, given to the whole product: on the command line and on the upload screen the registrar is told clearly what
is wrong and where, and nothing is written. One broken line never stops the others."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import ImportRun, RunStatus, Work
from tests.factories import UserFactory
from tests.files.samples import DOWNLOAD_HEADER, line, lines
from tests.imports.commandline import CommandLine
from tests.imports.evaluating import report_of
from tests.imports.journey import District, finish, snapshot

pytestmark = pytest.mark.django_db

ANA = {"local_number": "100235", "last_name": "O'Neil", "first_name": "Ana", "middle_name": "", "gender": "F"}
ANA_LINE = line(**ANA, ssid="9012345679", birth_date="20120630", grade="07", elas="EO", elas_date="", language="eng")
GOOD = lines({}) + f"{ANA_LINE}\n"
FAR_DOWN = GOOD.encode() * 12_000  # more than the first look takes in


def workbook() -> bytes:
    book, written = openpyxl.Workbook(), io.BytesIO()
    for text in GOOD.splitlines():
        book.active.append(text.split("^"))  # type: ignore[union-attr]
    book.save(written)
    return written.getvalue()


def without_middle_name(text: str) -> str:
    return "".join(
        f"{'^'.join(cell for at, cell in enumerate(row.split('^')) if at != 6)}\n" for row in text.splitlines()
    )


# What is wrong -> (the file, the code of the refusal, what the sentence must say)
REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "FILE-EMPTY", "contains nothing at all"),
    "blank lines": (lambda: b"\n" * 1_000_000, "FILE-EMPTY", "only blank lines"),
    "wrong delimiter": (lambda: GOOD.replace("^", "~").encode(), "FILE-DELIMITER", "expected a caret (^)"),
    "14 columns": (lambda: without_middle_name(GOOD).encode(), "FILE-COLUMNS", "the middle name column is missing"),
    "16 columns": (lambda: GOOD.replace("\n", "^x\n").encode(), "FILE-COLUMNS", "has 16 columns; expected 15"),
    "UTF-32": (lambda: GOOD.encode("utf-32"), "FILE-ENCODING", "text in UTF-32"),
    "EBCDIC": (lambda: GOOD.encode("cp037"), "FILE-ENCODING", "text in EBCDIC"),
    "UTF-7": (lambda: GOOD.replace("Ana", "Zoé").encode("utf-7"), "FILE-ENCODING", "text in UTF-7"),
    "UTF-16 cut in half": (lambda: GOOD.encode("utf-16-le")[:-1] + b"\xd8\0\0x", "FILE-ENCODING", "UTF-16"),
    "broken UTF-8": (
        lambda: GOOD.encode().replace("José".encode(), b"Jos\xc3("),
        "FILE-ENCODING",
        "line 1 (byte 53 of the line is 0xC3)",
    ),
    "broken UTF-8 far down": (lambda: FAR_DOWN + b"12\xff\n", "FILE-ENCODING", "line 24001 (byte 3 of the line"),
    "NUL": (lambda: GOOD.encode().replace(b"Ana", b"A\0a"), "FILE-NUL", "Line 2 contains a zero byte (byte 43"),
    "NUL far down": (lambda: FAR_DOWN + b"12\0\n", "FILE-NUL", "Line 24001 contains a zero byte (byte 3"),
    "single line": (lambda: b"x" * 20_000_000, "FILE-LINE-LENGTH", "Line 1 is longer than 1,048,576 bytes"),
    "endless line far down": (lambda: FAR_DOWN + b"x" * 20_000_000, "FILE-LINE-LENGTH", "Line 24001 is longer"),
    "Excel": (workbook, "FILE-TYPE", "an Excel workbook"),
    "old Excel": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "FILE-TYPE", "an old Excel workbook"),
    "PDF": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "FILE-TYPE", "a PDF document"),
    "web page": (lambda: b"<!DOCTYPE html><html><body>Sign in", "FILE-TYPE", "a web page"),
    "binary": (lambda: bytes(range(1, 256)) * 40, "FILE-TYPE", "not a text file"),
    "another type": (
        lambda: b"1234567^0123456^100235^9012345600^9012345679\n" * 3,
        "FILE-OTHER-TYPE",
        "looks like CALPADS Replacement SSID File",
    ),
    "another district": (lambda: GOOD.replace("1234567^", "7654321^").encode(), "FILE-LEA", "from district 7654321"),
}
REFUSALS = pytest.mark.parametrize(("content", "code", "said"), REFUSED.values(), ids=REFUSED.keys())
SOME_REFUSALS = pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        pytest.param(*wrong, id=name, marks=[pytest.mark.faults] if number % 3 else [])
        for number, (name, wrong) in enumerate(REFUSED.items())
    ],
)


@pytest.fixture
def people(district: District) -> District:
    district.student()
    district.another()
    return district


@pytest.fixture
def registrar(client: Client) -> Any:
    user = UserFactory(registrar=True, all_schools=True)
    client.force_login(user)
    return user


@REFUSALS
def test_on_the_command_line_a_bad_file_is_refused_with_a_sentence_and_nothing_written(
    people: District, command: CommandLine, tmp_path: Path, content: Callable[[], bytes], code: str, said: str
) -> None:
    path = tmp_path / "download.txt"
    path.write_bytes(content())
    before = snapshot()

    answer = command("import_file", "ssid-download", path, "--work", "test", "--json")

    assert (answer.code, answer.json["status"]) == (2, "rejected")
    assert [issue["code"] for issue in answer.json["issues"] if issue["severity"] == "error"] == [code]
    assert said in answer.json["message"]
    assert len(answer.out) < 30_000  # a line without end is not echoed
    assert answer.json["record_count"] == 0
    assert snapshot() == before


@SOME_REFUSALS  # the same refusal by another way
def test_on_the_upload_screen_a_bad_file_is_refused_with_a_sentence_and_nothing_written(
    people: District, client: Client, registrar: Any, content: Callable[[], bytes], code: str, said: str
) -> None:
    before = snapshot()
    form = {"import_type": "ssid-download", "work": "test", "file": SimpleUploadedFile("download.txt", content())}

    answer = client.post(reverse("upload", args=["calpads-ssid"]), form)

    if answer.status_code == 302:  # what is wrong stands far down, or is found by comparing: the run says it
        run = finish(ImportRun.objects.get()).run
        assert run.status == RunStatus.REJECTED
        answer = client.get(reverse("run", args=[run.pk]))
        assert answer.status_code == 200
    else:
        assert answer.status_code == 422
        assert not ImportRun.objects.exists()
    assert said in answer.content.decode()
    assert snapshot() == before


def test_a_file_over_the_limit_is_refused_and_no_more_of_it_kept_than_the_limit(
    people: District, client: Client, registrar: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IMPORT_MAX_BYTES = 100_000
    sizes: list[int] = []
    from sisimport.web.forms import UploadForm

    def measured(form: UploadForm) -> Any:
        file = form.cleaned_data["file"]
        sizes.append(len(file.read()))
        return clean(form)

    clean = UploadForm.clean_file
    monkeypatch.setattr(UploadForm, "clean_file", measured)

    def sent(content: bytes) -> Any:
        form = {"import_type": "ssid-download", "work": "test", "file": SimpleUploadedFile("download.txt", content)}
        return client.post(reverse("upload", args=["calpads-ssid"]), form)

    answer = sent(FAR_DOWN[:120_000])  # a request of this size may be this form with a file that is allowed

    assert answer.status_code == 422
    assert "larger than 97.7" in answer.content.decode()
    assert sizes == [100_001]

    assert sent(FAR_DOWN).status_code == 413  # this one cannot: it is not read at all
    assert sizes == [100_001]
    assert not ImportRun.objects.exists()


# ---- one line that is wrong ----

# What is wrong in line 1 -> (the line, code, field, what the sentence must say)
WRONG_LINES: dict[str, tuple[str, str, str, str]] = {
    "middle name missing": (
        without_middle_name(line()).strip(),
        "FILE-COLUMNS",
        "",
        "the middle name column is missing",
    ),
    "scientific notation": (line(ssid="9.01235E+09"), "SSID-FORMAT", "ssid", "spreadsheet"),
    "short SSID": (line(ssid="12345"), "SSID-FORMAT", "ssid", "too short"),
    "long SSID": (line(ssid="12345678901"), "SSID-FORMAT", "ssid", "too long"),
    "letters in the SSID": (line(ssid="901234567A"), "SSID-FORMAT", "ssid", "not digits"),
    "impossible date": (
        line(birth_date="20090230"),
        "FILE-DATE",
        "birth_date",
        "Birth date is 20090230; expected a day",
    ),
    "zeros as date": (line(birth_date="00000000"), "FILE-DATE", "birth_date", "00000000"),
    "long name": (line(last_name="x" * 51), "FILE-LENGTH", "last_name", "51 characters; expected at most 50"),
    "unknown gender": (line(gender="Q"), "FILE-CODE", "gender", "Gender is Q"),
    "blank birth date": (line(birth_date=""), "FILE-REQUIRED", "birth_date", "Birth date is blank"),
}


@pytest.mark.parametrize(("wrong", "code", "field", "said"), WRONG_LINES.values(), ids=WRONG_LINES.keys())
def test_a_wrong_line_is_named_with_its_field_and_the_others_continue(
    people: District, wrong: str, code: str, field: str, said: str
) -> None:
    report = report_of("ssid-download", f"{wrong}\n{ANA_LINE}\n")

    issue = next(issue for issue in report.issues if issue["code"] == code)
    assert (issue["line"], issue["severity"], issue["field"], issue["data"]) == (1, "error", field, wrong)
    assert said in issue["message"]
    assert {change["line"] for change in report.changes if change["what"] == "ssid"} == {2}


def test_lines_that_contradict_each_other_are_all_refused(people: District) -> None:
    report = report_of("ssid-download", lines({}, {"ssid": "9012345600"}) + f"{ANA_LINE}\n")

    assert [i["line"] for i in report.issues if i["code"] == "DUP-DIFFERS"] == [1, 2]
    assert {change["line"] for change in report.changes} == {3}


# ---- read with a notice ----


def dated(text: str, written: str) -> str:
    return text.replace("20090214", written)


# What is unusual -> (the file, code of the notice)
READ: dict[str, tuple[bytes, str]] = {
    "byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), "FILE-BOM"),
    "header line": (f"{DOWNLOAD_HEADER}\n{GOOD}".encode(), "FILE-HEADER"),
    "UTF-16": (GOOD.encode("utf-16"), "FILE-ENCODING"),
    "UTF-16 without mark": (GOOD.encode("utf-16-le"), "FILE-ENCODING"),
    "UTF-16, big end first": (GOOD.encode("utf-16-be"), "FILE-ENCODING"),
    "Mac Roman": (GOOD.replace("\n", "\r").encode("mac_roman"), "FILE-ENCODING"),
    "Windows-1252": (GOOD.encode("cp1252"), "FILE-ENCODING"),
    "CR LF": (GOOD.replace("\n", "\r\n").encode(), "FILE-NEWLINE"),
    "CR": (GOOD.replace("\n", "\r").encode(), "FILE-NEWLINE"),
    "commas": (GOOD.replace("^", ",").encode(), "FILE-DELIMITER"),
    "tabs": (GOOD.replace("^", "\t").encode(), "FILE-DELIMITER"),
    "bars": (GOOD.replace("^", "|").encode(), "FILE-DELIMITER"),
    "month/day/year": (dated(GOOD, "2/14/2009").encode(), "FILE-DATE-FORM"),
    "day/month/year": (dated(GOOD, "14/2/2009").encode(), "FILE-DATE-FORM"),
    "year-month-day": (dated(GOOD, "2009-02-14").encode(), "FILE-DATE-FORM"),
    "separator at line ends": (GOOD.replace("\n", "^\n").encode(), "FILE-TRAILING"),
    "blank columns": (GOOD.replace("\n", "^^ ^\n").encode(), "FILE-TRAILING"),
    "separator named": (f"sep=^\n{GOOD}".encode(), "FILE-HEADING"),
    "title": (f"Students of Lincoln, Fresno, CA\nprinted 11/20/2026\n{GOOD}".encode(), "FILE-HEADING"),
    "blank lines": (b"\n" * 1_000_000 + GOOD.encode(), "FILE-BLANK-LINES"),
}


@pytest.mark.parametrize(("content", "code"), READ.values(), ids=READ.keys())
def test_an_unusual_file_is_read_all_the_same_with_a_notice(people: District, content: bytes, code: str) -> None:
    report = report_of("ssid-download", content, Work.UPDATE)

    assert code in [issue["code"] for issue in report.issues if issue["severity"] == "notice"]
    assert (report.run.record_count, report.run.import_count) == (2, 2)
    assert report.run.refused_count == 0


def test_of_the_usual_file_as_many_lines_are_imported(people: District) -> None:
    run = report_of("ssid-download", GOOD).run

    assert (run.record_count, run.planned_count, run.refused_count) == (2, 2, 0)


def test_quoted_cells_are_read_as_the_same_record(people: District) -> None:
    quoted = "".join('"' + text.replace("^", '"^"') + '"\n' for text in GOOD.splitlines())

    report = report_of("ssid-download", quoted)

    assert (report.run.planned_count, report.run.refused_count) == (2, 0)
