"""Adding a year: look at a file, answer open questions, and the layouts added so far."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from assessments.models import AddedLayout
from assessments.new_year import services
from assessments.new_year.kinds import kind_of
from assessments.new_year.looking import Look, NotAHeaderError
from assessments.new_year.proposing import Answers, Proposal
from assessments.pages.new_year_forms import AnswerForm, LookForm
from assessments.pages.new_year_lists import LAYOUTS, Added, all_added, chosen
from assessments.research.added import is_research
from assessments.structure import LayoutTest
from sisimport.accounts.access import Capability, for_all_districts, requires, signed_in_user
from sisimport.files.issues import FileError
from sisimport.files.layouts import Layout
from sisimport.imports.definition.registry import get_type
from sisimport.web.bodies import takes_file
from sisimport.web.lists import Listing
from students.school_years import year_label

_UNFIT = 422


@takes_file(lambda: settings.IMPORT_MAX_BYTES)
@requires(Capability.SETTINGS)
@for_all_districts
@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponseBase:
    """The added layouts, and a form to add another."""
    listing = Listing(request, LAYOUTS)
    if listing.is_sent and (answer := listing.answer()):
        return answer
    form = LookForm(listing.other_form, request.FILES or None)
    if form.is_bound and form.is_valid():
        draft = _look(request, form)
        if draft is not None:
            return redirect("added_layout", draft.pk)
    added = all_added()
    found = chosen(added, listing)
    if listing.exports:
        return listing.export(map(Added.cells, found))
    context = {
        "form": form,
        "listing": listing,
        "page": listing.page(found),
        "years": sorted({(one.school_year, one.year) for one in added}, reverse=True),
    }
    return render(request, "assessments/added_layouts.html", context, status=_UNFIT if form.errors else 200)


def _look(request: HttpRequest, form: LookForm) -> AddedLayout | None:
    """The draft of a layout; None if the file cannot be used, with the reason on the form."""
    data = form.cleaned_data
    file, year = data["file"], data["school_year"]
    try:
        look = services.take_look(file.file)
        like = services.choose_like(look, year, data["like"])
        services.proposal(look=look, like=like, year=year, name=file.name, answers=Answers())
    except (NotAHeaderError, FileError, services.NotAddedError) as error:
        form.add_error("file", str(error))
        return None
    return services.keep_draft(look=look, like=like, year=year, name=file.name, user=signed_in_user(request))


@requires(Capability.SETTINGS)
@for_all_districts
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft: how the file differs from the other year's, and the questions to answer; then it is added."""
    draft = get_object_or_404(AddedLayout, pk=pk, text="")
    like = services.known_layouts().get(draft.like)
    if like is None:
        raise Http404
    look = Look.read(draft.draft)
    try:
        made = _proposed(draft, look, like, Answers())
        form = AnswerForm(request.POST or None, proposal=made, tests=_tests(made, draft, like))
        answered = None
        if request.method == "POST" and form.is_valid():
            answered = _proposed(draft, look, like, form.answers())
            if not answered.questions:
                row = services.add(answered, name=draft.file_name, user=signed_in_user(request), draft=draft)
                return _added(request, row)
    except services.NotAddedError as error:
        messages.error(request, str(error))
        return redirect("added_layouts")
    questions = answered.questions if answered else tuple(question for question in made.questions if not question.field)
    context = {
        "draft": draft,
        "like": like,
        "family": kind_of(draft.key).family_name(draft.key),
        "year": year_label(draft.school_year),
        "records": look.records,
        "form": form,
        "found": made.summary(),
        "questions": questions,
        "hindered": not answered and not all(question.named for question in questions),
    }
    return render(request, "assessments/added_layout.html", context, status=_UNFIT if request.method == "POST" else 200)


def _proposed(draft: AddedLayout, look: Look, like: Layout, answers: Answers) -> Proposal:
    return services.proposal(look=look, like=like, year=draft.school_year, name=draft.file_name, answers=answers)


def _tests(made: Proposal, draft: AddedLayout, like: Layout) -> tuple[LayoutTest, ...]:
    """The tests whose levels are asked for: those of the new layout or, if not yet known, those of the other year's."""
    return made.tests or kind_of(draft.key).tests_of(replace(like, key=draft.key))


def _added(request: HttpRequest, row: AddedLayout) -> HttpResponse:
    kind: Any = get_type(services.import_type_of(row.key))
    address = f"{reverse('upload', args=[kind.screen.tool])}?type={kind.key}"
    text = (
        '{} was added: {} now reads its files. <a href="{}">Import one</a>'
        if is_research(row.key)
        else '{1} was added and is now in the list of import types. <a href="{2}">Import a file of it</a>'
    )
    messages.success(request, format_html(text, kind_of(row.key).title(row.key), kind.screen.label, address))
    return redirect("added_layouts")


@requires(Capability.SETTINGS)
@for_all_districts
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo adding, or discard a draft."""
    row = get_object_or_404(AddedLayout, pk=pk)
    was_added, key = bool(row.text), row.key
    try:
        services.remove(row)
    except services.NotAddedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{key} was removed." if was_added else "Nothing was added.")
    return redirect("added_layouts")
