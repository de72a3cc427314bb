"""The practice district in the product: what it is, its sample files, starting over."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from sisimport.accounts.access import Capability, can, requires
from sisimport.demo import district as demo
from sisimport.demo import practice
from sisimport.demo.tasks import start_over_task
from sisimport.imports.definition.registry import UnknownImportTypeError, get_type
from sisimport.imports.runs.queueing import Lane
from students.access import visible_school_ids
from students.models import Student

SHORT_WAIT_SECONDS = 10.0  # to wait for a worker to start a small district over; not for a large one


@requires(Capability.READ)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The current district, the sample files by import type, and the ways to start over."""
    lea = practice.practice_lea()
    if lea is None:
        raise Http404
    sees_all = visible_school_ids(request.user) is None
    if _may_start_over(request) and not practice.is_going_on():
        practice.give_schools_again(lea)  # after a large one was started over in the background
    context = {
        "lea": lea,
        "students": Student.objects.filter(lea=lea).count(),
        "samples": _samples() if sees_all and can(request.user, Capability.UPLOAD) else [],
        "may_start_over": _may_start_over(request),
        "may_reset": not settings.PRODUCTION,
        "going_on": practice.is_going_on(),
        "long": practice.takes_long(lea),
    }
    return render(request, "demo/practice.html", context)


def _samples() -> list[tuple[demo.Sample, str]]:
    """Sample files with the name of their import type."""
    found = []
    for sample in demo.all_samples():
        try:
            found.append((sample, get_type(sample.import_type).screen.label))
        except UnknownImportTypeError:
            continue
    return found


def _may_start_over(request: HttpRequest) -> bool:
    """Import admins of all schools."""
    return can(request.user, Capability.SETTINGS) and visible_school_ids(request.user) is None


@requires(Capability.UPLOAD)
@require_GET
def sample(request: HttpRequest, name: str) -> HttpResponseBase:
    """A sample file about the people of the practice district, for users who see all its schools; made on request."""
    lea = practice.practice_lea()
    samples = {one.name: one for one in demo.all_samples()}
    if lea is None or name not in samples or visible_school_ids(request.user) is not None:
        raise Http404
    path = demo.write_sample(samples[name], lea)
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/plain; charset=utf-8")


def _ask_worker(what: str, user_id: int) -> None:
    """Raises PracticeRefusedError if no worker can be reached."""
    try:
        start_over_task.apply_async(kwargs={"what": what, "user_id": user_id}, queue=str(Lane.LARGE), retry=False)
    except Exception as error:  # whatever a transport may raise
        practice.end()
        raise practice.PracticeRefusedError("The workers cannot be reached now: try again in a minute.") from error


@requires(Capability.SETTINGS)
@require_POST
def start_over(request: HttpRequest, what: str) -> HttpResponse:
    """Reset, or start empty, once the checkbox that says what will be lost is checked."""
    lea = practice.practice_lea()
    if lea is None:
        raise Http404
    if not _may_start_over(request):
        raise PermissionDenied
    if request.POST.get("sure") != "yes":
        messages.error(request, "Nothing was done: check the box that says what will be removed.")
        return redirect("practice")
    user_id: int = request.user.pk  # type: ignore[assignment]
    try:
        if what == "reset" and settings.PRODUCTION:
            raise practice.PracticeRefusedError("A production installation has no practice district.")
        practice.require_quiet()
        seconds = 0.0 if practice.takes_long(lea) else SHORT_WAIT_SECONDS
        practice.begin()
        # Done by a worker: page processes may not remove what runs wrote (sisimport/runtime/table_rights.py).
        _ask_worker(what, user_id)
        if not practice.has_ended_within(seconds):
            messages.success(request, "It is being started over in the background: check again in a minute.")
            return redirect("practice")
    except practice.PracticeRefusedError as error:
        messages.error(request, str(error))
        return redirect("practice")
    now = practice.practice_lea()
    if now is not None and now.pk == lea.pk:
        messages.error(request, "It could not be started over; the log of the workers says why. Nothing was changed.")
        return redirect("practice")
    if now is not None:
        practice.give_schools_again(now)
        students = Student.objects.filter(lea=now).count()
        messages.success(request, f"The practice district was reset, with {students:,} students.")
        return redirect("practice")
    messages.success(request, "The practice district was removed. The first steps of a district are below.")
    return redirect("home")
