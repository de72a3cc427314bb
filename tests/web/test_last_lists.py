"""Column mappings, added school years and unsent mail sort, page, filter, keep filters and export as every other list."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assessments.models import AddedLayout
from assessments.new_year.services import remove
from sisimport.accounts.kept_mail import folder, keep
from sisimport.accounts.models import SavedFilter
from sisimport.audit.models import AuditEntry
from sisimport.roster.mapping.content import Content
from sisimport.roster.mapping.services import save
from tests.assessments.test_add_layout import add, header_file, names
from tests.factories import LEAFactory, UserFactory

pytestmark = pytest.mark.django_db
THREE = ("Cedar", "Alder", "Birch")
DAY_NS = 86_400 * 10**9
IN = {"lea": "1234567"}


def mapping(name: str, number: int) -> None:
    columns = {"local_number": "ID", "last_name": "Last", "first_name": "First", "birth_date": "DOB", "school": name}
    lea = "1234567" if name == "Birch" else ""
    save(Content(name=name, lea=lea, header=(*columns.values(), str(number)), columns=columns, constants=IN), user=None)


def mail(name: str, number: int) -> None:
    """Birch was written two days before the others."""
    keep(EmailMessage(f"For {name}", "Words", "sis@example.org", [f"{name.lower()}@example.org"]).message().as_bytes())
    newest = max(int(path.stem) for path in folder().glob("*.eml"))
    if name == "Birch":
        from sisimport.accounts.kept_mail import mail_name, master_keys, opened_bytes, sealed_bytes

        old, before = folder() / f"{newest}.eml", newest - 2 * DAY_NS
        text = opened_bytes(old.read_bytes(), mail_name(old.name), master_keys())
        with os.fdopen(os.open(folder() / f"{before}.eml", os.O_WRONLY | os.O_CREAT), "wb") as file:
            file.write(sealed_bytes(text, mail_name(f"{before}.eml"), master_keys()[0]))
        old.unlink()


def layout(folder: Path) -> Callable[[str, int], None]:
    """Years from 2025-26 on, the newest first: Birch is 2027-28."""

    def make(name: str, number: int) -> None:
        year = 2025 + ("Alder", "Cedar", "Birch").index(name) if name in THREE else 2030 + number
        made = add(header_file(folder, names()), year=f"{year}-{(year + 1) % 100:02}")
        AddedLayout.objects.filter(pk=made.pk).update(file_name=f"{name}.csv")

    return make


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True)
    client.force_login(user)
    return user


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[Any]:
    """(address, what makes one, what one is called, the filter that Birch fits, the column that is sorted by its name)."""
    settings.DATA_DIR = tmp_path / "data"
    LEAFactory(code="1234567", name="Lincoln Unified")
    if request.param == "column_mappings":
        yield "column_mappings", mapping, lambda one: one.mapping.name, "district=1234567", "name"
    elif request.param == "kept_mails":
        yield "kept_mails", mail, lambda one: one.subject.removeprefix("For "), "day=", "about"
    else:
        yield (
            "added_layouts",
            layout(tmp_path),
            lambda one: one.row.file_name.removesuffix(".csv"),
            "year=2028",
            "layout",
        )
        for one in AddedLayout.objects.all():
            remove(one)


LISTS = pytest.mark.parametrize("make", ["column_mappings", "kept_mails", "added_layouts"], indirect=True)


@LISTS
def test_every_list_sorts_filters_keeps_its_filter_and_exports(client: Client, admin: Any, make: Any) -> None:
    name, one, called, filtered, column = make
    for number, each in enumerate(THREE):
        one(each, number)
    address = reverse(name)

    def shown(query: str = "") -> list[str]:
        answer = client.get(f"{address}?{query}" if query else address)
        assert answer.status_code == 200
        return [called(row) for row in answer.context["page"].object_list]

    in_order = ["Alder", "Cedar", "Birch"] if name == "added_layouts" else sorted(THREE)
    assert shown(f"sort={column}") == in_order
    assert shown(f"sort=-{column}") == in_order[::-1]
    for head in client.get(address).context["listing"].heads():
        assert not head.url or len(shown(head.url.removeprefix("?"))) == 3, head.column.name
    assert shown("sort=nothing&page=x&district=%27&year=%00&day=-") in ([], shown())

    if filtered == "day=":
        filtered += client.get(address).context["days"][-1][0]
    word, value = filtered.split("=")
    assert client.post(address, {word: value, "text": ""})["Location"] == f"{address}?{filtered}"
    assert shown(filtered) == ["Birch"]
    client.post(f"{address}?{filtered}", {"save_filter": "1", "name": "Mine"})
    assert SavedFilter.objects.get().query == filtered
    assert f'href="{address}?{filtered}">Mine</a>' in client.get(address).text

    typed = client.post(address, {"text": "alder"})
    assert "alder" not in typed["Location"]  # what is typed stays out of addresses
    assert shown() == ["Alder"]
    client.post(address, {"text": "elsewhere"})
    assert shown() == []
    assert "matches this filter" in client.get(address).text
    client.post(address, {"clear": "1"})

    export = client.post(f"{address}?sort=-{column}", {"export": "csv"})
    rows = b"".join(export).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert "attachment" in export["Content-Disposition"]
    assert len(rows) == 4
    if name != "added_layouts":
        assert [each in row for each, row in zip(in_order[::-1], rows[1:], strict=True)] == [True] * 3
    assert AuditEntry.looks.filter(kind=AuditEntry.Kind.EXPORT).count() == 1


@LISTS
def test_a_longer_list_asks_no_more_of_the_database(client: Client, admin: Any, make: Any) -> None:
    """Even where it is cut into pages."""
    name, one, _called, _filtered, _column = make
    counts = []
    for count in (2, 26 if name != "added_layouts" else 5):
        for number in range(count):
            one(f"Of {count}, {number}", 10 * count + number)
        client.get(reverse(name))
        with CaptureQueriesContext(connection) as asked:
            page = client.get(reverse(name)).context["page"]
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert len(page) == min(25, page.paginator.count)


@pytest.mark.parametrize("make", ["column_mappings", "added_layouts"], indirect=True)
def test_the_form_of_the_page_still_adds_one(client: Client, admin: Any, make: Any) -> None:
    """The form beside the list is not taken for a filter: with a mistake it is shown again."""
    refused = client.post(reverse(make[0]), {"name": ""})
    assert refused.status_code == 422
    assert refused.context["form"].errors


@pytest.mark.parametrize("make", ["column_mappings"], indirect=True)
def test_a_mapping_names_its_district_not_its_code(client: Client, admin: Any, make: Any) -> None:
    mapping("Birch", 1)
    mapping("Cedar", 2)
    text = client.get(reverse("column_mappings")).text
    assert 'data-label="District">Lincoln Unified</td>' in text
    assert 'data-label="District">every district</td>' in text
