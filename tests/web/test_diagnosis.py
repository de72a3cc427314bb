"""The report opens on what matters: what the lines of a cause have in common, and what to do about all of them at once."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.accounts.readers import Reader
from sisimport.files.issues import Severity
from sisimport.imports.models import ImportIssue, ImportRun, Work
from sisimport.web.queries.diagnosis import diagnosed
from sisimport.web.queries.report import IssueReport
from tests.factories import UserFactory
from tests.files.samples import line, lines
from tests.imports.journey import District, give_ssid, merge_ssids, run_file

pytestmark = pytest.mark.django_db
TYPE = "ssid-download"
ALL = Reader(schools=None, whole=True, own=True)


def told(run: ImportRun, code: str, reader: Reader = ALL) -> list[str]:
    """The diagnoses of a cause, as `19 of 25: day and month are swapped, Cedar High only`."""
    causes = IssueReport(run, reader).causes
    found = [one for one in diagnosed(run, reader, causes) if one.cause.code == code]
    return [
        f"{one.count} of {cause.looked_at}: {one.text}" + (f", {one.where}" if one.where else "")
        for cause in found
        for one in cause.diagnoses
    ]


def many(district: District, count: int, first: int = 200100, **values: Any) -> None:
    """Students with local numbers from `first` on, born on days that can be read either way."""
    for n in range(count):
        district.another(local_number=str(first + n), birth_date=dt.date(2012, 6, 1 + n % 12), **values)


def of_student(number: int, n: int, **values: str) -> dict[str, str]:
    return {
        "local_number": str(number),
        "ssid": str(9012340000 + number % 10000),
        "last_name": "O'Neil",
        "first_name": "Ana",
        "middle_name": "",
        "gender": "F",
        "grade": "07",
        "language": "eng",
        "elas": "EO",
        "elas_date": "",
        "birth_date": f"201206{1 + n % 12:02d}",
    } | values


def test_swapped_days_are_distinguished_from_other_dates(district: District) -> None:
    many(district, 5)
    swapped = [of_student(200100 + n, n, birth_date=f"2012{1 + n:02d}06") for n in range(3)]
    others = [of_student(200103, 3, birth_date="20110604"), of_student(200104, 4, birth_date="19990101")]

    run = run_file(TYPE, lines(*swapped, *others)).run

    assert told(run, "DEMO-MISMATCH")[:2] == [
        "3 of 5: day and month are swapped",
        "1 of 5: only the year differs",
    ]


def test_names_that_changed_places_and_halves_of_names(district: District) -> None:
    many(district, 1)
    district.student(last_name="García López")
    run = run_file(
        TYPE,
        lines(
            of_student(200100, 0, last_name="Ana", first_name="O'Neil"),
            {"last_name": "García"},
        ),
    ).run

    assert told(run, "DEMO-MISMATCH") == [
        "2 of 3: first and last name are swapped",
        "1 of 3: the file has only one of two names",
    ]


def test_lost_zeros_name_the_one_school(district: District) -> None:
    for n in range(3):
        district.another(local_number=f"0{20100 + n}", school=district.other_school, last_name=f"Person{n}")
    wrong = [of_student(20100 + n, n, birth_date="20050101", school="0123457") for n in range(3)]
    run = run_file(TYPE, lines(*wrong, {"local_number": "999999"})).run

    assert told(run, "STU-NOTFOUND") == ["3 of 4: the leading zero was lost, Maple High only"]


def test_a_reader_of_one_school_is_told_of_its_lines_only(district: District) -> None:
    many(district, 2)
    many(district, 3, first=200200, school=district.other_school)
    wrong = [of_student(200100 + n, n, birth_date=f"2012{1 + n:02d}06") for n in range(2)]
    wrong += [of_student(200200 + n, n, birth_date=f"2011060{1 + n}", school="0123457") for n in range(3)]
    run = run_file(TYPE, lines(*wrong)).run

    reader = Reader(schools=frozenset({district.school.pk}), whole=False, own=False)

    assert told(run, "DEMO-MISMATCH", reader) == ["2 of 2: day and month are swapped"]
    assert "3 of 5: only the year differs, Maple High only" in told(run, "DEMO-MISMATCH")


def test_what_a_message_says_of_its_kind_is_counted(district: District) -> None:
    """An SSID that lost a digit and one with letters have two causes under one code."""
    many(district, 3)
    run = run_file(
        TYPE,
        lines(
            of_student(200100, 0, ssid="123456789"),
            of_student(200101, 1, ssid="123456788"),
            of_student(200102, 2, ssid="90123X5678"),
        ),
    ).run

    found = told(run, "SSID-FORMAT")

    assert found[0].startswith("2 of 3: It is too short"), found
    assert found[1].startswith("1 of 3: It contains characters"), found


def test_notices_are_not_diagnosed_and_a_value_they_share_is_reported_for_errors(district: District) -> None:
    many(district, 12)
    run = run_file(TYPE, lines(*(of_student(200100 + n, n, elas="XX") for n in range(12)))).run

    # Of one school's file the school says nothing.
    assert told(run, "ELA-CODE") == ["12 of 12: the value XX, lines 1 to 12 in a row"]
    assert all(one.cause.severity > Severity.NOTICE for one in diagnosed(run, ALL, IssueReport(run, ALL).causes))


def test_it_is_one_statement_for_all_causes(district: District, django_assert_num_queries: Any) -> None:
    many(district, 4)
    run = run_file(TYPE, lines(*(of_student(200100 + n, n, birth_date="19990101", ssid="1") for n in range(4)))).run
    causes = IssueReport(run, ALL).causes

    with django_assert_num_queries(1):
        diagnosed(run, ALL, causes)


# ---- the page ----


def test_names_that_changed_places_are_looked_up_and_not_looked_for(district: District) -> None:
    """Twenty thousand wrong names are a wrong file; its report must open as others do."""
    many(district, 1)
    run = run_file(TYPE, lines(of_student(200100, 0, last_name="Ana", first_name="O'Neil"))).run
    with CaptureQueriesContext(connection) as asked:
        told(run, "DEMO-MISMATCH")
    (statement,) = [query["sql"] for query in asked if "changed_places" in query["sql"]]

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        plan = " ".join(row for (row,) in cursor.fetchall())

    assert "(hashed SubPlan" in plan  # the issues are hashed once
    assert "(SubPlan" not in plan  # and read again for none of them


def test_the_report_opens_on_errors_and_then_on_warnings(client: Client, district: District, registrar: Any) -> None:
    give_ssid(district.student(), "9012345678")
    run = run_file(TYPE, lines({}, {"local_number": "999999", "ssid": "9012345670"})).run
    severities = set(ImportIssue.objects.filter(run=run).values_list("severity", flat=True))
    assert {Severity.ERROR, Severity.NOTICE} <= severities

    shown = client.get(reverse("run", args=[run.pk])).context["issues"]
    everything = client.get(reverse("run", args=[run.pk]), {"severity": "all"}).context["issues"]
    of_cause = client.get(reverse("run", args=[run.pk]), {"code": "SSID-PRESENT"}).context["issues"]

    assert {issue.severity for issue in shown} == {Severity.ERROR}
    assert {issue.severity for issue in everything} == severities
    assert {issue.code for issue in of_cause} == {"SSID-PRESENT"}


def test_notices_are_folded_where_there_is_nothing_else(client: Client, district: District, registrar: Any) -> None:
    student = district.student(home_language="")
    give_ssid(student, "9012345678")
    run = run_file(TYPE, lines({"elas": "", "elas_date": "", "language": ""})).run
    assert run.error_count == run.warning_count == 0
    assert run.notice_count

    text = client.get(reverse("run", args=[run.pk])).content.decode()

    assert '<details class="more folded">' in text


def test_red_marks_wrong_values_only(client: Client, district: District, registrar: Any) -> None:
    """A value that is right (`the student has this SSID already`) is not marked like an error."""
    give_ssid(district.student(), "9012345678")
    run = run_file(TYPE, f"{line()}\n{line(local_number='999999', ssid='9012345670')}\n").run

    text = client.get(reverse("run", args=[run.pk]), {"severity": "all"}).content.decode()

    assert "<mark>999999</mark>" in text
    assert '<mark class="info">90•• ••• 678</mark>' in text
    assert "<mark>90" not in text


def test_the_match_desk_is_offered_for_causes_that_ask_whose_record_it_is(
    client: Client, district: District, registrar: Any
) -> None:
    run = run_file(TYPE, lines({})).run

    text = client.get(reverse("run", args=[run.pk])).content.decode()

    assert "Decide on the match desk" in text
    assert f'href="{reverse("run_matches", args=[run.pk])}"' in text


def test_lines_with_one_remedy_are_tested_again_with_it(client: Client, district: District, registrar: Any) -> None:
    """`Replace retired SSIDs` settles all lines of its cause: the report has it as a button, and the new Test has it on."""
    give_ssid(district.student(), "9012345600")
    merge_ssids("9012345600", "9012345678")
    run = run_file(TYPE, lines({})).run
    assert run.refused_count == 1 or run.error_count

    text = client.get(reverse("run", args=[run.pk])).content.decode()
    assert "Test again with “Replace retired SSIDs”" in text
    client.post(reverse("test_again", args=[run.pk]), {"cause": "SSID-RETIRED"})
    again = ImportRun.objects.filter(work=Work.TEST).latest("pk")

    assert again.pk != run.pk
    assert again.options["replace_retired"] == "1"
    assert {**again.options, "replace_retired": ""} == {**run.options, "replace_retired": ""}


def test_whoever_may_not_test_is_offered_no_test(client: Client, district: District) -> None:
    give_ssid(district.student(), "9012345600")
    merge_ssids("9012345600", "9012345678")
    run = run_file(TYPE, lines({})).run
    client.force_login(UserFactory(viewer=True, all_schools=True))

    text = client.get(reverse("run", args=[run.pk])).content.decode()

    assert "Test again with" not in text
