"""A run's pages: results with live progress, changes, students absent from the file; and what can be done next."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.accounts.step_up import ask
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import UnknownImportTypeError, get_tool, get_type
from sisimport.imports.engine import planning
from sisimport.imports.models import CorrectedLine, ImportFile, ImportRun, RunHold, RunStatus, Work
from sisimport.imports.runs import corrections, crashes, freshness, hindrances, holding, queueing, services, uploads
from sisimport.imports.runs.corrected_files import Correction
from sisimport.imports.runs.decisions import DecisionRefusedError
from sisimport.imports.runs.report import layout_of, why_no_lines
from sisimport.web import panels, states
from sisimport.web.forms import IssueFilterForm
from sisimport.web.queries import report as queries
from sisimport.web.queries.conversion import shown_conversion
from sisimport.web.queries.data_lines import shown_lines
from sisimport.web.queries.diagnosis import diagnosed
from sisimport.web.queries.issues import shown_issues, words_of
from sisimport.web.queries.keeping import kept_until
from sisimport.web.queries.options import option_text
from sisimport.web.queries.progress import progress_of
from sisimport.web.queries.remedies import actions_for, remedy_options
from sisimport.web.queries.reverts import Kept, kept_by, reverts_of, updates_of
from sisimport.web.ssid_masking import Masking

PER_PAGE = 25
_NAMED_RUNS = 5
_LISTED_LINES = 25  # corrected lines on one page of their list
CORRECTED_PAGE = "corrected"  # in the address: the issues below have their own page parameter
_STEP = 5  # percent between two announcements of progress
_SECONDS = 10  # between two that report only the time


def find_run(request: HttpRequest, pk: int) -> ImportRun:
    """The run, if it is one of the user's; else 404, as if it did not exist."""
    runs = access.visible_runs(request.user).select_related(
        "file", "created_by", "test_run", "reverts", "converts", "made_file", "corrects"
    )
    return get_object_or_404(runs, pk=pk)


def find_report(request: HttpRequest, pk: int) -> ImportRun:
    """The run, if it has a report of lines: a conversion has none."""
    run = find_run(request, pk)
    if run.work == Work.CONVERT:
        raise Http404
    return run


def type_of(run: ImportRun) -> ImportType | None:
    try:
        return get_type(run.import_type)
    except UnknownImportTypeError:
        return None


@requires(Capability.READ)
@require_GET
def run_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Facts, outcome, causes, next steps and issues of a run; its progress while it runs."""
    return issues_part(request, find_run(request, pk))


def issues_part(request: HttpRequest, run: ImportRun, *, shown: bool = False) -> HttpResponse:
    """The results page. `shown`: with whole SSIDs."""
    reader, masking = queries.Reader.of(request.user, run), Masking.of(run, shown=shown)
    context = run_frame(request, run, reader) | {"part": "issues", "masking": masking}
    context["cards"] = panels.cards(panels.RUN, request, run) if not run.is_active else []
    if run.is_active:
        return render(request, "imports/run.html", context | _progress(run))
    if run.work == Work.CONVERT and run.status == RunStatus.COMPLETED:
        made = shown_conversion(run) if reader.whole else None
        may_test = made is not None and access.may_convert(request.user, run)
        return render(request, "imports/conversion.html", context | {"conversion": made, "may_test": may_test})
    form = IssueFilterForm(request.GET, run=run, reader=reader, text=request.session.get(_text_key(run), ""))
    issues = queries.IssueReport(run, reader, form.wanted())
    page: Page[Any] = Paginator(cast(Sequence[Any], issues), PER_PAGE).get_page(request.GET.get("page"))
    context |= {
        "words": words_of(run) if run.status == RunStatus.COMPLETED else None,
        "may_choose_words": access.may_choose_words(request.user, run),
        "form": form,
        "report": issues,
        "page": page,
        "issues": _shown_issues(run, reader, page, masking),
        "filtered": form.is_filtering,
        "causes": causes_of(run, reader, issues),
        "no_lines": why_no_lines(run),
    }
    return render(request, "imports/run.html", context)


def _shown_issues(run: ImportRun, reader: queries.Reader, page: Page[Any], masking: Masking) -> list[Any]:
    rows = list(page.object_list)
    lines = shown_lines(run, (issue.line for issue in rows if issue.line > 0), masking)
    return shown_issues(run, reader, rows, lines, masking)


def causes_of(run: ImportRun, reader: queries.Reader, report: queries.IssueReport) -> list[dict[str, Any]]:
    """Causes of errors and warnings with what their issues have in common, and what can be done about all of them at once."""
    kind = type_of(run)
    offers = kind is not None and reader.whole and run.work == Work.TEST and run.status == RunStatus.COMPLETED
    return [
        {"found": one, "actions": actions_for(kind, run, one.cause) if offers and kind is not None else []}
        for one in diagnosed(run, reader, report.causes)
    ]


def run_frame(request: HttpRequest, run: ImportRun, reader: queries.Reader) -> dict[str, Any]:
    """What every page of a run shows around its own part."""
    kind = type_of(run)
    layout = layout_of(run)
    user = request.user
    live_updates = updates_of(run) if run.work == Work.TEST else []
    reverts = reverts_of(run)
    converts = run.work == Work.CONVERT
    return {
        "run": run,
        "icon": static(states.icon_of(run)),
        "ending": "" if run.is_active else states.ending_of(run),
        "kind": kind,
        "tool": get_tool(kind.screen.tool) if kind else None,
        "layout": layout,
        "options": _shown_options(kind, run) if kind else [],
        "whole": reader.whole,
        "updates": live_updates,
        "reverts": reverts,
        "kept": _kept(request, run),
        "outdated": None if live_updates else _outdated(request, run, whole=reader.whole),
        "may_update": _can_be_updated(run) and not live_updates and access.may_update(user, run),
        "update_label": _update_work(kind),
        "may_revert": reverts.left and access.may_revert(user, run),
        "may_cancel": access.may_cancel(user, run) and not run.cancel_requested and not run.is_past_recall,
        "may_test": access.can(user, Capability.TEST) and run.file_id is not None and kind is not None and not converts,
        "may_set_defaults": access.can(user, Capability.SETTINGS),
        "may_export": access.can(user, Capability.EXPORT) and not converts,
        "absent_count": (run.facts or {}).get("absent_count") if reader.whole else None,
        "lists_absent": bool(
            kind
            and planning.lists_absent(kind, run)
            and run.work not in (Work.REVERT, Work.CONVERT)
            and run.status == RunStatus.COMPLETED
        ),
        **_hold(run),
        "own_hold": holding.is_own(run, user),
        "may_approve": access.may_approve(user, run),
        "crash": crashes.sentence(run),
        "not_imported": run.refused_count + run.set_aside_count,
        "corrected": _corrected(request, run, reader),
        **_may_map(request, run, kind, reader),
        "may_add_year": _may_add_year(request, run, kind),
        "may_correct": _may_correct(request, run, kind, reader),
        "kept_until": kept_until(run, user),
    }


def _hold(run: ImportRun) -> dict[str, Any]:
    """Why the run was held, and what was decided; only for runs that can be held."""
    if not run.writes or run.work == Work.REVERT:
        return {"hold": None}
    hold = RunHold.objects.filter(run=run).select_related("decided_by").first()
    return {"hold": hold, "hold_reasons": holding.reasons_in(hold)}


def _corrected(request: HttpRequest, run: ImportRun, reader: queries.Reader) -> dict[str, Any] | None:
    """What was corrected in the lines of this run, for users who see all of it; SSIDs masked."""
    if run.corrects_id is None or run.status != RunStatus.COMPLETED or not reader.whole:
        return None
    masking = Masking.of(run)

    def shown(one: Correction, text: str) -> str:
        return str(masking.value(one.key, text)) if one.key else masking.line(text)

    noted = CorrectedLine.objects.filter(file=run.file_id).order_by("line")
    page: Page[CorrectedLine] = Paginator(noted, _LISTED_LINES).get_page(request.GET.get(CORRECTED_PAGE))
    entries = [
        (line.line, replace(one, before=shown(one, one.before), after=shown(one, one.after)))
        for line in page
        for one in (Correction(**field) for field in line.fields)
    ]
    return {"page": page, "entries": entries}


def _may_map(request: HttpRequest, run: ImportRun, kind: ImportType | None, reader: queries.Reader) -> dict[str, bool]:
    """Can the user map the columns of the run's file, for a refused file or one that was read by a mapping? And has the
    mapping changed since?"""
    may = bool(
        kind and kind.columns_page and reader.whole and run.file_id and access.can(request.user, Capability.TEST)
    )
    codes = kind.columns_codes if kind else ()
    refused = run.status == RunStatus.REJECTED and any(one["code"] in codes for one in run.summary.get("issues", []))
    read = run.status == RunStatus.COMPLETED and run.work == Work.TEST and "mapping" in (run.facts or {})
    changed = read and kind is not None and run.layout not in kind.layouts
    return {"may_map": may and refused, "may_remap": may and read, "mapping_changed": changed}


def _may_add_year(request: HttpRequest, run: ImportRun, kind: ImportType | None) -> bool:
    """Was the file refused for a reason that adding its school year may resolve, and can the user add one?"""
    if kind is None or not kind.years_page or run.status != RunStatus.REJECTED:
        return False
    refused = any(one["code"] in kind.years_codes for one in run.summary.get("issues", []))
    return refused and access.can(request.user, Capability.SETTINGS) and access.works_for_all_districts(request.user)


def _may_correct(request: HttpRequest, run: ImportRun, kind: ImportType | None, reader: queries.Reader) -> bool:
    return (
        kind is not None
        and reader.whole
        and corrections.can_be_corrected(run)
        and access.can(request.user, Capability.TEST)
        and run.refused_count + run.set_aside_count > 0
    )


def _outdated(request: HttpRequest, run: ImportRun, *, whole: bool) -> dict[str, Any] | None:
    """What changed since a Test, for users who see all of it; runs are named only to users who may open them."""
    found = freshness.glance(run) if whole else None
    if found is None:
        return None
    numbers = [one.pk for one in found.runs]
    openable = set(access.visible_runs(request.user).filter(pk__in=numbers).values_list("pk", flat=True))
    return {
        "runs": [one for one in found.runs if one.pk in openable][:_NAMED_RUNS],
        "more_runs": max(len(openable) - _NAMED_RUNS, 0),
        "edits": found.edits,
        "lines": found.lines,
        "whole": found.whole,
        "too_many": found.too_many,
    }


def _kept(request: HttpRequest, run: ImportRun) -> Kept | None:
    """What a Revert kept; later runs are named only to users who may open them."""
    held = (run.facts or {}).get("kept", {}) if run.work == Work.REVERT else {}
    later = access.visible_runs(request.user).filter(pk__in=held.get("later_runs", ()))
    return kept_by(run, set(later.values_list("pk", flat=True)) if held.get("later_runs") else ()) if held else None


def _shown_options(kind: ImportType, run: ImportRun) -> list[tuple[str, str]]:
    """Label and value of the run's options. Of options under one heading only the chosen ones are shown."""
    shown: list[tuple[str, str]] = []
    for option in kind.options:
        value = run.options.get(option.name, option.default)
        text = option_text(option, value) + (" (district default)" if option.name in run.district_options else "")
        if not option.group:
            shown.append((option.label, text))
        elif value != option.default:
            shown.append((option.group, f"{option.label}: {text}"))
    return shown


def _can_be_updated(run: ImportRun) -> bool:
    return run.work == Work.TEST and run.status == RunStatus.COMPLETED and run.planned_count > 0


def _update_work(kind: ImportType | None) -> str:
    """What the screen calls writing: Update, or Import on the score screen."""
    return kind.writing_work if kind else Work.UPDATE.label


# ---- progress ----


def _progress(run: ImportRun) -> dict[str, Any]:
    bar, waits = progress_of(run), why_waiting(run)
    state = f"{run.status}-{run.phase}-{bar.percent // _STEP}-{int(run.cancel_requested)}-{bar.elapsed // _SECONDS}"
    # Words that change over time (place in line, minutes, disk space) are sent again; a checksum detects the change.
    state += f"-{zlib.crc32(waits.encode())}" if waits else ""
    icon = static(states.icon_of(run, bar.percent))
    return {"bar": bar, "seen": state, "waits": waits, "icon": icon}


def why_waiting(run: ImportRun) -> str:
    """What a queued run waits for: a missing resource, its turn, or other runs for the same students."""
    if run.status != RunStatus.QUEUED or run.cancel_requested:
        return ""
    if lack := hindrances.sentence(run):
        return lack
    forecast = queueing.forecasts().get(run.pk)
    if forecast:
        return forecast.sentence
    return "Another run writes first: it is about the same students or started before this one."


@requires(Capability.READ)
@require_GET
def run_status(request: HttpRequest, pk: int) -> HttpResponse:
    """Only the progress, polled every second. Empty while nothing changed; at the end the page reloads."""
    run = find_run(request, pk)
    if not run.is_active:
        return HttpResponseClientRefresh()
    progress = _progress(run)
    if request.GET.get("seen") == progress["seen"]:
        return HttpResponse(status=204)
    return render(request, "imports/_progress.html", {"run": run, **progress})


# ---- the filter's text ----


def _text_key(run: ImportRun) -> str:
    return f"run-text-{run.pk}"


@requires(Capability.READ)
@require_POST
def filter_issues(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the filter. Its text may be a name, so it is kept in the session and not in the address."""
    run = find_report(request, pk)
    form = IssueFilterForm(request.POST, run=run, reader=queries.Reader.of(request.user, run))
    clear = "clear" in request.POST
    if clear or not form.search_text:
        request.session.pop(_text_key(run), None)
    else:
        request.session[_text_key(run)] = form.search_text
    query = "" if clear else form.query
    return redirect(reverse("run", args=[run.pk]) + (f"?{query}" if query else "") + "#issues")


# ---- what next ----


def open_started(request: HttpRequest, run: ImportRun, start: Callable[[], ImportRun]) -> HttpResponse:
    """Start a run from the page of `run` and open it; if it is refused, that page says why."""
    try:
        started = start()
    except (uploads.RunRefusedError, UnknownImportTypeError) as error:
        return back_to(request, run, str(error))
    return redirect("run", pk=started.pk)


def back_to(request: HttpRequest, run: ImportRun, error: str) -> HttpResponse:
    """The page of the run, with an error at the top."""
    messages.error(request, error)
    return redirect("run", pk=run.pk)


def test_of(request: HttpRequest, run: ImportRun, file: ImportFile) -> ImportRun:
    """Start a Test of the file with the type and options of `run`, or with the option that resolves the submitted cause
    (`answer`: the user's choice). Raises RunRefusedError, UnknownImportTypeError."""
    return services.start_run(
        file=file,
        import_type=run.import_type,
        work=Work.TEST,
        options={**run.options, **remedy_options(type_of(run), *_cause_and_answer(request))},
        user=signed_in_user(request),
        schools=access.visible_school_ids(request.user),
        report_words=run.report_words,
    )


def _cause_and_answer(request: HttpRequest) -> tuple[str, str]:
    return request.POST.get("cause", ""), request.POST.get("answer", "")


@requires(Capability.UPDATE)
@require_POST
def start_update(request: HttpRequest, pk: int) -> HttpResponse:
    run = find_run(request, pk)
    if not access.may_update(request.user, run):
        return back_to(
            request, run, "This Test includes students of other schools: a user who sees all of them may update it."
        )
    return open_started(request, run, lambda: services.start_writing(test_run=run, user=signed_in_user(request)))


@requires(Capability.TEST)
@require_POST
def test_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Test the same file with the same options, after students were corrected; or with the option that resolves a
    cause."""
    run = find_run(request, pk)
    file = run.file
    if file is None or run.work == Work.CONVERT or not access.sees_whole_run(request.user, run):
        return back_to(request, run, "This run has no file that you may test again.")
    return open_started(request, run, lambda: test_of(request, run, file))


@requires(Capability.TEST)
@require_POST
def retest_lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Test again only the lines of a Test whose students changed since."""
    run = find_run(request, pk)
    if not access.sees_whole_run(request.user, run):
        return back_to(
            request, run, "This Test includes students of other schools: a user who sees all of them may test it again."
        )
    try:
        count = freshness.retest_lines(run_id=run.pk)
    except DecisionRefusedError as error:
        return back_to(request, run, str(error))
    done = f"{count:,} lines were" if count != 1 else "1 line was"
    messages.success(request, f"{done} tested again: the report below shows the current state.")
    return redirect("run", pk=run.pk)


@requires(Capability.REVERT_OWN)
@require_POST
def start_revert(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo a run, or only what the named lines wrote (`line`, repeated)."""
    run = find_run(request, pk)
    if not access.may_revert(request.user, run):
        return back_to(request, run, "You cannot revert this run. An import admin can revert other people's runs.")
    if run.created_by_id != request.user.pk:
        ask(request)
    lines = [int(line) for line in request.POST.getlist("line") if line.isdecimal() and len(line) < 10]
    return open_started(request, run, lambda: services.start_revert(run=run, user=signed_in_user(request), lines=lines))


@requires(Capability.TEST)
@require_POST
def cancel_run(request: HttpRequest, pk: int) -> HttpResponse:
    run = find_run(request, pk)
    if access.may_cancel(request.user, run) and not services.cancel_run(run=run):
        messages.info(
            request, "Too late to cancel: the run is already writing, or has ended. What it wrote can be reverted."
        )
    return redirect("run", pk=run.pk)
