"""Sending files, and actions on runs: calls the services that pages and command line call."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import IO, Any, cast

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import File, Form, Path, Status
from ninja.files import UploadedFile

from sisimport.accounts import access
from sisimport.accounts.access import Capability
from sisimport.accounts.scopes import Scope
from sisimport.api import schemas
from sisimport.api.application import operation
from sisimport.api.models import StartedRun
from sisimport.api.problems import ProblemError
from sisimport.api.runs import ANY_OF_RUNS, RUNS, find_run
from sisimport.api.tokens import is_service
from sisimport.files.archives import Unpacked
from sisimport.files.issues import FileError, render
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.recognition import UnrecognisedFileError, recognise_type
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type, listed_types
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs import approvals, returned_lines, services, uploads
from sisimport.imports.runs.report import run_facts
from sisimport.imports.storage.files import hash_of
from sisimport.imports.storage.unused import remove_if_unused
from students.access import visible_school_ids

AUTO = "auto"
KEYS_KEPT_DAYS = 30
_KEY_LOCK = 0x5349_0021  # class of our advisory locks on idempotency keys; a constant not used elsewhere
KEY_LENGTH = 255


@operation(
    "POST",
    "/imports",
    name="start_import",
    summary="Send a file and start a run; 201 with the run, which continues automatically",
    response=schemas.RunOut,
    status=201,
    scopes=[Scope.IMPORTS_TEST, Scope.IMPORTS_WRITE],
    capability=Capability.UPLOAD,
    tag=RUNS,
    headers={
        "Idempotency-Key": "Your own text for this request: sent again with the same body, it returns the same run."
    },
)
def start_import(
    request: HttpRequest, response: HttpResponse, file: File[UploadedFile], form: Form[schemas.ImportForm]
) -> Status:
    unknown = sorted((set(request.POST) | set(request.FILES)) - set(schemas.ImportForm.model_fields) - {"file"})
    if unknown:
        raise _invalid(*((name, "There is no such field here.") for name in unknown))
    _may(request, Capability.TEST if form.work == Work.TEST else Capability.UPDATE)
    limit = settings.IMPORT_MAX_BYTES
    if (file.size or 0) > limit:
        raise ProblemError(
            "TOO-LARGE", render("FILE-SIZE", found=f"more than {limit:,} bytes", expected=f"{limit:,} bytes")
        )
    sent = Sent(user=request.user, file=file, form=form, options=_options(form.options))
    run, again = sent.start_once(key) if (key := _idempotency_key(request)) else sent.start()
    response["Location"] = reverse("api:get_run", args=[run.pk])
    if again:
        response["Idempotent-Replayed"] = "true"
    return Status(201, run_facts(run))


def _idempotency_key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise _invalid(("Idempotency-Key", f"Up to {KEY_LENGTH} ASCII letters, digits and signs."))
    return key


def _may(request: HttpRequest, capability: Capability) -> None:
    if access.can(request.user, capability):
        return
    token: Any = request.api_token  # type: ignore[attr-defined]
    if Scope.IMPORTS_WRITE not in token.scopes:
        raise ProblemError("SCOPE", f"This needs the scope {Scope.IMPORTS_WRITE}.")
    raise ProblemError("ROLE")


def _invalid(*errors: tuple[str, str]) -> ProblemError:
    return ProblemError("INVALID", errors=errors)


def _options(given: list[str]) -> dict[str, str]:
    """Options as sent: `NAME=VALUE`, with the field repeated, or one JSON object."""
    found: dict[str, str] = {}
    for text in filter(None, given):
        if text.lstrip().startswith("{"):
            try:
                values = json.loads(text)
            except (ValueError, RecursionError):
                raise _invalid(("options", "This is not a JSON object.")) from None
            wrong = [name for name, value in values.items() if not isinstance(value, str)]
            if wrong:
                raise _invalid(*((f"options.{name}", "The value of an option must be text.") for name in wrong))
            found |= values
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise _invalid(("options", "Send NAME=VALUE, the field once for each option, or one JSON object."))
        found[name] = value
    if any("\x00" in text for pair in found.items() for text in pair):
        raise _invalid(("options", "An option cannot contain the character NUL."))
    return found


def clean_options(
    kind: ImportType, given: Mapping[str, str], file: ImportFile | None, schools: Iterable[int] | None
) -> dict[str, str]:
    """Options of a type, as stored. Raises ProblemError naming each that is unknown or has an invalid value."""
    by_name = {option.name: option for option in kind.options}
    names = ", ".join(by_name) or "none"
    errors = [
        (f"options.{name}", f"{kind.screen.label} has no such option. Its options: {names}.")
        for name in given
        if name not in by_name
    ]
    for name, value in given.items():
        try:
            if name in by_name:
                by_name[name].clean(value)
        except ValueError as error:
            errors.append((f"options.{name}", str(error)))
    if errors:
        raise _invalid(*errors)
    return services.clean_options(kind, given, file=file, schools=schools)


class Sent:
    """One file and what to do with it."""

    def __init__(self, *, user: Any, file: UploadedFile, form: schemas.ImportForm, options: dict[str, str]) -> None:
        self.user = user
        self.stream, self.name = cast(IO[bytes], file.file), str(file.name)
        self.key, self.work, self.test_run, self.options = form.type, Work(form.work), form.test_run, options

    def start(self) -> tuple[ImportRun, bool]:
        """Start a new run, never returning an earlier one."""
        try:
            with uploads.unpacked(self.stream) as inner:
                lines = returned_lines.take_in(
                    inner.stream, user=self.user, may_correct=lambda run: access.may_correct(self.user, run)
                )
                kind = self._type(inner, lines)
                if self.work not in kind.works:
                    offered = " or ".join(str(work) for work in kind.works)
                    raise _invalid(("work", f"{kind.screen.label} offers {offered}."))
                options = clean_options(kind, self.options, lines, visible_school_ids(self.user))
                if self.work == Work.UPDATE:
                    return self._update(kind, options, inner, lines), False
                kept = lines or uploads.keep_file(
                    stream=inner.stream, name=self.name, user=self.user, member=inner.member, notices=inner.notices
                )
            run = services.start_run(
                file=kept,
                import_type=kind.key,
                work=self.work,
                options=options,
                user=self.user,
                schools=visible_school_ids(self.user),
            )
        except FileError as error:
            raise ProblemError(
                "FILE", f"{error} {error.fix}".strip(), code=error.code, errors=[("file", str(error))]
            ) from error
        except UnrecognisedFileError as error:
            raise ProblemError(
                "FILE", str(error), code=error.error.code, errors=[("file", str(error.error))]
            ) from error
        except uploads.NoRoomError as error:
            raise ProblemError("NO-ROOM", str(error)) from error
        except uploads.RunRefusedError as error:
            raise ProblemError("REFUSED", str(error)) from error
        return run, False

    def _type(self, inner: Unpacked, lines: ImportFile | None) -> ImportType:
        if self.key == AUTO and lines is not None and lines.lines_of is not None:
            return get_type(lines.lines_of.import_type)
        if self.key == AUTO:
            return recognise_type(inner.stream)
        try:
            kind = get_type(self.key)
        except UnknownImportTypeError:
            keys = ", ".join(one.key for one in listed_types())
            raise _invalid(("type", f"There is no such import type. Send {AUTO}, or one of: {keys}.")) from None
        return kind

    def _update(
        self, kind: ImportType, options: dict[str, str], inner: Unpacked, lines: ImportFile | None
    ) -> ImportRun:
        """Apply the newest Test of exactly this file that the token may apply (rule W-3), or the named one. The file is
        not stored."""
        sha256 = lines.sha256 if lines is not None else hash_of(inner.stream)
        if lines is not None:
            remove_if_unused(lines.pk)
        test = access.applicable_test(
            self.user, sha256=sha256, import_type=kind.key, options=options, run=self.test_run
        )
        if test is None:
            raise ProblemError(
                "REFUSED",
                "There is no completed Test of exactly this file with these options that this token may apply. "
                "Send it with work=test first and read the run's issues.",
            )
        return services.start_update(test_run=test, user=self.user)

    # ---- idempotency ----

    def start_once(self, key: str) -> tuple[ImportRun, bool]:
        """The run of this key, and whether it was started before. Raises ProblemError if the key belongs to another
        request."""
        digest = self._digest()
        with transaction.atomic():
            with connection.cursor() as cursor:  # a concurrent duplicate request waits and finds the first
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_KEY_LOCK, f"{self.user.pk} {key}"])
            keys = StartedRun.objects.filter(user=self.user)
            keys.filter(at__lt=timezone.now() - timedelta(days=KEYS_KEPT_DAYS)).delete()
            earlier = keys.filter(key=key).select_related("run__file").first()
            if earlier is None:
                run, _again = self.start()
                StartedRun.objects.create(user=self.user, key=key, digest=digest, run=run)
                return run, False
        if earlier.digest != digest:
            raise ProblemError(
                "IDEMPOTENCY", errors=[("Idempotency-Key", f"It started run {earlier.run_id} with another body.")]
            )
        return earlier.run, True

    def _digest(self) -> str:
        """Equal for equal requests: the file, its name, and what to do with it."""
        content = [self.key, self.work, sorted(self.options.items()), self.test_run, self.name, hash_of(self.stream)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


# ---- actions on a run ----


@operation(
    "POST",
    "/runs/{run_id}/update",
    name="update_run",
    summary="Write what a Test planned: starts an Update (of scores an Import); 201 with it",
    response=schemas.RunOut,
    status=201,
    scopes=[Scope.IMPORTS_WRITE],
    capability=Capability.UPDATE,
    tag=RUNS,
)
def update_run(request: HttpRequest, response: HttpResponse, run_id: Path[int]) -> Status:
    run = find_run(request, run_id)
    if not access.may_update(request.user, run):
        raise ProblemError(
            "ROLE", "This Test includes students of other schools: a user who sees all of them may update it."
        )
    try:
        started = services.start_writing(test_run=run, user=cast(Any, request.user))
    except uploads.RunRefusedError as error:
        raise ProblemError("REFUSED", str(error)) from error
    return _started(response, started)


@operation(
    "POST",
    "/runs/{run_id}/revert",
    name="revert_run",
    summary="Undo what a run wrote; 201 with the run that does it",
    response=schemas.RunOut,
    status=201,
    scopes=[Scope.IMPORTS_WRITE],
    capability=Capability.REVERT_OWN,
    tag=RUNS,
)
def revert_run(request: HttpRequest, response: HttpResponse, run_id: Path[int]) -> Status:
    run = find_run(request, run_id)
    if run.applied and run.work != Work.REVERT and not access.may_revert(request.user, run):
        raise ProblemError("ROLE", "This run cannot be reverted by this token's user. An import admin can.")
    try:
        started = services.start_revert(run=run, user=cast(Any, request.user))
    except uploads.RunRefusedError as error:
        raise ProblemError("REFUSED", str(error)) from error
    return _started(response, started)


def _started(response: HttpResponse, run: ImportRun) -> Status:
    response["Location"] = reverse("api:get_run", args=[run.pk])
    return Status(201, run_facts(run))


@operation(
    "POST",
    "/runs/{run_id}/cancel",
    name="cancel_run",
    summary="Ask a run to stop; it ends as cancelled a moment later",
    response=schemas.RunOut,
    scopes=[scope for scope in ANY_OF_RUNS if scope != Scope.RUNS_READ],
    capability=Capability.TEST,
    tag=RUNS,
)
def cancel_run(request: HttpRequest, run_id: Path[int]) -> dict[str, Any]:
    run = find_run(request, run_id)
    if run.is_active and not access.may_cancel(request.user, run):
        raise ProblemError("ROLE", "This run was started by someone else. An import admin can cancel it.")
    if not run.is_active or not services.cancel_run(run=run):
        raise ProblemError(
            "REFUSED", "Too late: the run is already writing, or has ended. What it wrote can be reverted."
        )
    run.refresh_from_db()
    return run_facts(run)


# ---- held runs ----


@operation(
    "POST",
    "/runs/{run_id}/approve",
    name="approve_run",
    summary="Approve a held run that someone else started; it is queued and writes what its Test showed",
    response=schemas.RunOut,
    scopes=[Scope.APPROVE],
    capability=Capability.APPROVE,
    tag=RUNS,
)
def approve_run(request: HttpRequest, run_id: Path[int], form: Form[schemas.DecisionForm]) -> dict[str, Any]:
    return _decide(request, run_id, form, approvals.approve)


@operation(
    "POST",
    "/runs/{run_id}/reject",
    name="reject_run",
    summary="Reject a held run that someone else started; it ends, and nothing is written",
    response=schemas.RunOut,
    scopes=[Scope.APPROVE],
    capability=Capability.APPROVE,
    tag=RUNS,
)
def reject_run(request: HttpRequest, run_id: Path[int], form: Form[schemas.DecisionForm]) -> dict[str, Any]:
    return _decide(request, run_id, form, approvals.reject)


def _decide(
    request: HttpRequest, run_id: int, form: schemas.DecisionForm, decide: Callable[..., ImportRun]
) -> dict[str, Any]:
    run = find_run(request, run_id)
    token: Any = request.api_token  # type: ignore[attr-defined]
    if is_service(token.user):
        raise ProblemError("ROLE", "A service cannot decide on held runs: that takes a person.")
    if run.status == RunStatus.HELD and not access.may_approve(request.user, run):
        raise ProblemError("ROLE", "A second person who sees all students of the run has to decide on it.")
    try:
        return run_facts(decide(run=run, user=cast(Any, request.user), why=form.reason))
    except uploads.RunRefusedError as error:
        raise ProblemError("REFUSED", str(error)) from error
