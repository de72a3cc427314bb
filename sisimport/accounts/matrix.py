"""Who may open what: every URL and every API operation, with the roles that have access. One table, and a test of it.

This table states what is promised; the decision is made by each view and operation (access.py). A test requests every URL as
every role and compares; a URL missing here fails it. The page docs/security/access.md is made from it.

    V  viewer        R  registrar      S  SSID staff      A  import admin
    F  family        N  signed in, without a role         P  everyone, signed in or not

`record`: the URL names a record of a school, and answers 404 for records of other schools.
`run`: that record is a run; import admins can open runs of other schools in their districts, without the lines about those
schools' students.
`all_schools`: only for users who see all schools (import defaults: all of a district). Views of data that all districts share
also check whether the person works for all of them (`access.for_all_districts`).
"""

from dataclasses import dataclass, replace

ROLES = {
    "V": "viewer",
    "R": "registrar",
    "S": "SSID staff",
    "A": "import admin",
    "F": "family",
    "N": "no role",
}
READERS, TAKERS, IMPORTERS, ADMINS, EDITORS = "VRSA", "RSA", "RA", "A", "S"
SIGNED_IN, EVERYBODY, FAMILY = "VRSAFN", "P", "F"


@dataclass(frozen=True, slots=True)
class Address:
    """A URL by its name. `who`: letters of the roles; `sends`: it accepts only submitted forms."""

    name: str
    does: str
    who: str
    record: bool = False
    sends: bool = False
    all_schools: bool = False

    @property
    def run(self) -> bool:
        return self.name in OF_RUNS


OF_RUNS = frozenset(
    {
        "run", "run_status", "run_changes", "run_absent", "run_candidates", "run_matches", "run_match_line", "filter_issues",
        "run_print", "show_run_ssids", "export", "start_update", "test_again", "retest_lines", "start_revert", "cancel_run",
        "decide_held", "run_matches_accept", "correct_lines", "correct_many", "convert_workbook", "start_converted",
        "run_candidates_choose", "choose_words",
    }
)  # fmt: skip


def _all(
    who: str, does: dict[str, str], *, record: bool = False, sends: bool = False, all_schools: bool = False
) -> tuple[Address, ...]:
    return tuple(Address(name, text, who, record, sends, all_schools) for name, text in does.items())


ADDRESSES: tuple[Address, ...] = (
    # ---- for readers ----
    *_all(
        READERS,
        {
            "search": "Search for everything",
            "file_layouts": "File layouts",
            "file_layout": "One file layout",
            "layout_sample": "Sample file of a layout, of invented people",
            "help": "Help",
            "help_codes": "All messages",
            "help_code": "One message",
            "help_rules": "All rules",
            "help_rule": "One rule",
            "help_type": "Help of an import type",
            "help_screen": "Help of a screen",
            "help_roles": "What each role may do",
            "help_first_steps": "First steps",
            "help_keys": "Keys",
            "setup_article": "Help of test set-ups",
            "runs": "List of runs",
            "students": "Student search",
            "practice": "Practice district",
            "utah_board": "SSID Process",
            "utah_requests": "Utah requests",
            "utah_changed": "Students whose changes Utah has not confirmed",
            "senr_requests": "SSID requests",
            "el_differences": "EL records that differ from the state's",
            "collection": "Missing SSIDs",
            "results": "Results",
            "english_learners": "English learners",
            "english_learner_students": "Students counted in a number of English learners",
            "group_report": "Group report",
            "match_desk": "Match desk",
            "my_mail": "Which e-mails a person gets",
        },
    ),
    *_all(
        READERS,
        {
            "run": "Report of a run, with its lines",
            "run_status": "Progress of a run",
            "run_changes": "Changes of a run",
            "run_absent": "Students not in the file",
            "student": "Student page",
            "utah_request": "One Utah request",
            "senr_request": "One SSID request",
            "run_candidates": "Candidates of a request",
            "run_matches": "Lines to decide on",
            "run_match_line": "One line to decide on",
        },
        record=True,
    ),
    *_all(READERS, {"filter_issues": "Filter of a run's lines"}, record=True, sends=True),
    # ---- whole SSIDs and exports ----
    *_all(TAKERS, {"exports": "Data out", "results_csv": "Results as CSV", "results_xlsx": "Results as workbook"}),
    *_all(TAKERS, {"senr_changes": "Enrollment changes for the state"}),
    *_all(TAKERS, {"senr_changes_file": "File of enrollment changes"}, sends=True),
    *_all(
        TAKERS,
        {"english_learners_csv": "English learners as CSV", "english_learners_xlsx": "English learners as workbook"},
    ),
    *_all(TAKERS, {"el_differences_csv": "EL records that differ, as CSV"}, sends=True),
    *_all(
        TAKERS,
        {
            "run_print": "Report of a run, on paper",
            "utah_request_file": "File of a Utah request",
            "school_list": "A school's list of missing SSIDs",
        },
        record=True,
    ),
    *_all(
        TAKERS,
        {
            "show_ssid": "Whole SSID of a student",
            "show_run_ssids": "Report of a run with whole SSIDs",
            "export": "Download of a run",
            "senr_file": "File of an SSID request",
        },
        record=True,
        sends=True,
    ),
    # ---- importing ----
    *_all(
        IMPORTERS,
        {
            "choose_files": "Choose several files",
            "map_columns": "Map the columns of a file",
            "column_mappings": "Column mappings",
            "column_mapping": "One column mapping",
            "mapping_file": "A column mapping as a file",
            "upload": "Import screen",
            "utah_create": "Make a Utah request",
            "senr_check": "Check before an SSID request",
            "practice_sample": "Sample file of the practice district",
        },
    ),
    *_all(
        IMPORTERS,
        {
            "recognise": "Recognize a file",
            "senr_make": "Make an SSID request",
            "rename_mapping": "Rename a column mapping",
            "remove_mapping": "Remove a column mapping",
        },
        sends=True,
    ),
    *_all(IMPORTERS, {"correct_lines": "Correct refused lines"}, record=True),
    *_all(
        IMPORTERS,
        {
            "start_update": "Update",
            "choose_words": "Change the wording of a run's report",
            "test_again": "Test again",
            "retest_lines": "Test lines again",
            "correct_many": "Correct many lines",
            "start_revert": "Revert",
            "convert_workbook": "Convert a workbook",
            "start_converted": "Test a converted workbook",
            "cancel_run": "Cancel a run",
            "undo_student_edit": "Undo an edit",
            "utah_withdraw": "Withdraw a Utah request",
            "run_candidates_choose": "Choose the best candidates",
            "match_forget": "Forget a remembered match",
        },
        record=True,
        sends=True,
    ),
    # ---- student records ----
    *_all(
        EDITORS,
        {
            "record_find": "Find a student's Record Information",
            "record_next": "Next student without SSID",
            "enrollments": "Enrollment forms",
            "enrollment_blank": "Blank enrollment form",
            "families": "Families",
        },
    ),
    *_all(
        EDITORS,
        {
            "record": "Record Information",
            "enrollment": "Enrollment form",
            "enrollment_paper": "Enrollment form on paper",
            "school_letters": "Letters to families",
            "family_accounts": "Family accounts of a student",
        },
        record=True,
    ),
    *_all(EDITORS, {"school_renew": "Renew a school's family accounts"}, record=True, sends=True),
    # ---- administration ----
    *_all(
        ADMINS,
        {
            "people": "People who sign in",
            "person": "One account",
            "collection_policy": "Policy of missing SSIDs",
            "shown_results": "Results shown to families",
            "shown_results_preview": "Preview of results for families",
            "added_layouts": "Layouts of added years",
            "added_layout": "One added layout",
            "webhooks": "Webhooks",
            "pick_up": "Pick-up places",
            "deliveries": "Deliveries",
            "api_tokens": "API tokens",
        },
    ),
    *_all(
        ADMINS,
        {
            "added_layout_remove": "Remove an added layout",
            "revoke_api_token": "Revoke an API token",
            "practice_reset": "Reset the practice district",
            "practice_empty": "Empty the practice district",
        },
        sends=True,
    ),
    *_all(
        ADMINS,
        {
            "access_record": "Record of access",
            "erasures": "Erased students",
            "erase_off_record": "Erase a person without a record",
            "import_defaults": "Import defaults",
            "webhook": "One webhook",
            "pick_up_place": "One pick-up place",
            "delivery": "One delivery",
            "kept_mails": "Mail that was not sent",
            "kept_mail": "One mail that was not sent",
        },
        all_schools=True,
    ),
    *_all(
        ADMINS,
        {
            "change_webhook": "Change a webhook",
            "change_pick_up_place": "Change a pick-up place",
            "change_delivery": "Change a delivery",
        },
        sends=True,
        all_schools=True,
    ),
    *_all(ADMINS, {"student_looks": "Who saw a student's record"}, record=True),
    *_all(ADMINS, {"erase_student": "Erase a student"}, record=True, all_schools=True),
    *_all(
        ADMINS,
        {"decide_held": "Approve or reject a held run", "run_matches_accept": "Accept many matches"},
        record=True,
        sends=True,
    ),
    # ---- families ----
    *_all(FAMILY, {"family": "A family's students"}),
    *_all(
        FAMILY,
        {
            "family_student": "A family's page of its student",
            "family_ssid": "A family enters an SSID",
            "family_enroll": "A family enrolls",
        },
        record=True,
    ),
    # ---- one's own account, and signing in ----
    *_all(SIGNED_IN, {"home": "First page", "account": "Own account"}),
    *_all(
        SIGNED_IN,
        {
            "account_reauthenticate": "Password once more",
            "account_email": "Own mail address",
            "account_change_password": "Change password",
            "account_set_password": "Set password",
            "usersessions_list": "Own sessions",
            "stay_signed_in": "Stay signed in",
            "sso_again": "Confirm one's identity at the directory",
            "mfa_index": "Second factor",
            "mfa_list_webauthn": "Own passkeys",
            "mfa_add_webauthn": "Add a passkey",
            "mfa_edit_webauthn": "Rename a passkey",
            "mfa_remove_webauthn": "Remove a passkey",
            "mfa_reauthenticate_webauthn": "Passkey once more",
            "mfa_reauthenticate": "Second factor once more",
            "mfa_activate_totp": "Set up the second factor",
            "mfa_deactivate_totp": "Remove the second factor",
            "mfa_view_recovery_codes": "Recovery codes",
            "mfa_generate_recovery_codes": "New recovery codes",
            "mfa_download_recovery_codes": "Recovery codes as a file",
        },
    ),
    *_all(
        EVERYBODY,
        {
            "account_login": "Sign in",
            "account_logout": "Sign out",
            "account_signup": "Says that sign-up is closed",
            "account_inactive": "Says that the account is disabled",
            "account_reset_password": "Ask for a new password",
            "account_reset_password_done": "A new password was requested",
            "account_reset_password_from_key": "Choose a new password with a link",
            "account_reset_password_from_key_done": "A new password was chosen",
            "account_confirm_login_code": "Switched off",
            "account_confirm_email": "Confirm a mail address with a link",
            "account_email_verification_sent": "A mail address is waiting to be confirmed",
            "mfa_authenticate": "Second step of signing in",
            "emergency_sign_in": "Emergency sign-in of a superuser with a one-time link",
            "sso_start": "Sign in with the district's directory",
            "sso_callback": "Back from the directory (OpenID Connect)",
            "saml_acs": "Back from the directory (SAML)",
            "saml_finish_acs": "Back from the directory, last step (SAML)",
            "saml_metadata": "What the directory needs to know about this site (SAML)",
            "saml_sls": "Signed out at the directory (SAML)",
            "metrics": "Metrics, for those named in the settings",
            "health": "Whether the database answers",
            "family_join": "A family opens its account with a code",
            "staff_join": "A person opens an account with a code",
            "api_openapi": "The API's document",
            "api_docs": "The API's document as a page",
            "api_not_found": "Any other address under the API",
        },
    ),
    *_all(EVERYBODY, {"set_language": "Language of the pages"}, sends=True),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API. `scopes`: a token needs one of these (none: any token), or with `each` all of them; `who`: roles
    of the token's person."""

    name: str
    does: str
    scopes: tuple[str, ...]
    who: str
    record: bool = False
    each: bool = False


_RUNS = ("runs:read", "imports:test", "imports:write")
_NO_RECORD = (
    Operation("list_import_types", "Import types", (), "VRSAN"),
    Operation("list_layouts", "Layouts", (), "VRSAN"),
    Operation("list_issue_codes", "Issue codes", (), "VRSAN"),
    Operation("list_runs", "Runs", ("runs:read",), READERS),
    Operation("start_import", "Start an import", ("imports:test", "imports:write"), IMPORTERS),
    Operation("list_column_mappings", "Column mappings", ("imports:test", "imports:write"), IMPORTERS),
    Operation("add_column_mapping", "Add a column mapping", ("imports:test", "imports:write"), IMPORTERS),
    Operation("list_results", "Results", ("results:read",), TAKERS),
    Operation("list_english_learners", "English learners, in numbers", ("results:read",), TAKERS),
    Operation("list_students", "Students", ("students:read",), TAKERS),
    Operation("list_ssids", "SSIDs", ("students:read",), TAKERS),
    Operation("list_scores", "Scores", ("scores:read",), TAKERS),
    Operation("list_exports", "Which files can be exported", ("students:read", "scores:read"), TAKERS),
    Operation("export_students", "Students as a file", ("students:read",), TAKERS),
    Operation("export_ssids", "SSIDs as a file", ("students:read",), TAKERS),
    Operation("export_scores", "Scores as a file", ("scores:read",), TAKERS),
    Operation("export_oneroster", "OneRoster results", ("students:read", "scores:read"), TAKERS, each=True),
    Operation("export_edfi", "Ed-Fi student assessments", ("scores:read",), TAKERS),
    Operation("get_changes", "What is new", ("students:read", "scores:read"), TAKERS),
    Operation("list_webhooks", "Webhooks of the token's person", ("runs:read",), READERS),
    Operation("make_webhook", "Make a webhook", ("runs:read",), READERS),
)
_OF_A_RECORD = (
    Operation("get_run", "A run", _RUNS, READERS),
    Operation("list_issues", "Issues of a run", ("runs:read",), TAKERS),
    Operation("list_changes", "Changes of a run", ("runs:read",), TAKERS),
    Operation("list_absent", "Students not in a file", ("runs:read",), TAKERS),
    Operation("get_refused_lines", "Refused lines of a run", ("runs:read",), TAKERS),
    Operation("update_run", "Update", ("imports:write",), IMPORTERS),
    Operation("revert_run", "Revert", ("imports:write",), IMPORTERS),
    Operation("cancel_run", "Cancel a run", ("imports:test", "imports:write"), IMPORTERS),
    Operation("approve_run", "Approve a held run", ("approve",), ADMINS),
    Operation("reject_run", "Reject a held run", ("approve",), ADMINS),
    Operation(
        "list_near_lines", "Lines that nearly match a student", ("runs:read", "students:read"), TAKERS, each=True
    ),
    Operation("decide_on_lines", "Decide whose record a line is", ("imports:write",), IMPORTERS),
    Operation("get_student", "A student's records", ("students:read",), TAKERS),
    Operation("remove_column_mapping", "Remove a column mapping", ("imports:test", "imports:write"), IMPORTERS),
    Operation("remove_webhook", "Remove a webhook", ("runs:read",), READERS),
)
OPERATIONS: tuple[Operation, ...] = (*_NO_RECORD, *(replace(one, record=True) for one in _OF_A_RECORD))

# What each role may do, by capability name (granted in access.py; this table states the promise).
CAPABILITIES: dict[str, str] = {
    "read": READERS,
    "show_ssid": TAKERS,
    "export": TAKERS,
    "upload": IMPORTERS,
    "test": IMPORTERS,
    "update": IMPORTERS,
    "revert_own": IMPORTERS,
    "revert_any": ADMINS,
    "review_runs": ADMINS,
    "approve": ADMINS,
    "edit_students": EDITORS,
    "settings": ADMINS,
    "audit": ADMINS,
}

# Permissions of each role in the admin, by model; a page may refuse more (a school with students cannot be deleted). A role not
# in a line has no access to that model; a superuser has full access. v: see, a: add, c: change, d: delete.
ADMIN: dict[str, dict[str, str]] = {
    "auth.group": {},
    "auth.user": {},
    "students.student": {"A": "v", "S": "vac"},
    "students.ssid": {"A": "v", "S": "vac"},
    "students.recordedit": {"A": "v", "S": "v"},
    "students.lea": {"A": "vacd", "S": "v"},
    "students.school": {"A": "vacd", "S": "v"},
    "students.districtsettings": {"A": "vacd", "S": "v"},
    "students.staffaccess": {"A": "vacd", "S": "v"},
    "students.ssidreplacement": {"A": "v", "S": "va"},
    "imports.importrun": {"A": "v"},
    "imports.importfile": {"A": "v"},
    "imports.rememberedmatch": {"A": "v"},
    "assessments.assessment": {"A": "vacd"},
    "assessments.listedscore": {"A": "v"},
    "ssid.utahduedate": {"A": "vacd"},
    "ssid.utahrequest": {"A": "v"},
    "mfa.authenticator": {},
}


def words_of(place: str) -> str:
    """The purpose of a URL, by its name as stored in the record of access; the name itself if it is not in the table."""
    if place.startswith("api:"):
        return next((f"API: {one.does}" for one in OPERATIONS if place == f"api:{one.name}"), place)
    return next((one.does for one in ADDRESSES if one.name == place), place)
