"""Refused lines of a run, corrected in place: an editor for each line's fields, saved while typing, and a Test of
them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun
from sisimport.imports.runs import corrected_files, corrections, uploads
from sisimport.imports.runs.corrected_files import WHOLE_LINE, LineField
from sisimport.imports.runs.refused_lines import refused_line_numbers
from sisimport.imports.storage.files import StoredFileError
from sisimport.web.queries import report as queries
from sisimport.web.queries.bulk_corrections import proposed
from sisimport.web.queries.data_lines import TELLING
from sisimport.web.queries.diagnosis import BULK
from sisimport.web.queries.issues import ShownIssue, shown_issues
from sisimport.web.ssid_masking import Masking
from sisimport.web.views.runs import find_report, run_frame
from students.access import log_view

MOST_LINES = 10
_MOST_FIELDS = 600  # on one page: a browser submits them all
_SHORT = 20  # fields; in a longer line those that identify the student are folded separately from the rest


@dataclass(frozen=True, slots=True)
class EditedField:
    """One field as the page shows it. `was`: the file's value, if it was changed."""

    field: LineField
    value: str
    was: str = ""
    changed: bool = False
    wrong: bool = False
    telling: bool = False

    @property
    def whole(self) -> bool:
        return self.field.at == WHOLE_LINE


@dataclass(frozen=True, slots=True)
class EditedLine:
    """One refused line: what is wrong with it, and its fields."""

    number: int
    issues: Sequence[ShownIssue]
    fields: Sequence[EditedField]

    @property
    def first(self) -> list[EditedField]:
        """Fields that are wrong or were changed are open; if there are none, those that identify the student; else
        all."""
        open_ones = [field for field in self.fields if field.wrong or field.changed or field.whole]
        return open_ones or [field for field in self.fields if field.telling] or list(self.fields)

    @property
    def folded(self) -> list[tuple[str, list[EditedField], bool]]:
        """The other fields under their headings, and whether a wide screen shows them open."""
        shown = {field.field.at for field in self.first}
        rest = [field for field in self.fields if field.field.at not in shown]
        if len(self.fields) <= _SHORT:
            groups = [("The other fields", rest, True)]
        else:
            telling = [field for field in rest if field.telling]
            others = [field for field in rest if not field.telling]
            groups = [("Whose line it is", telling, True), (f"{len(others)} other fields", others, False)]
        return [group for group in groups if group[1]]

    @property
    def changed(self) -> bool:
        return any(field.changed for field in self.fields)


@requires(Capability.TEST)
@require_http_methods(["GET", "POST"])
def correct_lines(request: HttpRequest, pk: int) -> HttpResponse:
    """Show refused lines with their fields; save changes; test only the corrected lines."""
    run = find_report(request, pk)
    if not access.may_correct(request.user, run) or not corrections.can_be_corrected(run):
        raise Http404
    reader, masking = queries.Reader.of(request.user, run), Masking.of(run)
    numbers = refused_line_numbers(run, shown=reader.issues(), whole=reader.whole)
    try:
        if request.method == "POST":
            return _take(request, run, numbers, masking)
        page: Page[int] = Paginator(numbers, _per_page(run, numbers)).get_page(request.GET.get("page"))
        lines = _lines(run, list(page.object_list), reader, masking)
    except StoredFileError as error:
        messages.error(request, str(error))
        return redirect("run", pk=run.pk)
    if any(
        field.whole for line in lines for field in line.fields
    ):  # not split into fields, so nothing in it can be masked
        log_view(user=request.user, kind=AuditEntry.Kind.SSID, subject=f"run {run.pk}: whole lines to correct")
    corrected = set(corrections.drafts_of(run)) & set(numbers)
    context = run_frame(request, run, reader) | {
        "part": "lines",
        "page": page,
        "lines": lines,
        "refused": len(numbers),
        "corrected": len(corrected),
    }
    return render(request, "imports/run_lines.html", context)


@requires(Capability.TEST)
@require_POST
def correct_many(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct all refused lines of one cause that share a pattern; the user reviews them in the editor."""
    run = find_report(request, pk)
    code, pattern = request.POST.get("cause", ""), request.POST.get("pattern", "")
    if not access.may_correct(request.user, run) or not corrections.can_be_corrected(run) or pattern not in BULK:
        raise Http404
    reader = queries.Reader.of(request.user, run)
    refused = set(refused_line_numbers(run, shown=reader.issues(), whole=reader.whole))
    try:
        found = proposed(run, reader, refused, code=code, pattern=pattern)
    except StoredFileError as error:
        messages.error(request, str(error))
        return redirect("run", pk=run.pk)
    if not found:
        messages.info(request, "No problem of that kind is left in the refused lines.")
        return redirect("correct_lines", pk=run.pk)
    corrections.save_drafts(run, found, user=signed_in_user(request))
    subject = "1 line is" if len(found) == 1 else f"{len(found):,} lines are"
    messages.success(request, f"{subject} corrected below. Check the values, then press Test the corrected lines.")
    return redirect("correct_lines", pk=run.pk)


def _per_page(run: ImportRun, numbers: Sequence[int]) -> int:
    fields = max(len(run.facts.get("positions") or {}), 1)
    return max(min(MOST_LINES, _MOST_FIELDS // fields), 1) if numbers else 1


def _lines(run: ImportRun, numbers: list[int], reader: queries.Reader, masking: Masking) -> list[EditedLine]:
    texts, drafts = corrected_files.raw_records(run, numbers), corrections.drafts_of(run, numbers)
    rows = list(queries.IssueReport(run, reader).of_lines(numbers))
    issues: dict[int, list[Any]] = {}
    for raw, issue in zip(rows, shown_issues(run, reader, rows, {}, masking), strict=True):
        issues.setdefault(issue.line, []).append((raw.field, issue))
    return [
        _line(
            number,
            corrected_files.fields_of(run, texts[number]),
            drafts.get(number, {}),
            issues.get(number, []),
            masking,
        )
        for number in numbers
        if number in texts
    ]


def _line(
    number: int,
    fields: list[LineField],
    draft: Mapping[int, str],
    issues: list[tuple[str, ShownIssue]],
    masking: Masking,
) -> EditedLine:
    wrong = {field for field, _issue in issues if field}
    edited = []
    for field in fields:
        value = draft.get(field.at, field.value)
        changed = value != field.value
        edited.append(
            EditedField(
                field,
                value=_shown(field, value, masking),
                was=_shown(field, field.value, masking) if changed else "",
                changed=changed,
                wrong=field.key in wrong,
                telling=field.key in TELLING,
            )
        )
    return EditedLine(number, [issue for _field, issue in issues], edited)


def _shown(field: LineField, value: str, masking: Masking) -> str:
    return str(masking.value(field.key, value)) if field.at != WHOLE_LINE else value


def _take(request: HttpRequest, run: ImportRun, numbers: Sequence[int], masking: Masking) -> HttpResponse:
    """Save what was changed, whichever button was clicked; then do what the button says."""
    user = signed_in_user(request)
    sent = [int(line) for line in request.POST.getlist("line") if line.isdecimal() and len(line) < 10]
    here = sorted(set(sent) & set(numbers))[:MOST_LINES]
    _keep(request, run, here, masking)
    if "autosave" in request.POST:  # sent by the page while the user types
        corrected = len(set(corrections.drafts_of(run)) & set(numbers))
        return HttpResponse(f"Kept. {corrected:,} line{'s' if corrected != 1 else ''} corrected so far.", "text/plain")
    back = request.POST.get("take_back", "")
    if back.isdecimal() and len(back) < 10 and int(back) in numbers:
        corrections.save_draft(run, int(back), {}, user=user)
    if "take_back_all" in request.POST:
        corrections.forget_drafts(run)
        messages.success(request, "All lines are back to their original values.")
        return redirect("correct_lines", pk=run.pk)
    if "test" in request.POST:
        try:
            started = corrections.start_corrected_test(
                run=run, user=user, schools=access.visible_school_ids(user), lines=numbers
            )
        except uploads.RunRefusedError as error:
            messages.error(request, str(error))
        else:
            return redirect("run", pk=started.pk)
    elif back:
        messages.success(request, f"Line {back} is back to its original values.")
    else:
        messages.success(request, "Kept. Nothing is tested until you press Test.")
    page = request.POST.get("page", "")
    query = f"?page={page}" if page.isdecimal() and len(page) < 6 else ""
    return redirect(reverse("correct_lines", args=[run.pk]) + query)


def _keep(request: HttpRequest, run: ImportRun, numbers: list[int], masking: Masking) -> None:
    """Save the submitted fields. A value that comes back as it was shown, possibly masked, was not edited."""
    user = signed_in_user(request)
    texts, drafts = corrected_files.raw_records(run, numbers), corrections.drafts_of(run, numbers)
    for number in numbers:
        if number not in texts:
            continue
        before = drafts.get(number, {})
        values = {}
        for field in corrected_files.fields_of(run, texts[number]):
            current = before.get(field.at, field.value)
            sent = request.POST.get(f"f-{number}-{field.at}")
            value = current if sent is None or sent == _shown(field, current, masking) else sent.strip()
            if value != field.value:
                values[field.at] = value
        if values != before:
            corrections.save_draft(run, number, values, user=user)
