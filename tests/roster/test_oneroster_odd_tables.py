"""OneRoster tables as spreadsheets save them: each line in one cell, column names with another separator than the records."""

import pytest

from tests.imports.journey import District
from tests.roster.oneroster_files import (
    ANA,
    BEN,
    BORN,
    BORN_BEN,
    COLUMNS,
    ORGS,
    USERS,
    ana,
    bulk,
    manifest,
    run_zip,
    table,
    update,
)
from tests.roster.test_oneroster_zips import refused

pytestmark = pytest.mark.django_db
TABLES = {
    "users.csv": table(USERS["1.1"], [ANA, BEN]),
    "orgs.csv": table(COLUMNS["orgs"], ORGS),
    "demographics.csv": table(COLUMNS["demographics"], [BORN, BORN_BEN]),
    "manifest.csv": manifest("1.1", {"users": "bulk", "orgs": "bulk", "demographics": "bulk"}),
}


def wrapped(text: str) -> str:
    return "".join('"' + line.replace('"', '""') + '"\r\n' for line in text.splitlines())


def named_by(sign: str, text: str) -> str:
    head, rest = text.split("\r\n", 1)
    return f"{head.replace(',', sign)}\r\n{rest}"


@pytest.mark.parametrize("name", TABLES)
def test_lines_that_were_pasted_into_one_column_are_read(district: District, name: str) -> None:
    report = update(bulk(files={**TABLES, name: wrapped(TABLES[name])}))

    assert ana().birth_date.isoformat() == "2012-06-30"
    assert report.counts["imported"] == 2
    assert ([i["found"] for i in report.issues if i["code"] == "FILE-WRAPPED"] == [f"({name})"]) is (
        name != "manifest.csv"
    )


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_column_names_with_another_separator_are_read(district: District, name: str, sign: str) -> None:
    report = update(bulk(files={**TABLES, name: named_by(sign, TABLES[name])}))

    assert ana().birth_date.isoformat() == "2012-06-30"
    assert report.counts["imported"] == 2
    assert ("FILE-SEPARATORS" in [i["code"] for i in report.issues]) is (name != "manifest.csv")


def test_all_tables_at_once_and_in_another_encoding(district: District) -> None:
    files = {name: wrapped(text).encode("utf-16") for name, text in TABLES.items()}

    assert update(bulk(files=files)).counts["imported"] == 2


def test_usual_tables_say_nothing(district: District) -> None:
    codes = {issue["code"] for issue in run_zip(bulk(files=TABLES)).issues}

    assert codes.isdisjoint(("FILE-WRAPPED", "FILE-SEPARATORS"))


def test_lines_of_which_only_some_are_one_cell_are_refused_with_the_cause() -> None:
    text = wrapped(TABLES["users.csv"]) + TABLES["users.csv"].splitlines()[2] + "\r\n"
    error = refused(bulk(files={**TABLES, "users.csv": text}))

    assert error.code == "ONE-FILE"
    assert "users.csv, whose lines are each in quotation marks, but not line 4" in str(error)
