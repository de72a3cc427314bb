"""Destroying the data of a district: its students, schools, runs, files, people, and everything that belongs to them.

If there are several districts, the others stay as they are; with the last one everything is removed except superusers,
settings and the record of access. A certificate lists what was removed, and names only the person who did it.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from sisimport.accounts import kept_mail
from sisimport.audit import erasing as record
from sisimport.audit import looking
from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import Doer, write
from sisimport.erasing.guard import ErasingError, begin, keep_runs_away
from sisimport.erasing.people import Mentions
from sisimport.erasing.personal_data import FILES, refers, tables
from sisimport.imports.models import AbsentList, ImportFile, ImportRun, absent
from sisimport.imports.runs.districts import runs_of
from sisimport.runtime.erasing import all_erasers
from students.models import LEA, SSID, FamilyMember, SSIDReplacement, StaffAccess, Student
from students.removing import remove

logger = logging.getLogger(__name__)

# With the last district these stay: who may still sign in, how the product is set up, and the evidence of its proper
# use.
_STAYS = (
    "auth", "account", "mfa", "socialaccount", "usersessions", "sessions", "contenttypes", "audit", "entrance", "admin",
)  # fmt: skip
_STAYING_TABLES = ("students.CollectionPolicy", "students.StaffAccess", "students.StaffAccess_schools", "api.ApiToken")


@dataclass(slots=True)
class Destroyed:
    """What was or would be removed: the content of the certificate. rows: by kind; files, bytes: stored files as
    uploaded; stays: what is kept, and why; by_hand: what is out of reach."""

    district: dict[str, str]
    last: bool
    dry_run: bool
    reason: str
    by: str
    at: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    bytes: int = 0
    stays: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def destroy_district(
    code: str, *, reason: str, by: str, dry_run: bool = False, certify: Callable[[Destroyed], str] | None = None
) -> Destroyed:
    """Remove the district, or only count. `by`: the person doing it, as worded in the certificate.

    certify: stores the certificate before anything is committed, and returns its SHA-256 for the record of access.
    Raises ErasingError: no such district, no reason, an active run, or one that waits for a decision.
    """
    if not reason.strip():
        raise ErasingError("Say why: a short reason, such as the paragraph of the agreement. It is in the certificate.")
    lea = LEA.objects.filter(code=code).first()
    if lea is None:
        raise ErasingError("No district has this code. Look it up in the admin under Districts (LEAs).")
    with looking.unseen(), transaction.atomic():
        begin(lea.pk)
        keep_runs_away(lea.pk)
        last = not LEA.objects.exclude(pk=lea.pk).exists()
        done = Destroyed({"code": lea.code, "name": lea.name}, last, dry_run, reason.strip(), by)
        done.at = timezone.now().isoformat(timespec="seconds")
        _Destruction(lea, done).run()
        if certify is not None and not dry_run:
            sha = certify(done)
            subject = f"district {lea.code} destroyed, {done.rows.get('students', 0)} students; certificate {sha}"
            write(AuditEntry.Kind.ERASED, Doer(place="destroy_district"), subject=subject)
        transaction.set_rollback(dry_run)
    if not dry_run:
        logger.info("destroyed a district: %s rows, %s files", sum(done.rows.values()), done.files)
    return done


class _Destruction:
    """One destruction, in the caller's transaction; file contents are removed when it is committed."""

    def __init__(self, lea: LEA, done: Destroyed) -> None:
        self.lea, self.done = lea, done
        self.rows: Counter[str] = Counter()
        self.students = Student.objects.filter(lea=lea).order_by()

    def run(self) -> None:
        people = self._people()
        of_families = set(FamilyMember.objects.filter(user__in=list(people)).values_list("user", flat=True))
        families = {pk: name for pk, name in people.items() if pk in of_families}
        self._notes_of_the_admin()
        self._rows_by_number()
        self._files()
        runs = runs_of(self.lea)
        self._count_what_refers()
        self._remove(self.students, counted=False)
        self._remove(LEA.objects.filter(pk=self.lea.pk))
        self._remove(ImportRun.objects.filter(pk__in=runs))
        self._remove(ImportFile.objects.filter(~Exists(ImportRun.objects.filter(file=OuterRef("pk"))), file=""))
        self._of_code()
        if self.done.last:
            self._all_else()
        self._accounts(people)
        record.reword_people(families, Mentions.ERASED)  # that of staff says who looked
        self._mails_and_sessions()
        for eraser in all_erasers().values():
            if eraser.after_district is not None:
                eraser.after_district()
        self.done.rows = dict(sorted(self.rows.items()))
        self._say_what_stays(len(runs))

    # ---- rows ----

    def _remove(self, rows: QuerySet[Any], *, counted: bool = True) -> None:
        if counted:
            self._count(rows.model, rows.count())
        remove(rows)

    def _count(self, model: type[Model], count: int) -> None:
        if count:
            self.rows[str(model._meta.verbose_name_plural)] += count

    def _count_what_refers(self) -> None:
        """Rows that refer to students: they are removed with the students, and counted before."""
        self._count(Student, self.students.count())
        for model in apps.get_models(include_auto_created=True):
            if model is Student or not model._meta.managed or not refers(model):
                continue
            name = next(f.name for f in model._meta.concrete_fields if f.related_model is Student)
            self._count(model, model._base_manager.filter(**{f"{name}__in": self.students}).count())

    def _rows_by_number(self) -> None:
        """Rows that contain a student's internal number, including those in runs of other districts, and the state's
        SSID replacements."""
        ids = self.students.values("pk")
        for model, table in tables():
            if table.of_student:
                rows = model._base_manager.filter(**{f"{table.of_student}__in": ids}).order_by()
                self._count(model, rows._raw_delete(rows.db))
        self._count(AbsentList, absent.take_out(self.students.values_list("pk", flat=True)))
        held = SSID.objects.filter(student__in=self.students, state=self.lea.state).values("ssid")
        replaced = SSIDReplacement.objects.filter(
            Q(retired_ssid__in=held) | Q(replacement_ssid__in=held), state=self.lea.state
        )
        self._count(SSIDReplacement, replaced.delete()[0])

    def _notes_of_the_admin(self) -> None:
        """The admin's log entries about students and about rows that refer to them."""
        models: list[type[Model]] = [Student]
        models += [
            model for model in apps.get_models() if model is not Student and model._meta.managed and refers(model)
        ]
        for model in models:
            name = (
                "pk"
                if model is Student
                else next(f.name for f in model._meta.concrete_fields if f.related_model is Student)
            )
            if len(model._meta.pk_fields) > 1:
                continue  # a key of several columns: the admin keeps no log entries for these
            keys = model._base_manager.filter(**{f"{name}__in": self.students}).values_list("pk", flat=True)
            kind = ContentType.objects.get_for_model(model)
            noted = LogEntry.objects.filter(content_type=kind)
            if noted.exists():
                about = {str(pk) for pk in keys}
                found = [pk for pk, key in noted.values_list("pk", "object_id") if key in about]
                self._count(LogEntry, LogEntry.objects.filter(pk__in=found).delete()[0])

    def _of_code(self) -> None:
        """Rows that name the district by its code: counted results and values computed from them, column mappings."""
        for label, column in (
            ("assessments.ResultCount", "lea"), ("assessments.ResultVersion", "lea"), ("assessments.HiddenResults", "scope"),
            ("roster.ColumnMapping", "lea"),
        ):  # fmt: skip
            model = apps.get_model(label)
            self._remove(model._base_manager.filter(**{column: self.lea.code}))

    def _all_else(self) -> None:
        """With the last district: every table except those that stay."""
        for model in apps.get_models(include_auto_created=True):
            label = model._meta.label
            if model._meta.managed and model._meta.app_label not in _STAYS and label not in _STAYING_TABLES:
                self._remove(model._base_manager.all())
        self._count(LogEntry, LogEntry.objects.all().delete()[0])

    # ---- files ----

    def _files(self) -> None:
        """Contents of every stored file that may hold a line of the district: files of its runs, of runs of no district
        (refused before it was known), and of requests. The records of other runs' files stay, without contents."""
        of_others = ImportRun.objects.exclude(lea_ids=[]).exclude(lea_ids__contains=[self.lea.pk])
        for label in FILES:
            name, column = label.rsplit(".", 1)
            model: Any = apps.get_model(name)
            rows = model._base_manager.exclude(**{column: ""})
            if model is ImportFile and not self.done.last:
                elsewhere = of_others.filter(Q(file=OuterRef("pk")) | Q(made_file=OuterRef("pk")))
                ours = ImportRun.objects.filter(file=OuterRef("pk"), lea_ids__contains=[self.lea.pk])
                rows = rows.filter(Exists(ours) | ~Exists(elsewhere))
            elif not self.done.last:
                rows = rows.filter(lea=self.lea)
            for row in rows.order_by("pk").iterator():
                self._file(row, column)

    def _file(self, row: Any, column: str) -> None:
        stored = getattr(row, column)
        storage, name = stored.storage, str(stored.name)
        self.done.files += 1
        self.done.bytes += row.size if isinstance(row, ImportFile) else 0
        gone: dict[str, Any] = {column: ""}
        if isinstance(row, ImportFile):
            gone |= {"removed_at": timezone.now(), "line_index": [], "name": "destroyed", "member": "", "notices": []}
        type(row)._base_manager.filter(pk=row.pk).update(**gone)
        transaction.on_commit(lambda: storage.delete(name))

    # ---- people ----

    def _people(self) -> dict[int, str]:
        """Accounts that see only this district: id and user name. Superusers stay, as do users who see all schools
        while there is another district."""
        users: Any = get_user_model()._default_manager.filter(is_superuser=False)
        if self.done.last:
            return dict(users.values_list("pk", "username"))
        elsewhere = FamilyMember.objects.filter(user=OuterRef("pk")).exclude(student__lea=self.lea)
        families = users.filter(Exists(FamilyMember.objects.filter(user=OuterRef("pk"), student__lea=self.lea)))
        families = families.filter(~Exists(elsewhere), access=None)
        access = StaffAccess.objects.filter(user=OuterRef("pk"))
        staff = users.filter(
            Exists(access.filter(all_schools=False, schools__lea=self.lea)),
            ~Exists(access.filter(Q(all_schools=True) | (Q(schools__isnull=False) & ~Q(schools__lea=self.lea)))),
        ).exclude(pk__in=FamilyMember.objects.exclude(student__lea=self.lea).values("user"))
        return dict(families.values_list("pk", "username")) | dict(staff.values_list("pk", "username"))

    def _accounts(self, people: dict[int, str]) -> None:
        users = get_user_model()._default_manager.filter(pk__in=people)
        for relation in get_user_model()._meta.related_objects:  # places and deliveries with a removed person's rights
            model: Any = relation.related_model
            if model._meta.managed and model._meta.app_label == "automation":
                self._remove(model._base_manager.filter(**{f"{relation.field.name}__in": list(people)}))
        self._count(get_user_model(), len(people))
        users.delete()

    def _mails_and_sessions(self) -> None:
        """Remove all of them: mails and saved searches are not separated by district."""
        mails = kept_mail.remove_naming(lambda _text: True, dry_run=self.done.dry_run)
        self.rows.update({"mails": mails} if mails else {})
        self._count(Session, Session.objects.all().delete()[0])

    # ---- the certificate ----

    def _say_what_stays(self, runs: int) -> None:
        done = self.done
        done.rows.setdefault("runs", runs)
        done.stays = [
            (
                "The record of access: which user looked at how many students, by numbers that no longer lead to anyone;"
                "kept for its own retention period."
            ),
        ]
        if done.last:
            done.stays.append("Accounts of superusers, roles, settings and keys of the installation.")
        else:
            done.stays.append(
                "Other districts, accounts that see all schools, and runs of several districts, without these lines."
            )
        done.by_hand = [
            "Backups made before: remove them, or keep them no longer than the agreement allows.",
            "What was exported, delivered, mailed or downloaded before is in the hands of those who received it.",
        ]


def write_certificate(done: Destroyed, path: Path) -> None:
    """The certificate as a file of JSON. Raises ErasingError if the file already exists or cannot be written."""
    text = json.dumps(
        {"certificate": "Destruction of a district's records", **done.as_json()}, indent=2, ensure_ascii=False
    )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise ErasingError("The certificate's file already exists: name another one with --certificate.") from None
    except OSError as error:
        raise ErasingError(
            f"The certificate cannot be written ({type(error).__name__}): name another file with --certificate."
        ) from None
