"""The upload screens: one for each import tool; and what a chosen file is recognized as, shown immediately."""

import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePosixPath

from django.conf import settings
from django.contrib import messages
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.files.issues import FileError
from sisimport.files.workbooks import is_workbook
from sisimport.imports.definition import registry
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import Tool
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import services, uploads
from sisimport.imports.runs.defaults import defaults_for, district_defaults
from sisimport.imports.storage import room
from sisimport.runtime import disk
from sisimport.web import held
from sisimport.web.bodies import takes_file
from sisimport.web.forms import UploadForm, Usual
from sisimport.web.queries.earlier import earlier_updates
from sisimport.web.queries.home import last_runs
from sisimport.web.queries.recognition import SAMPLE_BYTES, recognised, recognised_part
from students.access import visible_school_ids, visible_schools
from students.district_settings import report_words
from students.models import LEA

LAST_RUNS = 4
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _tool(key: str) -> Tool:
    for tool in registry.tools():
        if tool.key == key:
            return tool
    raise Http404


def _works(request: HttpRequest) -> tuple[Work, ...]:
    """What the user may choose to perform."""
    works = [Work.TEST] if access.can(request.user, Capability.TEST) else []
    if access.can(request.user, Capability.UPDATE):
        works += [Work.UPDATE, Work.IMPORT]
    return tuple(works)


@takes_file(lambda: settings.IMPORT_MAX_BYTES)
@requires(Capability.UPLOAD)
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, tool: str) -> HttpResponse:
    """Choose type, work and file; one button. A file that cannot be read is refused here, with the file reader's
    message."""
    chosen, schools = _tool(tool), visible_schools(request.user).select_related("lea")
    sent = request.POST if request.method == "POST" else request.GET
    kept = held.find(request, sent.get("held", ""))
    if request.method == "POST" and "show" not in request.POST:
        form = UploadForm(
            request.POST,
            request.FILES,
            tool=chosen,
            works=_works(request),
            schools=schools,
            held=kept is not None,
            usual=_usual(request, kept),
            words=report_words(_districts(request)),
        )
        valid = form.is_valid()
        kept = _keep(request, form) or kept
        if valid and not form.errors and kept is not None:
            run = _start(request, form, kept)
            if run is not None:
                held.release(request, kept)
                return redirect("run", pk=run.pk)
    else:
        type_key = sent.get("import_type") or request.GET.get("type", "")
        form = UploadForm(
            tool=chosen,
            works=_works(request),
            schools=schools,
            chosen=type_key,
            usual=_usual(request, kept),
            words=report_words(_districts(request)),
        )
    context = {
        "tool": chosen,
        "form": form,
        "kind": form.kind,
        "held": kept,
        "earlier": earlier_updates(request.user, kept.file.sha256) if kept else [],
        "last_runs": last_runs(request.user, limit=LAST_RUNS, tool_types=list(form.types)),
        "max_bytes": settings.IMPORT_MAX_BYTES,
        "sample_bytes": SAMPLE_BYTES,
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "imports/_upload_options.html", context)
    return render(request, "imports/upload.html", context, status=200 if not form.errors else 422)


def _districts(request: HttpRequest) -> set[int]:
    """LEAs that this user's files can be about."""
    ids = visible_school_ids(request.user)
    leas = LEA.objects.all() if ids is None else LEA.objects.filter(schools__in=sorted(ids))
    return set(leas.values_list("pk", flat=True))


def _usual(request: HttpRequest, kept: held.Held | None) -> Usual:
    """The initial values of a type's options, and which of them the district has chosen."""
    schools = visible_school_ids(request.user)

    def usual(kind: ImportType) -> tuple[dict[str, str], dict[str, str]]:
        own = district_defaults(kind, schools)
        return defaults_for(kind, kept.file if kept else None, schools=schools, own=own), own

    return usual


def _keep(request: HttpRequest, form: UploadForm) -> held.Held | None:
    """Keep the uploaded file before anything else can be refused; None without one, or with the reason on the form."""
    file = request.FILES.get("file")
    if file is None or "file" in form.errors:
        return None
    try:
        return held.hold(request, file)
    except FileError as error:
        form.add_error("file", f"{error} {error.fix}")
    except uploads.RunRefusedError as error:
        form.add_error(None, str(error))
    except (OSError, DatabaseError) as error:
        if not disk.says_full(error):
            raise
        form.add_error(None, f"{room.full_sentence()} The upload was not kept; try again then.")
    return None


def _start(request: HttpRequest, form: UploadForm, kept: held.Held) -> ImportRun | None:
    """Start the run; None if it cannot start, with the reason on the form."""
    work, kind = Work(form.cleaned_data["work"]), form.kind
    options = {} if "defaults" in request.POST else form.options()
    corrects = kept.file.lines_of
    if corrects is not None and corrects.import_type != kind.key and work == Work.TEST:
        # As below: what the lines are takes precedence over what was chosen.
        kind, options = registry.get_type(corrects.import_type), {}
    schools = visible_school_ids(request.user)
    with kept.opened() as stream:
        found = recognised(stream, name=kept.file.name, chosen=kind, options=options, schools=schools)
        convertible = kind.converts_workbooks and is_workbook(stream)
    if found.error and not convertible:
        if found.other is None or not found.other_sure or work != Work.TEST:
            form.add_error("file", f"{found.error} {found.fix}".strip())
            form.maps = found.maps
            return None
        # A Test changes nothing, so what the file is takes precedence over what was chosen.
        kind, options = found.other, {}
        messages.info(
            request, f"The file is for {kind.screen.label}, so it is tested as that type, with the usual options."
        )
    try:
        if work == Work.UPDATE:
            return _start_update(request, kind, options, kept)
        return services.start_run(
            file=kept.file,
            import_type=kind.key,
            work=work,
            options=options,
            user=signed_in_user(request),
            schools=schools,
            report_words=form.report_words,
        )
    except uploads.RunRefusedError as error:
        form.add_error(None, str(error))
    return None


def _start_update(request: HttpRequest, kind: ImportType, options: Mapping[str, str], kept: held.Held) -> ImportRun:
    """Apply the newest Test of exactly this file that the user may apply (rule W-3). The file is not stored a second
    time."""
    schools = visible_school_ids(request.user)
    cleaned = services.clean_options(kind, options, file=kept.file, schools=schools)
    test = access.applicable_test(request.user, sha256=kept.file.sha256, import_type=kind.key, options=cleaned)
    if test is None:
        raise uploads.RunRefusedError(services.NO_TEST)
    return services.start_update(test_run=test, user=signed_in_user(request))


@takes_file(lambda: SAMPLE_BYTES)
@requires(Capability.UPLOAD)
@require_POST
def recognise(request: HttpRequest, tool: str) -> HttpResponse:
    """What a file is, from its beginning: the browser sends the first part, its name and its size. Nothing is kept."""
    chosen = _tool(tool)
    types = {kind.key: kind for kind in registry.listed_types(chosen.key)}
    part = request.FILES.get("part")
    kind = types.get(request.POST.get("import_type", ""))
    if part is None or kind is None:
        raise Http404
    size = request.POST.get("size", "")
    name = PurePosixPath(request.POST.get("name", "")).name
    data = BytesIO(part.read(SAMPLE_BYTES + 1))
    found = recognised_part(data, name=name, size=int(size) if size.isdecimal() else 0, chosen=kind)
    sha256 = request.POST.get("sha256", "")
    earlier = earlier_updates(request.user, sha256) if _SHA256.fullmatch(sha256) else []
    return render(request, "imports/_recognised.html", {"found": found, "tool": chosen, "earlier": earlier})
