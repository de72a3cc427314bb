"""A small district with something to show on every page, and the addresses of all pages."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from assessments.models import Assessment, Score
from sisimport.accounts import kept_mail
from sisimport.accounts.access import SSID_STAFF, Capability, rule_of
from sisimport.api.tokens import make_token
from sisimport.imports.definition.registry import tools
from sisimport.imports.models import ImportRun, Work
from students import collection, families
from students.models import CollectionPolicy, FamilyMember, School, Student
from students.services import report_ssid
from tests.browser.records import Records, make_records
from tests.factories import ELRecordFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import revert, run_file
from tests.made_once import made_once
from tests.web.test_access import all_patterns

RESULTS = [{"code": str(n), "name": f"Level {n}", "passing": n > 2} for n in (4, 3, 2, 1)]


@dataclass
class District:
    school: School
    student: Student
    new_student: Student
    known: Student
    staff: Any
    parent: Any
    new_parent: Any
    code: str
    test: ImportRun
    update: ImportRun
    rejected: ImportRun
    reverted: ImportRun
    records: Records


def make_district() -> District:
    school = SchoolFactory(code="0123456", name="Cedar High")
    who = {"first_name": "José", "last_name": "García-López", "middle_name": "Luis", "gender": "M", "grade": "10"}
    student = StudentFactory(school=school, local_number="100234", birth_date=dt.date(2009, 2, 14), **who)
    new_student = StudentFactory(school=school, last_name="Tran")
    known = StudentFactory(school=school, last_name="Known")
    SSIDFactory(student=known)
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
    for one in (student, new_student, known):
        FamilyMember.objects.create(user=parent, student=one)
    content = "\n".join([line(), line(local_number="100", last_name="Nobody"), line(ssid="12"), "a^b"])
    test = run_file("ssid-download", content, name="ssid.txt").run
    update = run_file("ssid-download", content, Work.UPDATE, test_run=test).run
    reverted = revert(update).run
    again = run_file("ssid-download", content + "\n", name="ssid-october.txt").run
    rejected = run_file("ssid-download", "nothing", name="wrong.txt").run
    ImportRun.objects.filter(pk__in=[test.pk, update.pk, again.pk, rejected.pk]).update(created_by=staff)
    make_token(name="Nightly", scopes=["runs:read"], schools=[school])
    _invitation, code = families.invite_family(students=[student], user=staff)
    records = make_records(school, staff)
    return District(
        school,
        student,
        new_student,
        known,
        staff,
        parent,
        UserFactory(),
        code,
        again,
        update,
        rejected,
        reverted,
        records,
    )


@pytest.fixture(scope="module")
def district_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[District, Path]]:
    """The district with all its runs, for a module all of whose tests begin with it (tests/made_once.py)."""
    with made_once(make_district, tmp_path_factory.mktemp("district"), django_db_blocker) as made:
        yield made


def _year() -> str:
    from students.school_years import current_school_year

    return current_school_year()


def _invited() -> int:
    """The number of a person who was invited and has not come yet."""
    from sisimport.accounts import people
    from students.models import School

    schools = list(School.objects.order_by("pk")[:1])
    return people.invite(email="rosa@example.org", roles=["registrar"], schools=schools, giver=None).invitation.user_id


def _kept_mail() -> int:
    """The number of a mail that was not sent."""
    message = EmailMessage(
        "Choose a new password", "https://sis.example.org/link", "sis@example.org", ["p@example.org"]
    )
    kept_mail.keep(message.message().as_bytes())
    return max(int(path.stem) for path in kept_mail.folder().glob("*.eml"))


def _held(district: District) -> int:
    """The number of an Update that waits for a second person, started by somebody else."""
    from sisimport.imports.models import RunHold, RunStatus, Work

    reasons = [
        {"code": "HOLD-SSIDS", "found": 50.0, "limit": 2, "count": 60, "of": 120, "where": "Cedar High (0123456)"}
    ]
    like = {"file": district.test.file, "import_type": district.test.import_type, "record_count": 120}
    test = ImportRun.objects.create(work=Work.TEST, status=RunStatus.COMPLETED, planned_count=60, **like)
    run = ImportRun.objects.create(work=Work.UPDATE, test_run=test, status=RunStatus.HELD, **like)
    RunHold.objects.create(run=run, reasons=reasons)
    return run.pk


def _place() -> int:
    """The number of a pick-up place on an SFTP server, whose key changed."""
    from sisimport.automation.adding import add_place

    fingerprint = "SHA256:" + "A" * 43
    place = add_place(name="State files", sftp="sftp://sis@files.example.org/out", host_key=fingerprint)
    place.error = "The server shows another key than the one that is pinned. Nothing was sent to it."
    place.save()
    return place.pk


def _delivery() -> int:
    """The number of a delivery to an SFTP server that stopped, with files of each state."""
    from sisimport.automation.adding import add_delivery
    from sisimport.automation.models import DeliveredExport

    made = add_delivery(
        name="Data warehouse",
        what="scores",
        file_name="scores-{date}.csv",
        sftp="sftp://sis@files.example.org/in",
        host_key="SHA256:" + "A" * 43,
    )
    made.active, made.error = (
        False,
        "The server shows another key than the one that is pinned. Nothing was sent to it.",
    )
    made.save()
    for number, state in enumerate(DeliveredExport.State.values):
        due = timezone.now() - dt.timedelta(days=number)
        made.files.create(
            due_at=due, next_try_at=due, file_name="scores.csv", state=state, tries=2, rows=4_711, students=50
        )
    return made.pk


def _mapping() -> int:
    """The number of a column mapping."""
    from sisimport.roster.mapping.content import Content
    from sisimport.roster.mapping.services import save

    names = {"local_number": "ID", "last_name": "Last", "first_name": "First", "birth_date": "DOB", "school": "Site"}
    content = Content(
        name="Our system",
        header=(*names.values(), "Room"),
        columns=names,
        constants={"lea": "1234567"},
        values={"school": {"101": "0123456"}},
    )
    return save(content, user=None).mapping_id


def _webhook(district: District) -> int:
    """The number of a webhook with a delivery on its way."""
    from sisimport.automation import hooks

    hook = hooks.make_webhook(
        name="Data warehouse", url="https://hooks.example.org/sis", events=["run.ended"], user=district.staff
    )
    hooks.send_trial(hook)
    return hook.pk


def _draft_of_a_year(district: District) -> int:
    """The number of a layout that waits for answers."""
    from assessments.new_year import services

    last = services.known_layouts()["caaspp-2024-25"]
    names = [column.name.replace("ScaleScore", "Scale_Score_Overall") for column in last.columns]
    look = services.take_look(BytesIO("^".join(names).encode()))
    return services.keep_draft(look=look, like=last, year=2026, name="new.csv", user=district.staff).pk


def staff_pages(district: District) -> dict[str, str]:
    """Name -> address of every page that staff opens by a link. The first word of a name is the address's own name; a page with
    several faces has several names."""
    pk, run, school, records = district.student.pk, district.test.pk, district.school.pk, district.records
    pages = {
        "home": reverse("home"),
        "account": reverse("account"),
        "people": reverse("people"),
        "import_defaults": reverse("import_defaults"),
        "person": reverse("person", args=[district.staff.pk]),
        "person to change": reverse("person", args=[_invited()]),
        "kept_mails": reverse("kept_mails"),
        "kept_mail": reverse("kept_mail", args=[_kept_mail()]),
        "api_docs": reverse("api_docs"),
        "pick_up_place": reverse("pick_up_place", args=[_place()]),
        "webhook": reverse("webhook", args=[_webhook(district)]),
        "delivery": reverse("delivery", args=[_delivery()]),
        "runs": reverse("runs"),
        "run": reverse("run", args=[run]),
        "run updated": reverse("run", args=[district.update.pk]),
        "run rejected": reverse("run", args=[district.rejected.pk]),
        "run reverted": reverse("run", args=[district.reverted.pk]),
        "run queued": reverse("run", args=[records.queued.pk]),
        "run held": reverse("run", args=[_held(district)]),
        "run failed": reverse("run", args=[records.failed.pk]),
        "run of a workbook": reverse("run", args=[records.workbook.pk]),
        "run of a conversion": reverse("run", args=[records.conversion.pk]),
        "correct_lines": reverse("correct_lines", args=[run]),
        "run_changes": reverse("run_changes", args=[run]),
        "run_absent": reverse("run_absent", args=[run]),
        "run_print": reverse("run_print", args=[run]),
        "file_layout": reverse("file_layout", args=["ela", "calpads-sela"]),
        "help_code": reverse("help_code", args=["DEMO-MISMATCH"]),
        "help_rule": reverse("help_rule", args=["D-9"]),
        "help_type": reverse("help_type", args=["ssid-download"]),
        "help_screen": reverse("help_screen", args=["calpads-ssid"]),
        "column_mapping": reverse("column_mapping", args=[_mapping()]),
        "added_layout": reverse("added_layout", args=[_draft_of_a_year(district)]),
        "students": reverse("students"),
        "student": reverse("student", args=[pk]),
        "student_looks": reverse("student_looks", args=[pk]),
        "erase_student": reverse("erase_student", args=[pk]),
        "erasures": reverse("erasures"),
        "erase_off_record": reverse("erase_off_record"),
        "collection": reverse("collection"),
        "collection_policy": reverse("collection_policy"),
        "school_list": reverse("school_list", args=[school]),
        "record_find": reverse("record_find"),
        "record": reverse("record", args=[pk]),
        "record reported": reverse("record", args=[district.new_student.pk]),
        "enrollments": reverse("enrollments"),
        "enrollment": reverse("enrollment", args=[pk]),
        "enrollment submitted": reverse("enrollment", args=[district.new_student.pk]),
        "enrollment_paper": reverse("enrollment_paper", args=[pk]),
        "enrollment_paper in Spanish": reverse("enrollment_paper", args=[pk]) + "?language=es",
        "shown_results_preview": reverse("shown_results_preview", args=["caaspp", 2024]),
        "shown_results_preview in Spanish": reverse("shown_results_preview", args=["caaspp", 2024]) + "?language=es",
        "school_letters": reverse("school_letters", args=[school]),
        "family_accounts": reverse("family_accounts", args=[pk]),
        "run_matches": reverse("run_matches", args=[run]),
        "run_match_line": reverse("run_match_line", args=[run, 2]),
        "run_candidates": reverse("run_candidates", args=[records.candidates.pk]),
        "senr_request": reverse("senr_request", args=[records.senr.pk]),
        "senr_check": reverse("senr_check") + f"?school={school}",
        "senr_changes": reverse("senr_changes") + f"?school={school}&since=2024-08-01",
        "utah_create": reverse("utah_create"),
        "utah_request": reverse("utah_request", args=[records.utah.pk]),
        "account_change_password": reverse("account_change_password"),
        "account_logout": reverse("account_logout"),
        "usersessions_list": reverse("usersessions_list"),
        "account_reauthenticate": reverse("account_reauthenticate"),
        "mfa_index": reverse("mfa_index"),
        "mfa_activate_totp": reverse("mfa_activate_totp"),
        "account_email": reverse("account_email"),  # last: an address that is not verified yet prevents a second factor
    }
    # The practice page is there while the practice district is: test_accessibility.py makes one at its end.
    pages |= {name: reverse(name) for name in plain_addresses() if name not in pages and name != "practice"}
    for tool in tools():
        pages[f"upload {tool.key}"] = reverse("upload", args=[tool.key])
    return pages


# Pages that come after a form was sent; tests/browser/test_accessibility.py takes these steps.
STAFF_STEPS = {"run_matches_accept", "run_candidates_choose", "practice", "search"}
PROTECTED_PAGES = {
    "mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_deactivate_totp", "mfa_reauthenticate",
    "account_email",
}  # fmt: skip
FAMILY_PAGES = {"family", "family_student", "family_ssid", "family_enroll", "account"}
OPEN_PAGES = {
    "account_login", "account_signup", "account_inactive", "account_email_verification_sent", "account_confirm_email",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_set_password", "mfa_authenticate", "family_join",
    "staff_join", "emergency_sign_in",
}  # fmt: skip
# Addresses that are not pages, by why they are none.
NO_PAGES = {
    # parts of a page, fetched by its scripts
    "recognise", "run_status", "filter_issues", "show_ssid",
    # the page of a run once more, with whole numbers
    "show_run_ssids",
    # downloads
    "export", "layout_sample", "practice_sample", "utah_request_file", "senr_file", "senr_changes_file", "el_differences_csv",
    "results_csv", "results_xlsx", "english_learners_csv", "english_learners_xlsx",
    "mfa_download_recovery_codes", "mapping_file",
    # sent forms, which lead to a page that is looked at
    "added_layout_remove", "practice_reset", "practice_empty",
    "school_renew",
    "utah_withdraw", "senr_make", "match_forget", "convert_workbook", "start_converted", "start_update", "test_again",
    "retest_lines", "start_revert", "undo_student_edit", "cancel_run", "set_language", "revoke_api_token",
    "decide_held", "choose_words", "change_webhook", "correct_many", "change_pick_up_place", "change_delivery",
    "rename_mapping", "remove_mapping",
    # lead elsewhere at once: to the next student, and (switched off) to the sign-in page
    "record_next", "account_confirm_login_code",
    # without files it leads home; with them it is looked at in test_dropped_files.py
    "choose_files",
    # without a file it leads to the upload screen; with one it is looked at in test_map_columns.py
    "map_columns",
    # answers for machines
    "stay_signed_in", "health", "metrics", "api_openapi", "api_not_found",
    # of passkeys, looked at in test_passkeys.py
    "mfa_list_webauthn", "mfa_add_webauthn", "mfa_reauthenticate_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn",
    # on to a provider of single sign-on and back: tests/browser/test_single_sign_on.py
    "sso_start", "sso_again", "sso_callback", "saml_acs", "saml_finish_acs", "saml_metadata", "saml_sls",
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
        **{name: reverse(name, args=[pk]) for name in ("family_student", "family_ssid", "family_enroll")},
        "account": reverse("account"),
    }
