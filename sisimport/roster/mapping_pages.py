"""Pages of column mappings: naming the columns of a file, and the list of mappings."""

from operator import itemgetter
from pathlib import PurePath

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.files.issues import FileError
from sisimport.imports.definition.recognition import recognise_file
from sisimport.imports.definition.registry import get_type, look_again
from sisimport.imports.models import ImportFile, ImportRun, Work
from sisimport.imports.runs import services as runs
from sisimport.imports.runs.uploads import RunRefusedError, scan
from sisimport.imports.storage.files import StoredFileError, open_file
from sisimport.roster import mapping_lists
from sisimport.roster.forms import RenameForm, SharedForm
from sisimport.roster.import_type import MAPPING
from sisimport.roster.mapping import services, sharing
from sisimport.roster.mapping.content import MappingError, from_text
from sisimport.roster.mapping.layouts import ROSTER, roster_layout
from sisimport.roster.mapping.looking import look_at
from sisimport.roster.mapping.proposing import Records, propose
from sisimport.roster.mapping_form import PREVIEW, answers_in, shown
from sisimport.roster.models import MappingVersion
from sisimport.web import held
from sisimport.web.bodies import takes_file
from sisimport.web.lists import Listing
from sisimport.web.views.runs import find_run
from students.access import visible_school_ids, visible_schools
from students.models import LEA

_UNFIT = 422
_TYPES = {"toml": "application/toml", "json": "application/json"}


# ---- naming the columns of a file ----


class _Source:
    """The file whose columns are named: one that the user just chose, or that of one of the user's runs."""

    def __init__(self, request: HttpRequest) -> None:
        """Raises Http404."""
        sent = request.POST if request.method == "POST" else request.GET
        self.token, number = sent.get("t", ""), sent.get("run", "")
        self.held = held.find(request, self.token) if self.token else None
        self.run: ImportRun | None = None
        if self.held is None and number.isdecimal() and len(number) < 19:
            self.run = find_run(request, int(number))
            if not access.may_correct(request.user, self.run) or self.run.import_type != ROSTER:
                raise Http404
        file = self.held.file if self.held else self.run.file if self.run else None
        if file is None:
            raise Http404
        self.file: ImportFile = file
        line = sent.get("line", "")
        self.line = int(line) if line.isdecimal() and len(line) < 4 else 0


@requires(Capability.TEST)
@require_http_methods(["GET", "POST"])
def map_columns(request: HttpRequest) -> HttpResponse:
    """Say which column holds what; shows the first lines as they would be read. When confirmed, the mapping is saved
    and the file tested."""
    if not (request.POST if request.method == "POST" else request.GET):
        messages.info(request, "Choose the file first: if its columns are not known, this page opens.")
        return redirect("upload", tool="roster")
    source = _Source(request)
    try:
        with open_file(source.file) as stream:
            look = look_at(stream, line=source.line)
            replaced = _replaced(request, source)
            base = from_text(replaced.text) if replaced else None
            answers = answers_in(request.POST, look) if request.method == "POST" else None
            name = PurePath(source.file.member or source.file.name).stem[:80]
            made = propose(stream, look, _records(request), answers=answers, base=base, name=name)
    except (MappingError, StoredFileError) as error:
        return render(request, "roster/map_columns.html", {"source": source, "problem": str(error)}, status=_UNFIT)
    except FileError as error:
        problem = f"{error} {error.fix}".strip()
        return render(request, "roster/map_columns.html", {"source": source, "problem": problem}, status=_UNFIT)
    problem = ""
    if request.method == "POST" and PREVIEW not in request.POST and not made.flaws and not made.unasked:
        try:
            version = services.save(
                made.content, user=signed_in_user(request), replaces=replaced, leas=_lea_codes(request)
            )
            return _tested(request, source, version)
        except (MappingError, RunRefusedError) as error:
            problem = str(error)
    context = {
        "source": source,
        "made": made,
        "replaced": replaced,
        "leas": _leas(request),
        "problem": problem,
        "confirmed": request.method == "POST" and PREVIEW not in request.POST,
        **shown(made, _records(request)),
    }
    return render(request, "roster/map_columns.html", context, status=_UNFIT if context["confirmed"] else 200)


def _replaced(request: HttpRequest, source: _Source) -> MappingVersion | None:
    """The mapping that gets a next version: the requested one, or the one by which the run read the file."""
    sent = request.POST if request.method == "POST" else request.GET
    chosen, mine = sent.get("mapping", ""), services.visible_to(request.user)
    if request.method == "POST" or chosen:
        if not chosen:
            return None
        pk, _, number = chosen.partition(".")
        found = mine.filter(mapping=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
        if found is None:
            raise Http404
        if number and number != str(found.number):
            raise MappingError(
                f"Someone else has changed {found.mapping.name} in the meantime. Open this page again from there."
            )
        return found
    used = (source.run.facts or {}).get("mapping") if source.run else None
    return mine.filter(mapping__name=used["name"]).first() if used else None


def _tested(request: HttpRequest, source: _Source, version: MappingVersion) -> HttpResponse:
    """Test the file by this mapping, and report it."""
    look_again()
    schools = visible_school_ids(request.user)
    with open_file(source.file) as stream:
        found = recognise_file(stream, expected=ROSTER, schools=schools).recognition
    by_itself = found.error is None and found.layout is not None and version.sha in found.layout.key
    options = dict(source.run.options) if source.run else {}
    options[MAPPING.name] = "" if by_itself else version.mapping.name
    allowed = {option.name for option in get_type(ROSTER).options}
    run = runs.start_run(
        file=source.file,
        import_type=ROSTER,
        work=Work.TEST,
        options={name: value for name, value in options.items() if name in allowed},
        user=signed_in_user(request),
        schools=schools,
    )
    if source.held is not None:
        held.release(request, source.held)
    text = 'The mapping is saved: <a href="{}">{}</a>. From now on it reads files with this header line.'
    messages.success(
        request, format_html(text, reverse("column_mapping", args=[version.mapping_id]), version.mapping.name)
    )
    return redirect("run", pk=run.pk)


def _records(request: HttpRequest) -> Records:
    return Records(list(visible_schools(request.user).select_related("lea")), _leas(request))


def _leas(request: HttpRequest) -> list[LEA]:
    """Districts of the user's schools."""
    ids = visible_school_ids(request.user)
    leas = LEA.objects.all() if ids is None else LEA.objects.filter(schools__in=sorted(ids)).distinct()
    return list(leas.order_by("code"))


def _lea_codes(request: HttpRequest) -> set[str] | None:
    return services.leas_of(visible_school_ids(request.user))


# ---- the mappings there are ----


@takes_file(lambda: sharing.MOST_BYTES)
@requires(Capability.TEST)
@require_http_methods(["GET", "POST"])
def column_mappings(request: HttpRequest) -> HttpResponseBase:
    """The mappings of the user's districts, and a form to add one that was shared."""
    listing = Listing(request, mapping_lists.MAPPINGS)
    if listing.is_sent and (answer := listing.answer()):
        return answer
    form = SharedForm(listing.other_form, request.FILES or None, leas=_leas(request))
    if form.is_bound and form.is_valid() and (version := _brought(request, form)):
        messages.success(request, f"The mapping {version.mapping.name} is saved. It reads files with its header line.")
        return redirect("column_mapping", pk=version.mapping_id)
    mine = services.visible_to(request.user)
    names = dict(LEA.objects.filter(code__in=mine.values("mapping__lea")).values_list("code", "name"))
    found = mapping_lists.chosen(mine.select_related("made_by"), listing)
    if listing.exports:
        return listing.export(mapping_lists.rows(found, names))
    page = listing.page(found)
    context = {
        "form": form,
        "listing": listing,
        "page": page,
        "shown": [(one, mapping_lists.district_of(one, names), mapping_lists.person_of(one)) for one in page],
        "districts": [*sorted(names.items(), key=itemgetter(1)), (mapping_lists.EVERY_DISTRICT, "every district")],
    }
    return render(request, "roster/column_mappings.html", context, status=_UNFIT if form.errors else 200)


def _brought(request: HttpRequest, form: SharedForm) -> MappingVersion | None:
    """The mapping of the uploaded file; None if it cannot be saved, with the reason on the form."""
    data = form.cleaned_data
    constants = {"school": data["school"]} if data["school"] else {}
    try:
        scan(data["file"].file)
        content = sharing.adopted(
            sharing.read(data["file"].file), lea=data["lea"], name=data["name"], constants=constants
        )
        return services.save(
            content, user=signed_in_user(request), what=services.What.BROUGHT, leas=_lea_codes(request)
        )
    except (MappingError, FileError) as error:
        form.add_error("file", str(error))
        return None


def _version(request: HttpRequest, pk: int) -> MappingVersion:
    found = services.visible_to(request.user).filter(mapping=pk).first()
    if found is None:
        raise Http404
    return found


@requires(Capability.TEST)
@require_GET
def column_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """A mapping's content, its versions, and what can be done with it."""
    return _mapping_page(request, _version(request, pk))


def _mapping_page(request: HttpRequest, version: MappingVersion, problem: str = "") -> HttpResponse:
    content, roster = from_text(version.text), roster_layout()
    fields = [
        (column.label, content.columns.get(key, ""), content.constants.get(key, ""))
        for key, column in roster.fields.items()
        if key in content.columns or key in content.constants
    ]
    values = [(roster.fields[key].label, sorted(texts.items())) for key, texts in content.values.items()]
    context = {
        "version": version,
        "content": content,
        "fields": fields,
        "values": values,
        "versions": version.mapping.versions.select_related("made_by"),
        "problem": problem,
    }
    return render(request, "roster/column_mapping.html", context, status=_UNFIT if problem else 200)


@requires(Capability.TEST)
@require_POST
def rename_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    version, form = _version(request, pk), RenameForm(request.POST)
    try:
        if not form.is_valid():
            raise MappingError("Give the mapping a name of up to 80 characters.")
        services.rename(version, form.cleaned_data["name"], user=signed_in_user(request))
    except MappingError as error:
        return _mapping_page(request, version, str(error))
    messages.success(request, "The mapping was renamed.")
    return redirect("column_mapping", pk=pk)


@requires(Capability.TEST)
@require_POST
def remove_mapping(request: HttpRequest, pk: int) -> HttpResponse:
    version = _version(request, pk)
    try:
        services.remove(version, user=signed_in_user(request))
    except MappingError as error:
        return _mapping_page(request, version, str(error))
    messages.success(
        request, f"The mapping {version.mapping.name} was removed. Reports of earlier runs stay as they are."
    )
    return redirect("column_mappings")


@requires(Capability.TEST)
@require_GET
def mapping_file(request: HttpRequest, pk: int, ending: str) -> HttpResponse:
    """The mapping as a file to share: it contains no student data."""
    if ending not in _TYPES:
        raise Http404
    version = _version(request, pk)
    response = HttpResponse(services.as_text(version, ending), content_type=f"{_TYPES[ending]}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{services.file_name(version, ending)}"'
    return response
