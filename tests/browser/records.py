"""One record of all that has a page: requests to both states, candidates to choose, a workbook, whatever the admin lists."""

import io
from dataclasses import dataclass
from typing import Any

import openpyxl
from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, RememberedMatch, RunStatus
from sisimport.imports.runs.conversion_requests import start_conversion
from ssid.models import SENRRequest, UtahDueDate, UtahFunction, UtahRequest
from ssid.requests.senr_file import draft
from ssid.requests.services import keep_request
from students.editing import change_ssid
from students.models import DistrictSettings, School, SSIDReplacement
from tests.assessments.score_files import ALL, cells
from tests.factories import StudentFactory, UserFactory
from tests.imports.journey import finish, run_file
from tests.ssid import request_files
from tests.ssid.utah import exchange as utah


@dataclass
class Records:
    senr: SENRRequest
    utah: UtahRequest
    candidates: ImportRun
    workbook: ImportRun
    conversion: ImportRun
    queued: ImportRun
    failed: ImportRun
    protected: Any


def make_records(school: School, staff: Any) -> Records:
    """`staff` is the user who made them. `protected`: a user who signs in with a second factor."""
    request_files.make_student(school)
    StudentFactory(school=school, birth_country="US")
    rows = [
        f"{request_files.HEADER},{request_files.RESULT}",
        request_files.line(more="Lee,Sam,M,20110304,EL,20150901,spa,Lee,Ana"),
        request_files.line(ssid="8012345690", score="100%", more="Li,Sam,F,20110305,EO,,eng,Li,Bo"),
    ]
    candidates = request_files.run_test(rows)
    workbook = run_file("caaspp-2023-2024", _workbook(), name="scores.xlsx").run
    converted = run_file("caaspp-2023-2024", _workbook(), name="scores-2.xlsx").run
    conversion = finish(start_conversion(run=converted, user=staff, enqueue=False)).run
    ImportRun.objects.filter(pk__in=[candidates.pk, workbook.pk, converted.pk]).update(created_by=staff)
    there = utah.utah()
    moved = there.add("100")
    made = utah.request(UtahFunction.RETRIEVE, there.school, user=staff)
    UtahDueDate.objects.create(lea=there.lea, name="October count", month=10, day=1)
    DistrictSettings.objects.create(lea=there.lea)
    SSIDReplacement.objects.create(retired_ssid="9012345001", replacement_ssid="9012345002", entered_by=staff)
    RememberedMatch.objects.create(
        key="Lee|Sam",
        student_id=moved.pk,
        student_hash=0,
        reason="Seen the papers",
        run=candidates,
        line=2,
        made_by=staff,
    )
    change_ssid(student=moved, ssid="1234567", user=staff, reason="Letter of the state")
    AuditEntry.objects.create(user=staff, students=[moved.pk], count=1, kind=AuditEntry.Kind.PAGE, subject="Page")
    return Records(
        senr=keep_request(draft([school]), user=staff),
        utah=made,
        candidates=candidates,
        workbook=workbook,
        conversion=conversion,
        queued=_run_like(candidates, RunStatus.QUEUED),
        failed=_run_like(candidates, RunStatus.FAILED),
        protected=_protected_user(),
    )


def _run_like(run: ImportRun, status: RunStatus) -> ImportRun:
    return ImportRun.objects.create(
        file=run.file, import_type=run.import_type, work=run.work, created_by=run.created_by, status=status
    )


def _protected_user() -> Any:
    user = UserFactory(username="protected", email="protected@example.org", import_admin=True)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    return user


def _workbook() -> bytes:
    """A score file that somebody saved as a workbook."""
    layout = ALL["caaspp-2023-24"]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([column.name for column in layout.columns])
    sheet.append(cells(layout, record_type="01", ssid="9012345678", last_name="Lee", first_name="Sam"))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
