"""The pages on which an import admin adds a year."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook

from assessments.models import AddedLayout, Score
from assessments.new_year import looking, services
from assessments.new_year.proposing import Answers
from sisimport.files.layouts import parse_layout
from tests.assessments.score_files import ALL, SSID_1, start
from tests.assessments.test_add_layout import LAST, NEXT, TYPE, header_file, names, records
from tests.factories import UserFactory
from tests.ssid.journey import district

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("newest_is_2024_25")]


@pytest.fixture
def admin(client: Client) -> Client:
    district().add("100", ssid=SSID_1, first_name="Sam")
    client.force_login(UserFactory(import_admin=True, all_schools=True))
    return client


def send(browser: Client, text: str, *, year: str = "2025-26", **more: str) -> Any:
    file = SimpleUploadedFile("new.csv", text.encode())
    return browser.post(reverse("added_layouts"), {"file": file, "school_year": year, "like": "", **more})


def typed(page: Any, **more: str) -> dict[str, str]:
    """What the form holds as it is shown, with some answers of one's own."""
    form = page.context["form"]
    shown = {name: form[name].initial for name in form.fields}
    return {name: "on" if value is True else str(value or "") for name, value in shown.items()} | more


def test_only_import_admins_add_years(client: Client) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))

    assert client.get(reverse("added_layouts")).status_code == 403
    assert "Add a school year" not in client.get(reverse("home")).content.decode()


def test_the_menu_of_an_import_admin_leads_there(admin: Client) -> None:
    assert reverse("added_layouts") in admin.get(reverse("home")).content.decode()


def test_columns_are_compared_answered_and_added(admin: Client) -> None:
    sent = send(admin, "^".join(names(scale_score="Overall Scale Score", raw_score_1="")))
    page = admin.get(sent.url)
    text = page.content.decode()

    assert "is it “Overall Scale Score” now" in text
    assert 'value="Advanced"' in text  # what is known of the year is filled in
    answers = typed(page, **{"level-CAAELA-3": "Understands"})
    assert answers["column-scale_score"] == "Overall Scale Score"
    del answers["ranges-CAST"]
    added = admin.post(sent.url, answers, follow=True)

    row = AddedLayout.objects.get()
    layout = parse_layout(row.key, row.text)
    assert layout.fields["scale_score"].name == "Overall Scale Score"
    assert "raw_score_1" not in layout.fields
    assert layout.answers["levels"] == {
        "CAAELA": {"3": "Understands", "2": "Level 2 - Alternate", "1": "Level 1 - Alternate", "9": "No score"}
    }
    assert list(layout.answers["without_ranges"]) == ["CAST"]
    assert row.draft == {}
    shown = added.content.decode()
    assert "CAASPP 2025-2026 was added" in shown
    assert f"{reverse('upload', args=['caaspp'])}?type={TYPE}" in shown
    assert "CAASPP 2025-2026" in admin.get(reverse("upload", args=["caaspp"])).content.decode()


def workbook(*lines: str) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for line in lines:
        book.active.append(line.split("^"))
    book.save(out)
    return out.getvalue()


SCORED = {
    "ssid": SSID_1,
    "record_type": "01",
    "last_name": "Lee",
    "first_name": "Sam",
    "birth_date": "2011-03-04",
    "grade_assessed": "05",
    "final_test_completed_date": "2026-04-12",
    "scale_score": "2502",
    "achievement_level": "3",
}


def new_year_file() -> list[str]:
    header = names(scale_score="Overall Scale Score")
    (record,) = records(header, SCORED)
    cells = record.split("^")
    cells[header.index("Overall Scale Score")] = SCORED["scale_score"]
    return ["^".join(header), "^".join(cells)]


FORMS = {
    "workbook": workbook,
    "workbook of the header line": lambda header, _record: workbook(header),
    "Unicode Text": lambda *lines: "\r\n".join(lines).encode("utf-16"),
    "title above": lambda *lines: "\r\n".join(["Student results, printed 1 July 2026", *lines]).encode(),
    "sep= above": lambda *lines: "\r\n".join(["sep=^", *lines]).encode(),
    "header line": lambda header, _record: header.encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_year_is_added_from_every_form_of_its_file_and_its_file_is_imported(admin: Client, form: str) -> None:
    lines = new_year_file()
    file = SimpleUploadedFile("new.xlsx" if "workbook" in form else "new.csv", FORMS[form](*lines))
    sent = admin.post(reverse("added_layouts"), {"file": file, "school_year": "2025-26", "like": ""})
    page = admin.get(sent.url)
    assert page.context["form"]["column-scale_score"].initial == "Overall Scale Score"
    admin.post(sent.url, typed(page))
    row = AddedLayout.objects.get(key=NEXT)

    start(TYPE, "\r\n".join(lines).encode(), work="import")

    parent = Score.objects.get(assessment__state_code="SBELA")
    assert (parent.scale_score, parent.school_year, parent.assessment.name) == (
        "2502",
        2026,
        "Smarter Balanced for ELA 2025-",
    )
    said = admin.post(reverse("added_layout_remove", args=[row.pk]), follow=True).content.decode()
    assert "1 run uses caaspp-2025-26, so it stays" in said
    assert AddedLayout.objects.filter(pk=row.pk).exists()


def test_a_large_workbook_is_not_waited_for(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "WORKBOOK_BYTES", 2000)
    file = SimpleUploadedFile("new.xlsx", workbook(*new_year_file()))

    page = admin.post(reverse("added_layouts"), {"file": file, "school_year": "2025-26", "like": ""})

    assert page.status_code == 422
    assert "at most 2,000 bytes here: the line of column names is enough" in page.content.decode()


def test_what_no_line_can_be_read_without_has_to_be_chosen(admin: Client) -> None:
    sent = send(admin, "^".join(names(ssid="Zwq")))
    page = admin.get(sent.url)

    missing = admin.post(sent.url, typed(page))
    assert missing.status_code == 422
    assert not AddedLayout.objects.exclude(text="").exists()

    admin.post(sent.url, typed(page, **{"column-ssid": "Zwq"}))
    assert parse_layout(NEXT, AddedLayout.objects.get().text).fields["ssid"].name == "Zwq"


def test_one_column_is_not_taken_for_two_fields(admin: Client) -> None:
    sent = send(admin, "^".join(names(ssid="Zwq", scale_score="Vxk")))
    page = admin.get(sent.url)

    answered = admin.post(sent.url, typed(page, **{"column-ssid": "Zwq", "column-scale_score": "Zwq"}))

    assert answered.status_code == 422
    assert "“Zwq” cannot be SSID and Scale score" in answered.content.decode()


@pytest.mark.parametrize(
    ("text", "year", "said"),
    [
        ("", "2025-26", "The file is empty"),
        ("a,b,c,d", "2025-26", "shares almost no columns"),
        ("^".join(column.name for column in ALL[LAST].columns), "2024-25", "There is already a layout for"),
        ("^".join(column.name for column in ALL[LAST].columns), "someday", "is not a school year"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(admin: Client, text: str, year: str, said: str) -> None:
    answer = send(admin, text, year=year)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not AddedLayout.objects.exists()


def test_a_draft_holds_no_value_of_a_record(admin: Client) -> None:
    row = {"record_type": "01", "last_name": "Zqqz", "first_name": "Uniquely", "scale_score": "2502"}
    send(admin, "\n".join(["^".join(names()), *records(names(), row)]))

    stored = str(AddedLayout.objects.values().get())
    assert "Zqqz" not in stored
    assert "2502" not in stored


def test_a_draft_can_be_left_and_goes_after_a_day(admin: Client) -> None:
    import datetime as dt

    send(admin, "^".join(names()))
    first = AddedLayout.objects.get()
    AddedLayout.objects.update(made_at=first.made_at - dt.timedelta(days=2))
    send(admin, "^".join(names()))
    second = AddedLayout.objects.get()
    assert second.pk != first.pk

    left = admin.post(reverse("added_layout_remove", args=[second.pk]), follow=True)

    assert "Nothing was added." in left.content.decode()
    assert not AddedLayout.objects.exists()


def test_two_admins_who_add_the_same_year_get_it_once(admin: Client, tmp_path: Any) -> None:
    sent = send(admin, "^".join(names()))
    page = admin.get(sent.url)
    with header_file(tmp_path, names()).open("rb") as stream:
        look = services.take_look(stream)
    like = services.known_layouts()[LAST]
    services.add(services.proposal(look=look, like=like, year=2026, name="x", answers=Answers()), name="x", user=None)

    answer = admin.post(sent.url, typed(page), follow=True)

    assert "There is already a layout for CAASPP 2025-26" in answer.content.decode()
    assert AddedLayout.objects.exclude(text="").count() == 1
