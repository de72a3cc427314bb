"""A small district with something to show on every page, and the addresses of all pages."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from assessments.models import Assessment, Score
from sisimport.imports.access import SSID_STAFF, Capability, rule_of
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.registry import tools
from students import collection, families
from students.models import CollectionPolicy, FamilyMember, School, Student
from students.services import report_ssid
from tests.factories import ELRecordFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.imports.files import line
from tests.imports.journey import revert, run_file
from tests.pages.test_access import all_patterns

RESULTS = [{"code": str(n), "name": f"Level {n}", "passing": n > 2} for n in (4, 3, 2, 1)]


@dataclass
class District:
    school: School
    student: Student
    new_student: Student
    staff: Any
    parent: Any
    new_parent: Any
    code: str
    test: ImportRun
    update: ImportRun
    rejected: ImportRun
    reverted: ImportRun


def make_district() -> District:
    school = SchoolFactory(code="0123456", name="Cedar High")
    who = {"first_name": "José", "last_name": "García-López", "middle_name": "Luis", "gender": "M", "grade": "10"}
    student = StudentFactory(school=school, local_number="100234", birth_date=dt.date(2009, 2, 14), **who)
    new_student = StudentFactory(school=school, last_name="Tran")
    SSIDFactory(student=StudentFactory(school=school))
    ELRecordFactory(student=student)
    report_ssid(student=new_student, ssid="9012345111", user=None)
    parent_test = Assessment.objects.create(state_code="SBELA", name="ELA", shown_to_families=True, results=RESULTS)
    for year, scale in ((2023, "2433"), (2024, "2481")):
        Score.objects.create(
            student=student, assessment=parent_test, school_year=year, scale_score=scale, result="3", grade="05"
        )
    CollectionPolicy.objects.create(
        pk=1, required_from=dt.date(2015, 7, 1), families_may_enter=True, online_enrollment=True
    )
    collection.record_missing(timezone.localdate() - dt.timedelta(days=40))
    staff = UserFactory(import_admin=True, username="staff", is_superuser=True)
    staff.groups.add(Group.objects.get(name=SSID_STAFF))
    collection.submit_enrollment(student=new_student, school_year=_year(), user=staff, online=False)
    parent = UserFactory(username="parent")
    for one in (student, new_student):
        FamilyMember.objects.create(user=parent, student=one)
    content = "\n".join([line(), line(local_number="100", last_name="Nobody"), line(ssid="12"), "a^b"])
    test = run_file("ssid-download", content, name="ssid.txt").run
    update = run_file("ssid-download", content, Work.UPDATE, test_run=test).run
    reverted = revert(update).run
    again = run_file("ssid-download", content + "\n", name="ssid-october.txt").run
    rejected = run_file("ssid-download", "nothing", name="wrong.txt").run
    ImportRun.objects.filter(pk__in=[test.pk, update.pk, again.pk, rejected.pk]).update(created_by=staff)
    _invitation, code = families.invite_family(students=[student], user=staff)
    return District(school, student, new_student, staff, parent, UserFactory(), code, again, update, rejected, reverted)


def _year() -> str:
    from students.school_years import current_school_year

    return current_school_year()


def staff_pages(district: District) -> dict[str, str]:
    """Name -> address of every page that staff opens by a link. A page with several faces has several names."""
    pk, run, school = district.student.pk, district.test.pk, district.school.pk
    pages = {
        "home": reverse("home"),
        "account": reverse("account"),
        "runs": reverse("runs"),
        "run": reverse("run", args=[run]),
        "run updated": reverse("run", args=[district.update.pk]),
        "run rejected": reverse("run", args=[district.rejected.pk]),
        "run reverted": reverse("run", args=[district.reverted.pk]),
        "run_changes": reverse("run_changes", args=[run]),
        "run_absent": reverse("run_absent", args=[run]),
        "run_print": reverse("run_print", args=[run]),
        "students": reverse("students"),
        "student": reverse("student", args=[pk]),
        "collection": reverse("collection"),
        "collection_policy": reverse("collection_policy"),
        "school_list": reverse("school_list", args=[school]),
        "record_find": reverse("record_find"),
        "record": reverse("record", args=[pk]),
        "record reported": reverse("record", args=[district.new_student.pk]),
        "record_next": reverse("record_next") + f"?school={school}",
        "enrollments": reverse("enrollments"),
        "enrollment": reverse("enrollment", args=[pk]),
        "enrollment submitted": reverse("enrollment", args=[district.new_student.pk]),
        "family_accounts": reverse("family_accounts", args=[pk]),
        "run_matches": reverse("run_matches", args=[run]),
        "run_match_line": reverse("run_match_line", args=[run, 2]),
        "account_change_password": reverse("account_change_password"),
        "mfa_index": reverse("mfa_index"),
        "mfa_activate_totp": reverse("mfa_activate_totp"),
        "not found": "/runs/999999/",
    }
    pages |= {name: reverse(name) for name in plain_addresses() if name not in pages}
    for tool in tools():
        pages[f"upload {tool.key}"] = reverse("upload", args=[tool.key])
    return pages


FAMILY_PAGES = ("family", "family_student", "family_ssid", "family_enroll")
OPEN_PAGES = ("account_login", "account_reset_password", "family_join")
# Addresses that are no pages: sent forms, parts of pages, downloads, and those that lead elsewhere at once.
NO_PAGES = {
    "account_logout", "account_inactive", "account_email", "account_set_password", "account_reauthenticate",
    "account_signup", "account_confirm_login_code", "account_confirm_email", "account_email_verification_sent",
    "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
    "mfa_authenticate", "mfa_reauthenticate", "mfa_deactivate_totp", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes", "mfa_download_recovery_codes",
    "health", "set_language", "recognise", "run_status", "filter_issues", "export",
    "utah_create", "utah_request", "utah_request_file", "utah_withdraw",
    "senr_make", "senr_request", "senr_file", "el_differences_csv", "match_forget", "run_matches_accept", "run_candidates",
    "run_candidates_choose", "convert_workbook", "start_converted",
    "start_update", "test_again", "start_revert", "cancel_run", "show_ssid",
}  # fmt: skip


def plain_addresses() -> list[str]:
    """Names of our own addresses without arguments, for those who have a capability: most are pages."""
    capabilities = {capability.value for capability in Capability}
    return [
        pattern.name
        for path, pattern, namespaces in all_patterns()
        if "<" not in path
        and pattern.name
        and pattern.name not in NO_PAGES
        and rule_of(pattern.callback, url_name=pattern.name, namespaces=namespaces) in capabilities
    ]


def family_pages(district: District) -> dict[str, str]:
    pk = district.student.pk
    return {
        "family": reverse("family"),
        **{name: reverse(name, args=[pk]) for name in FAMILY_PAGES[1:]},
    }
