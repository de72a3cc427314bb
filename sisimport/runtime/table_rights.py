"""What the database lets the web server and the workers do, table by table. The complete list: every table has a line here.

    migrate   owns everything; migrations and commands run as it
    web       makes pages: reads, and writes the data that pages write
    worker    executes runs and chores: writes records and journals, reads accounts

A table of a later migration is closed to both until it has a line (a test checks this). database_roles.py grants these rights.
"""

from collections.abc import Mapping
from dataclasses import dataclass

READ = "SELECT"
ADD = "SELECT, INSERT"
REMOVE = "SELECT, DELETE"
WRITE = "SELECT, INSERT, UPDATE, DELETE"
WRITE_NOT_REMOVE = "SELECT, INSERT, UPDATE"
# An entry of the record of access gets its number and time from the database: no one can write one for another day.
ADD_ENTRY = "SELECT, INSERT (kind, user_id, who, token_id, place, subject, address, lines, count, of, lea_id, students)"


@dataclass(frozen=True, slots=True)
class Rights:
    """Rights of each role on a table, in the words of GRANT.

    measured: workers ANALYZE it after filling it. kept: columns that the web server never changes, though it changes others.
    """

    web: str
    worker: str
    measured: bool = False
    kept: tuple[str, ...] = ()


# Written by both people and imports.
RECORDS = Rights(web=WRITE, worker=WRITE, measured=True)
# Written only by imports and chores.
COUNTED = Rights(web=READ, worker=WRITE, measured=True)
# A run's plan and findings; their partitions are open only to the owner. A page can replan lines of a Test but cannot touch an
# applied plan (policies on these tables, migrations 0023 and 0027 of imports).
PLANS = Rights(web="SELECT, INSERT, DELETE", worker=WRITE)
# What a run did: no page changes it.
JOURNAL = Rights(web=READ, worker=WRITE)
# Runs. No page later changes what a run is, or whether it was applied.
RUNS = Rights(
    web=WRITE_NOT_REMOVE,
    worker=WRITE,
    kept=(
        "id", "work", "import_type", "file_id", "test_run_id", "reverts_id", "converts_id", "corrects_id", "made_file_id",
        "reverted", "applied_order", "attempts", "created_at",
    ),
)  # fmt: skip
# Set up by people; workers read it, and remove the data of a practice district and the names of its people.
SET_UP = Rights(web=WRITE, worker="SELECT, UPDATE, DELETE")
# Work that people request of runs.
WORK = Rights(web=WRITE_NOT_REMOVE, worker=WRITE)
# Who may do what. A worker removes the accounts of a demo; it grants nothing.
ACCOUNTS = Rights(web=WRITE, worker=REMOVE)
SHARED = Rights(web=WRITE, worker=WRITE)


def _accounts_but(*columns: str) -> Rights:
    """Columns that a worker may change: to blank removed people, take erased ones out of texts, and note who was notified."""
    return Rights(web=WRITE, worker=f"{REMOVE}, UPDATE ({', '.join(columns)})")


TABLES: Mapping[str, Rights] = {
    "account_emailaddress": ACCOUNTS,
    "account_emailconfirmation": ACCOUNTS,
    "api_apitoken": _accounts_but("created_by_id", "revoked_by_id", "name"),
    "api_startedrun": _accounts_but("key"),
    "assessments_addedlayout": SET_UP,
    "assessments_assessment": RECORDS,
    "assessments_hiddenresults": SET_UP,
    "assessments_publicplace": COUNTED,
    "assessments_publicresult": COUNTED,
    "assessments_resultcount": COUNTED,
    "assessments_resultversion": COUNTED,
    "assessments_score": COUNTED,
    "assessments_shownresults": SET_UP,
    "audit_auditday": Rights(web=READ, worker=ADD),
    "audit_auditentry": Rights(web=ADD_ENTRY, worker=ADD_ENTRY),
    "audit_auditrewording": Rights(web=READ, worker=ADD),
    "audit_auditseal": Rights(web=READ, worker=ADD),
    "audit_audittotal": Rights(web=READ, worker=WRITE_NOT_REMOVE),
    "auth_group": Rights(web=WRITE, worker=READ),
    "auth_group_permissions": Rights(web=WRITE, worker=READ),
    "auth_permission": Rights(web=READ, worker=READ),
    "auth_user": _accounts_but("is_active"),
    "auth_user_groups": ACCOUNTS,
    "auth_user_user_permissions": ACCOUNTS,
    "automation_deliveredexport": SHARED,
    "automation_delivery": SHARED,
    "automation_exportdelivery": SHARED,
    "automation_mailwish": SHARED,
    "automation_pickedfile": SHARED,
    "automation_pickupplace": SHARED,
    "automation_webhook": SHARED,
    "django_admin_log": Rights(web=ADD, worker=f"{REMOVE}, UPDATE (object_repr, change_message)"),
    "django_content_type": Rights(web=READ, worker=READ),
    "django_migrations": Rights(web=READ, worker=READ),
    "django_session": Rights(web=WRITE, worker=REMOVE),
    "entrance_directoryaccess": ACCOUNTS,
    "entrance_knownplace": ACCOUNTS,
    "entrance_savedfilter": _accounts_but("name", "query"),
    "entrance_signintry": ACCOUNTS,
    "entrance_staffinvitation": _accounts_but("created_by_id"),
    "erasing_erasure": Rights(web=WRITE_NOT_REMOVE, worker=WRITE),
    "imports_absentlist": SHARED,
    "imports_correctedline": SHARED,
    "imports_importchange": PLANS,
    "imports_importfile": SHARED,  # a page removes duplicate uploads
    # A page that replans a line adds to a finding why a name differs.
    "imports_importissue": Rights(web=f"{PLANS.web}, UPDATE (params)", worker=PLANS.worker),
    "imports_importrun": RUNS,
    "imports_linedraft": Rights(web=WRITE, worker=WRITE),
    "imports_matchdecision": SHARED,
    "imports_rememberedmatch": WORK,
    "imports_runhold": WORK,
    "imports_setaside": JOURNAL,
    "imports_storedobject": WORK,  # a page notes the objects it puts into a bucket
    "mfa_authenticator": ACCOUNTS,
    "roster_columnmapping": SET_UP,
    "roster_mappingversion": SET_UP,
    "shared_cache": SHARED,
    "socialaccount_socialaccount": ACCOUNTS,
    "socialaccount_socialapp": Rights(web=READ, worker=READ),
    "socialaccount_socialtoken": ACCOUNTS,
    "ssid_matchrequest": RECORDS,
    "ssid_senrline": RECORDS,
    "ssid_senrrequest": RECORDS,
    "ssid_utahanswer": RECORDS,
    "ssid_utahduedate": SET_UP,
    "ssid_utahrequest": RECORDS,
    "ssid_utahrequest_schools": RECORDS,
    "ssid_utahrequeststudent": RECORDS,
    "students_annualenrollment": RECORDS,
    "students_changedrecord": RECORDS,
    "students_collectionpolicy": SET_UP,
    "students_districtsettings": RECORDS,
    "students_elrecord": RECORDS,
    "students_enrollment": RECORDS,
    "students_familyinvitation": _accounts_but("created_by_id", "used_by_id"),
    "students_familyinvitation_students": ACCOUNTS,
    "students_familymember": _accounts_but("told_end"),
    "students_guardian": RECORDS,
    # Changes are only added, by the triggers of processes that write records; chores sum them up.
    "students_headcount": Rights(web=ADD, worker=f"{ADD}, DELETE"),
    "students_lastday": RECORDS,
    "students_lea": RECORDS,
    "students_missingsnapshot": RECORDS,
    # Who made an edit is blanked when an account is removed; nothing else of it ever changes.
    "students_recordedit": Rights(web=f"{ADD}, UPDATE (user_id)", worker=f"{REMOVE}, UPDATE (user_id)"),
    "students_reportedssid": RECORDS,
    "students_school": RECORDS,
    "students_secondcheck": RECORDS,
    "students_ssid": RECORDS,
    "students_ssidreplacement": RECORDS,
    "students_staffaccess": _accounts_but("told_end", "ended_on"),
    "students_staffaccess_schools": ACCOUNTS,
    "students_stateenrollment": RECORDS,
    "students_student": RECORDS,
    "students_withoutssid": RECORDS,
    "usersessions_usersession": ACCOUNTS,
}
# Sequences that belong to no table, and the roles that use them. Sequences of tables follow the right to insert.
SEQUENCES: Mapping[str, tuple[str, ...]] = {"imports_applied_order": ("worker",)}
# Functions with the owner's rights, and the only roles that may call them.
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "audit_purge(date, bigint, text, text)": ("worker",),
    "audit_reword(bigint, text, text)": ("worker",),
    "sis_drop_run_range(bigint)": ("worker",),
    "sis_drop_score_year(integer)": ("worker",),
    "sis_make_run_ranges(integer)": ("worker",),
    "sis_make_score_years(integer[])": ("worker",),
    "sis_measure_run(bigint)": ("worker",),
    "sis_measure_scores(integer[])": ("worker",),
    "sis_run_ranges()": ("worker",),
    "sis_score_years()": ("worker",),
    "sis_settled_until()": ("web", "worker"),
}
# Schemas whose views both read; a view reads with the rights of its owner.
READ_SCHEMAS = ("reporting",)
