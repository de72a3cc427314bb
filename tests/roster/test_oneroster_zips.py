"""OneRoster zips as programs and people make them: folders, columns in any order, encodings, what cannot be used."""

import io
from pathlib import Path

import pytest

from sisimport.files.archives import unpack
from sisimport.files.issues import FileError
from tests.imports.commandline import CommandLine
from tests.imports.journey import District
from tests.roster.oneroster_files import (
    ANA,
    BEN,
    BORN,
    BORN_BEN,
    ana,
    bulk,
    cells,
    joined,
    run_zip,
    update,
)

pytestmark = pytest.mark.django_db


def refused(data: bytes) -> FileError:
    with pytest.raises(FileError) as caught:
        joined(data)
    return caught.value


def test_a_folder_and_what_macs_leave_in_the_zip_do_not_matter(district: District) -> None:
    files = {"__MACOSX/._users.csv": b"\0\1\2", "readme.txt": "Exported on Monday."}
    data = bulk(folder="export 2025/", files=files)

    assert update(data).counts == {"imported": 1}


def test_columns_in_any_order_and_case_and_a_mark_at_the_start(district: District) -> None:
    users = (
        "\ufeffGIVENNAME;FamilyName;identifier;sourcedid;Role;orgSourcedIds;grades;metadata.lunch\n"
        "Ana;O'Neil;100235;u1;Student;s1;07;F\n"
    )
    update(bulk(files={"users.csv": users}))

    assert (ana().last_name, ana().grade) == ("O'Neil", "07")


def test_column_names_that_come_again_are_reported_and_no_user(district: District) -> None:
    """Files of two schools, put one after another."""
    head = "givenName,familyName,identifier,sourcedId,role,orgSourcedIds,grades\n"
    users = f"{head}Ana,O'Neil,100235,u1,student,s1,07\n{head}{head}"

    report = update(bulk(files={"users.csv": users}))

    assert report.counts == {"imported": 1}
    assert "in users.csv, the first is line 3" in report.issue("FILE-HEADER-AGAIN")["message"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "mac_roman"])
def test_letters_are_read_by_what_they_would_spell(district: District, encoding: str) -> None:
    users = (
        "sourcedId,role,orgSourcedIds,identifier,familyName,givenName,grades\nu1,student,s1,100235,Peña,María José,07\n"
    )
    run = update(bulk(files={"users.csv": users.encode(encoding)}))

    assert (ana().last_name, ana().first_name) == ("Peña", "María José")
    assert run.issue("FILE-ENCODING")["severity"] in {"notice", "warning"}


def test_a_value_over_two_lines_keeps_the_lines_of_the_file(district: District) -> None:
    data = bulk(users=[ANA | {"username": "ana\nluz"}, BEN], demographics=[BORN, BORN_BEN])

    assert [row["lines"].split(";")[0] for row in cells(data)] == ["users.csv 2", "users.csv 4"]
    assert joined(data)[3].startswith("1234567")


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (bulk(files={"manifest.csv": None}), "ONE-MANIFEST", "no manifest.csv"),
        (bulk(files={"manifest.csv": "propertyName,value\noneroster.version,1.0\n"}), "ONE-MANIFEST", "oneroster.version 1.0"),
        (bulk(files={"manifest.csv": "name,what\na,b\n"}), "ONE-MANIFEST", "name, what"),
        (bulk(modes={"users": "full"}), "ONE-MANIFEST", "file.users full"),
        (bulk(files={"orgs.csv": None}), "ONE-FILE", "no orgs.csv, which manifest.csv says is there"),
        (bulk(modes={"orgs": "absent"}, files={"orgs.csv": None}), "ONE-FILE", "no orgs.csv"),
        (bulk(modes={"users": "absent"}, files={"users.csv": None}), "ONE-FILE", "no users.csv"),
        (bulk(files={"users.csv": "sourcedId,givenName\nu1,Ana\n"}), "ONE-COLUMN", "users.csv has no column familyName"),
        (bulk(files={"users.csv": 'sourcedId,givenName,familyName\nu1,"Ana,O\n' + "u2,Ben,Peña\n" * 200}), "ONE-FILE",
         "quotation mark that is not closed"),
        (bulk(files={"sub/users.csv": "sourcedId\n", "sub/orgs.csv": "sourcedId\n"}), "ONE-FILE", "2 rosters"),
    ],
)  # fmt: skip
def test_a_zip_that_cannot_be_used_is_refused_with_the_reason(data: bytes, code: str, words: str) -> None:
    error = refused(data)

    assert error.code == code
    assert words in str(error)
    assert error.fix


def test_more_than_the_limit_is_refused_while_it_is_unpacked() -> None:
    with pytest.raises(FileError) as caught:
        unpack(io.BytesIO(bulk(users=[ANA] * 500)), max_bytes=20_000)

    assert caught.value.code == "FILE-SIZE"


def test_a_table_the_manifest_calls_absent_is_reported_and_not_read(district: District) -> None:
    run = run_zip(bulk(modes={"enrollments": "absent"}))

    assert run.issue("ONE-LEFT-OUT")["found"] == "enrollments.csv"
    assert "enrollments" not in cells(bulk(modes={"enrollments": "absent"}))[0]["lines"]


def test_a_line_with_too_few_cells_is_refused_at_its_place(district: District) -> None:
    users = (
        "sourcedId,role,orgSourcedIds,identifier,familyName,givenName\nu2,student\nu1,student,s1,100235,O'Neil,Ana\n"
    )
    run = update(bulk(files={"users.csv": users}))

    assert "users.csv line 2: it has 2 columns; expected 6" in run.issue("ONE-LOST")["message"]
    assert run.counts == {"imported": 1, "refused": 1}


def test_auto_knows_a_oneroster_zip(tmp_path: Path, district: District, command: CommandLine) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(bulk())
    said = command("import_file", "auto", path, "--work", "test", "--json")

    assert (said.json["type"], said.json["layout"], said.json["planned_count"]) == ("oneroster", "oneroster", 1)
