"""Guessed numbers: what is somebody else's answers as what does not exist, on every address and by the same statements.

The same statements take the same time, so a clock tells no more than the page does.
"""

import re
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, SSID_STAFF
from sisimport.imports.models import RememberedMatch
from sisimport.web.queries.diagnosis import BULK
from students.models import FamilyMember, RecordEdit
from tests.browser import district as its_district
from tests.browser.district import District
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.made_once import for_this_test
from tests.web.test_access import all_patterns

pytestmark = pytest.mark.django_db
district_once = its_district.district_once  # a fixture

NOBODY = 999_999_999
OTHER_ARGUMENTS: dict[str, int | str] = {
    "line": 2,
    "part": "issues",
}  # which part of a record; all others name a record
# No record of anybody stands behind these.
NOT_RECORDS = {
    "added_layout",
    "added_layout_remove",
    "column_mapping",  # of a district, and about no student: tests/roster holds whose it is
    "rename_mapping",
    "remove_mapping",
    "mapping_file",
    "file_layout",
    "help_code",
    "help_rule",
    "help_screen",
    "help_type",
    "layout_sample",
    "practice_sample",  # of invented people
    "kept_mail",
    "person",  # an account of staff: tests/web/test_people.py holds whose is shown to whom
    "upload",
    "recognise",
    "shown_results_preview",  # tests and a year; its students are the user's own
    "webhook",
    "change_webhook",  # of an account: tests/automation holds who may change it
    "pick_up_place",
    "change_pick_up_place",  # of an installation: tests/automation holds who may change it
    "delivery",
    "change_delivery",  # likewise
    "revoke_api_token",  # of an account, not of a student: tests/api holds who may revoke it
    "account_confirm_email",
    "sso_start",  # a provider of single sign-on
    "sso_again",
    "sso_callback",
    "saml_acs",
    "saml_finish_acs",
    "saml_metadata",
    "saml_sls",
    "account_reset_password_from_key",
}


def numbered() -> dict[str, URLPattern]:
    """Own addresses that take a number."""
    return {
        pattern.name: pattern
        for _path, pattern, namespaces in all_patterns()
        if pattern.name and not namespaces and "<" in str(pattern.pattern) and pattern.name not in NOT_RECORDS
    }


@pytest.fixture(autouse=True)
def district(district_once: tuple[District, Path], db: None) -> District:
    made = for_this_test(district_once)
    RecordEdit.objects.create(
        student=made.known, user=made.staff, what="Student", field="grade", before="04", after="05", reason="Moved up"
    )
    return made


def somebody_elses(district: District, name: str) -> int:
    """The number of a record that exists and that this address would show to those whose it is."""
    records = district.records
    if name.startswith("senr_"):
        return records.senr.pk
    if name.startswith("utah_"):
        return records.utah.pk
    if name == "match_forget":
        return RememberedMatch.objects.get().pk
    if name in ("school_list", "school_letters", "school_renew"):
        return district.school.pk
    if name.startswith("run_candidates"):
        return records.candidates.pk
    if name in ("convert_workbook", "start_converted"):
        return records.workbook.pk if name == "convert_workbook" else records.conversion.pk
    if name == "cancel_run":
        return records.queued.pk
    if name == "start_revert":
        return district.update.pk
    if name in RUN_PAGES:
        return district.test.pk
    assert name in STUDENT_PAGES, f"say above whose record {name} shows"
    return district.known.pk


RUN_PAGES = {
    "run", "run_status", "filter_issues", "run_changes", "run_absent", "run_print", "export", "start_update", "test_again",
    "retest_lines", "correct_lines", "correct_many", "show_run_ssids", "decide_held", "choose_words",
    "run_matches", "run_matches_accept", "run_match_line",
}  # fmt: skip
STUDENT_PAGES = {
    "student", "student_looks", "erase_student", "show_ssid", "record", "enrollment", "family_accounts", "family_student",
    "family_ssid", "family_enroll",     "undo_student_edit", "enrollment_paper",
}  # fmt: skip


def asked(client: Client, method: str, name: str, number: int) -> tuple[int, str, list[str]]:
    """Status, page without its token and number, and the statements sent to the database."""
    names = list(numbered()[name].pattern.converters)
    address = reverse(name, kwargs={key: OTHER_ARGUMENTS.get(key, number) for key in names})
    edits = list(RecordEdit.objects.values_list("pk", flat=True))
    data = (
        {"what": "issues-csv", "words": "own", "edit": edits, "pattern": next(iter(BULK))} if method == "post" else {}
    )
    with CaptureQueriesContext(connection) as captured:
        answer = getattr(client, method)(address, data)
        page = b"".join(answer) if answer.streaming else answer.content
    text = re.sub(r'(csrfmiddlewaretoken" value=|X-CSRFToken": )"[^"]+"', "", page.decode(errors="replace"))
    return answer.status_code, text.replace(f"/{number}/", "/N/"), [_shape(query["sql"]) for query in captured]


def _shape(statement: str) -> str:
    """Without the values; savepoints have random names."""
    return re.sub(r"'[^']*'|\d+|\"s\w+_x\w+\"", "?", statement)


def separated_by(client: Client, district: District) -> list[str]:
    """Addresses whose answer tells a record that exists from one that does not."""
    found = []
    for name in sorted(numbered()):
        for method in ("get", "post"):
            theirs, nobodys = (asked(client, method, name, n) for n in (somebody_elses(district, name), NOBODY))
            if theirs[0] not in (403, 404, 405):
                found.append(f"{method} {name}: open")
            found += [
                f"{method} {name}: {what}"
                for what, a, b in zip(("status", "page", "statements"), theirs, nobodys, strict=True)
                if a != b
            ]
    return found


def test_a_record_of_another_school_answers_as_one_that_is_not_there(district: District) -> None:
    user = UserFactory(schools=[SchoolFactory(code="7654321")], group=REGISTRAR)
    user.groups.add(*UserFactory(group=SSID_STAFF).groups.all())
    client = Client()
    client.force_login(user)
    client.get(reverse("home"))

    assert separated_by(client, district) == []


def test_a_match_of_another_school_answers_those_who_decide_as_one_that_is_not_there(district: District) -> None:
    """Who decides on matches reviews runs of all schools, but sees the students of their own."""
    client = Client()
    client.force_login(UserFactory(schools=[SchoolFactory(code="7654321")], group=IMPORT_ADMIN))
    client.get(reverse("home"))

    theirs, nobodys = (asked(client, "post", "match_forget", n) for n in (RememberedMatch.objects.get().pk, NOBODY))

    assert theirs[0] == 404
    assert theirs == nobodys


def test_a_record_of_another_family_answers_as_one_that_is_not_there(district: District) -> None:
    parent = UserFactory()
    FamilyMember.objects.create(user=parent, student=StudentFactory())
    client = Client()
    client.force_login(parent)
    client.get(reverse("family"))

    assert separated_by(client, district) == []


def test_those_whose_records_they_are_get_them(district: District) -> None:
    """Otherwise the comparisons above would hold for numbers that nobody can open."""
    staff, parent = Client(), Client()
    staff.force_login(district.staff)
    parent.force_login(district.parent)
    for name in sorted(numbered()):
        client = parent if name.startswith("family_") and name != "family_accounts" else staff
        answers = [asked(client, method, name, somebody_elses(district, name))[0] for method in ("get", "post")]
        assert {200, 302} & set(answers), (name, answers)
