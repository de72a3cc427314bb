"""Where student data may be: every table of the database and every folder of the data directory, each classified once.

A table that refers to the student is removed with the student's record and needs no entry. All others are listed here,
with every text column: `texts` may name a person and are searched, `plain` cannot. A test fails for a table, a text
column or a folder that is not classified (tests/erasing/test_personal_data.py), so adding one requires a decision here.

    of_student   column with the internal number of the student the row is about: such rows are removed
    of_line      rows are of a line of a run (or file): they go with the line unless they are about someone else
    sets         columns with the internal numbers of many students: the row stays, without this one
    goes_if      rows are removed if one of these columns holds a number of the student
    sealed       the record of access: reworded separately (sisimport.audit.erasing)
    by_way_of    rows go with the rows of another table that they belong to, or by an eraser
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from sisimport.imports.models.absent import StudentSet
from students.models import Student


@dataclass(frozen=True, slots=True)
class Table:
    """A table without a reference to a student."""

    texts: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    of_student: str = ""
    of_line: str = ""
    sets: tuple[str, ...] = ()
    goes_if: tuple[str, ...] = ()
    sealed: bool = False
    by_way_of: str = ""


def _t(text: str = "", plain: str = "", **more: Any) -> Table:
    return Table(texts=tuple(text.split()), plain=tuple(plain.split()), **more)


TABLES: dict[str, Table] = {
    # ---- the engine ----
    "imports.ImportFile": _t("name member notices", "sha256 file line_index"),
    "imports.StoredObject": _t(plain="name"),
    "imports.ImportRun": _t(
        "options facts message summary",
        "import_type work district_options report_words status waits_for crash crash_phase crash_error reverted schools"
        " lea_ids phase phase_seconds layout reference",
    ),
    "imports.ImportIssue": _t("found expected params", "code part field", of_student="student_id", of_line="run"),
    "imports.ImportChange": _t("", "part kind", of_student="student_id", of_line="run", goes_if=("before", "after")),
    "imports.SetAside": _t("", "reason", of_line="run"),
    "imports.AbsentList": _t(sets=("students", "with_el")),
    "imports.LineDraft": _t("values", of_line="run"),
    "imports.CorrectedLine": _t("fields", of_line="file"),
    "imports.RunHold": _t("reasons why", "decision"),
    "imports.MatchDecision": _t("reason", "subject answer", of_student="student_id", of_line="run"),
    "imports.RememberedMatch": _t("reason", "key local_number student_hash", of_student="student_id"),
    # ---- student records without a reference to one ----
    "students.LEA": _t("", "code name state"),
    "students.School": _t("", "code name"),
    "students.DistrictSettings": _t(
        "", "report_words contacts documentation family_accounts_end staff_accounts_end import_defaults"
    ),
    "students.SSIDReplacement": _t("", "state", goes_if=("retired_ssid", "replacement_ssid")),
    "students.Headcount": _t("", "grade"),
    "students.MissingSnapshot": _t("", "grade"),
    "students.FamilyInvitation": _t("", "token_hash"),
    # ---- domains ----
    "ssid.MatchRequest": _t("", "lines local_number category state", of_student="student_id", of_line="run"),
    "ssid.SENRRequest": _t("", "schools school_year delimiter"),
    "ssid.UtahRequest": _t("override_reason withdrawn_reason", "function file"),
    "ssid.UtahRequest_schools": _t(),
    "ssid.UtahAnswer": _t(),
    "ssid.UtahDueDate": _t("", "name"),
    "roster.ColumnMapping": _t("name", "lea"),
    "roster.MappingVersion": _t("text", "what sha"),
    "assessments.Assessment": _t("comments", "state_code name score_type results passing_score"),
    "assessments.AddedLayout": _t("file_name text draft comparison", "key like"),
    "assessments.ShownResults": _t("", "family"),
    "assessments.ResultCount": _t("", "student_group lea school grade"),
    "assessments.ResultVersion": _t("", "lea"),
    "assessments.HiddenResults": _t("", "scope stamp cells crossed"),
    "assessments.PublicResult": _t(
        "", "key place test student_group grade enrolled tested scored mean level_1 level_2 level_3 level_4 met"
    ),
    "assessments.PublicPlace": _t("", "place name"),
    # ---- automation and the API ----
    "automation.MailWish": _t("", "subjects"),
    "automation.Webhook": _t("name", "url events secret"),
    "automation.Delivery": _t("payload answer", "subject state"),
    "automation.PickUpPlace": _t(
        "seen error", "kind path host username host_key public_key name pattern import_type options work"
    ),
    "automation.PickedFile": _t("name message", "sha256 state"),
    "automation.ExportDelivery": _t(
        "options error", "kind path host username host_key public_key name what school_year file_name"
    ),
    "automation.DeliveredExport": _t("file_name message", "state students"),
    "api.ApiToken": _t("name", "scopes schools digest begins last_address"),
    "api.StartedRun": _t("key", "digest"),
    # The internal number stays: it identifies no one, as in the record of access.
    "erasing.Erasure": _t("reason message result said", "student_id state"),
    # ---- people who sign in: family rows are removed with their accounts ----
    "auth.User": _t("", "password username first_name last_name email", by_way_of="family accounts"),
    "auth.User_groups": _t(),
    "auth.User_user_permissions": _t(),
    "auth.Group": _t("", "name"),
    "auth.Group_permissions": _t(),
    "auth.Permission": _t("", "name codename"),
    "account.EmailAddress": _t("", "email", by_way_of="auth.User"),
    "account.EmailConfirmation": _t("", "key", by_way_of="account.EmailAddress"),
    "mfa.Authenticator": _t("", "type data", by_way_of="auth.User"),
    "socialaccount.SocialApp": _t("", "provider provider_id name client_id secret key settings"),
    "socialaccount.SocialAccount": _t("", "provider uid extra_data", by_way_of="auth.User"),
    "socialaccount.SocialToken": _t("", "token token_secret", by_way_of="socialaccount.SocialAccount"),
    "usersessions.UserSession": _t("", "ip session_key user_agent data", by_way_of="auth.User"),
    "sessions.Session": _t("", "session_key session_data", by_way_of="sessions"),
    "entrance.SignInTry": _t("", "name address"),
    "entrance.KnownPlace": _t("", "name address"),
    "entrance.SavedFilter": _t("name query", "list"),
    "entrance.StaffInvitation": _t("", "code_hash"),
    "entrance.DirectoryAccess": _t(),
    "students.StaffAccess": _t(),
    "students.StaffAccess_schools": _t(),
    "students.CollectionPolicy": _t("", "online_schools"),
    # ---- records of what was done ----
    "admin.LogEntry": _t("object_repr change_message", "object_id"),
    "audit.AuditEntry": _t("who subject", "kind place address students", sealed=True),
    "audit.AuditSeal": _t("", "hash"),
    "audit.AuditRewording": _t("", "hash"),
    "audit.AuditDay": _t("", "hash"),
    "audit.AuditTotal": _t("", "hash"),
    "contenttypes.ContentType": _t("", "app_label model"),
}

# Columns of files: `lines` are cleaned line by line.
FILES: dict[str, str] = {"imports.ImportFile.file": "lines", "ssid.UtahRequest.file": "lines"}

# Folders of the data directory, and how a student is removed from them.
FOLDERS: dict[str, str] = {
    "uploads": "the files of FILES: lines are blanked, or the file is removed",
    "mail": "mails that could not be sent: those that name the student are removed",
    "incoming": "uploads in progress; interrupted ones are removed after a day",
    "scratch": "work in progress, mostly without a name; interrupted work is removed after a day",
    "broker": "messages: numbers of runs",
    "broker-control": "the broker's own",
    "layouts": "layouts of an administrator: columns, no records",
    "samples": "sample files of invented people",
    "keys": "keys of this installation",
    "static": "styles and scripts",
    "postgres": "the database's own files: they lose what was deleted when it cleans up after itself",
}

_TEXTS = (models.CharField, models.TextField, models.JSONField, models.FileField, models.BinaryField, ArrayField)


def tables() -> Iterator[tuple[type[models.Model], Table]]:
    """The classified models that are installed."""
    for label, table in TABLES.items():
        yield apps.get_model(label), table


def refers(model: type[models.Model]) -> bool:
    """Whether rows refer to a student, and so are removed with the student's record."""
    return model is Student or any(
        isinstance(f, models.ForeignKey)
        and f.related_model is Student
        and not (f.null and f.remote_field.on_delete is models.SET_NULL)
        for f in model._meta.concrete_fields
    )


def unclassed() -> list[str]:
    """Tables, and columns with text or a student's number, that are not classified."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.managed or model._meta.proxy or refers(model):
            continue
        label = model._meta.label
        table = TABLES.get(label)
        if table is None:
            found.append(label)
            continue
        classed = {*table.texts, *table.plain, *table.goes_if, *table.sets, table.of_student}
        for column in model._meta.concrete_fields:
            holds = isinstance(column, (*_TEXTS, StudentSet)) or "student" in column.name
            if holds and column.name not in classed and not column.choices and not _of_counts(column):
                found.append(f"{label}.{column.name}")
            if isinstance(column, models.FileField) and f"{label}.{column.name}" not in FILES:
                found.append(f"{label}.{column.name} (file)")
    return found


def _of_counts(column: Any) -> bool:
    """Whether the column counts students rather than naming them."""
    return isinstance(column, models.IntegerField) and not isinstance(column, models.BigIntegerField)
