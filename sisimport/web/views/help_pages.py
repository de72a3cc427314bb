"""Help in the product: every page is made from the code that it is about."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from sisimport.accounts.access import Capability, requires
from sisimport.files.issues import codes
from sisimport.imports.definition.registry import Tool, get_tool, listed_types, published_layouts, tools
from sisimport.imports.models import Work
from sisimport.web.help import first_steps, roles, rules
from sisimport.web.help.articles import articles
from sisimport.web.help.samples import sample_name, sample_text
from sisimport.web.queries import layouts
from students.access import visible_schools
from students.district_settings import contacts_for

_READ = requires(Capability.READ)


@_READ
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The index of the help."""
    context = {
        "articles": articles(),
        "tools": [(tool, listed_types(tool.key)) for tool in tools()],
        "contacts": contacts_for(request.user),
    }
    return render(request, "help/index.html", context)


@_READ
@require_GET
def code_list(request: HttpRequest) -> HttpResponse:
    """Every message code with its cause, those of earlier versions last."""
    return render(request, "help/codes.html", {"codes": sorted(codes.all(), key=lambda c: (c.retired, c.code))})


@_READ
@require_GET
def code(request: HttpRequest, code: str) -> HttpResponse:
    """What a message means, what to do, and which rules of which import types report it."""
    if code not in codes:
        raise Http404
    about = codes.get(code)
    found = [raised for raised in rules.all_raised() if raised.code == code]
    context = {
        "code": about,
        "message": rules.with_names(about.sentences),
        "screen": rules.with_names(about.screen),
        "severities": sorted({raised.severity for raised in found}, reverse=True),
        "rows": rules.grouped(found),
        "contacts": contacts_for(request.user),
    }
    return render(request, "help/code.html", context)


@_READ
@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    return render(request, "help/rules.html", {"rules": rules.numbers()})


@_READ
@require_GET
def rule(request: HttpRequest, number: str) -> HttpResponse:
    """One rule by its number: what it reports, for which columns, in which import types."""
    found = [raised for raised in rules.all_raised() if raised.number == number]
    if not found:
        raise Http404
    return render(request, "help/rule.html", {"number": number, "rows": rules.grouped(found)})


@_READ
@require_GET
def import_type(request: HttpRequest, key: str) -> HttpResponse:
    """One import type: what it accepts, its options, its layouts with a sample file, its rules."""
    kind = next((kind for kind in listed_types() if kind.key == key), None)
    if kind is None:
        raise Http404
    context = {
        "kind": kind,
        "tool": get_tool(kind.screen.tool),
        "works": [Work(work).label for work in kind.works],
        "layouts": published_layouts(kind),
        "rows": rules.grouped(rules.raised_by(kind)),
        "contacts": contacts_for(request.user),
    }
    return render(request, "help/import_type.html", context)


@_READ
@require_GET
def screen(request: HttpRequest, tool: str) -> HttpResponse:
    """One import screen: its types, the state's documentation, whom to contact."""
    found: Tool | None = next((one for one in tools() if one.key == tool), None)
    if found is None:
        raise Http404
    context = {"tool": found, "types": listed_types(found.key), "contacts": contacts_for(request.user)}
    return render(request, "help/screen.html", context)


@_READ
@require_GET
def sample(request: HttpRequest, import_type: str, layout: str) -> HttpResponse:
    """A sample file of a layout, about invented people at one of the user's schools, so that a Test reads it."""
    found = layouts.find(import_type, layout)
    if found is None:
        raise Http404
    school = visible_schools(request.user).select_related("lea").order_by("lea__code", "code").first()
    response = HttpResponse(sample_text(*found, school), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, sample_name(found[1])) or "attachment"
    return response


@_READ
@require_GET
def role_list(request: HttpRequest) -> HttpResponse:
    context = {"roles": [(role, roles.ABOUT.get(role, "")) for role in roles.roles()], "lines": roles.lines()}
    return render(request, "help/roles.html", context)


@_READ
@require_GET
def steps(request: HttpRequest) -> HttpResponse:
    return render(request, "help/first_steps.html", {"steps": first_steps.steps()})


@_READ
@require_GET
def keys(request: HttpRequest) -> HttpResponse:
    return render(request, "help/keys.html")
