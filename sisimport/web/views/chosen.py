"""Files dropped on the home page: each is kept, recognized and shown as a card with one button, Test."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib import messages
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires
from sisimport.files.issues import FileError
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import get_tool, get_type, tools
from sisimport.imports.runs import uploads
from sisimport.imports.runs.defaults import defaults_for, district_defaults
from sisimport.imports.storage import room
from sisimport.runtime import disk
from sisimport.web import held
from sisimport.web.bodies import takes_file
from sisimport.web.queries.earlier import Earlier, earlier_updates
from sisimport.web.queries.options import option_text
from sisimport.web.queries.recognition import Recognised, recognised_any
from students.access import visible_school_ids

MOST_FILES = 6


@dataclass(frozen=True, slots=True)
class Card:
    """One chosen file. `kinds`: types that accept it, the default first; empty: no type recognizes it."""

    held: held.Held
    usual: Mapping[str, str]
    district: Collection[str]
    found: Recognised
    kinds: list[ImportType]
    earlier: list[Earlier]

    @property
    def kind(self) -> ImportType | None:
        return self.kinds[0] if self.kinds else None

    @property
    def tool_title(self) -> str:
        return get_tool(self.kinds[0].screen.tool).title if self.kinds else ""

    @property
    def defaults(self) -> list[tuple[str, str]]:
        """Label and value of the options that the Test will use."""
        if len(self.kinds) != 1:
            return []
        suffixes = dict.fromkeys(self.district, " (district default)")
        return [
            (option.group or option.label, option_text(option, value) + suffixes.get(option.name, ""))
            for option in self.kinds[0].options
            if (value := self.usual[option.name])
        ]


@takes_file(lambda: settings.IMPORT_MAX_BYTES)
@requires(Capability.UPLOAD)
@require_http_methods(["GET", "POST"])
def choose_files(request: HttpRequest) -> HttpResponse:
    """Accept files of any type, or show those that the address names by token."""
    if request.method == "POST":
        return _take(request)
    kept = [found for token in request.GET.getlist("t")[:MOST_FILES] if (found := held.find(request, token))]
    if not kept:
        messages.info(request, "These files are no longer kept. Choose them again.")
        return redirect("home")
    return render(
        request,
        "imports/chosen.html",
        {
            "cards": [_card(request, one) for one in kept],
            "tools": tools(),
            "may_test": access.can(request.user, Capability.TEST),
        },
    )


def _take(request: HttpRequest) -> HttpResponse:
    files = request.FILES.getlist("files")
    if not files:
        messages.error(request, "Choose a file.")
    if len(files) > MOST_FILES:
        messages.warning(request, f"Only the first {MOST_FILES} of {len(files)} files were accepted.")
    tokens = QueryDict(mutable=True)
    for file in files[:MOST_FILES]:
        try:
            if (file.size or 0) > settings.IMPORT_MAX_BYTES:
                raise uploads.RunRefusedError(
                    f"It is larger than {filesizeformat(settings.IMPORT_MAX_BYTES)}. Check that it is the right file."
                )
            tokens.appendlist("t", held.hold(request, file).token)
        except FileError as error:
            messages.error(request, f"{uploads.shown_name(str(file.name))}: {error} {error.fix}")
        except uploads.RunRefusedError as error:
            messages.error(request, f"{uploads.shown_name(str(file.name))}: {error}")
        except (OSError, DatabaseError) as error:
            if not disk.says_full(error):
                raise
            messages.error(request, f"{room.full_sentence()} The upload was not kept; try again then.")
            break
    if not tokens:
        return redirect("home")
    return redirect(f"{reverse('choose_files')}?{tokens.urlencode()}")


def _card(request: HttpRequest, kept: held.Held) -> Card:
    with kept.opened() as stream:
        found, kinds = recognised_any(stream, name=kept.file.name)
    corrects = kept.file.lines_of
    if corrects is not None and found.error == "":  # it holds only these lines, and their type is known
        kinds, found = [get_type(corrects.import_type)], replace(found, lines=None)
    earlier = earlier_updates(request.user, kept.file.sha256)
    schools = visible_school_ids(request.user)
    own = district_defaults(kinds[0], schools) if kinds else {}
    usual = defaults_for(kinds[0], kept.file, schools=schools, own=own) if kinds else {}
    district = [name for name, value in own.items() if usual[name] == value]
    return Card(kept, usual, district, found, kinds, earlier)
