"""The page of API tokens, for import admins."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.accounts.step_up import ask
from sisimport.api import tokens
from sisimport.api.forms import TokenForm
from sisimport.automation.set_up_lists import TOKENS, with_schools
from sisimport.web.lists import Listing


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def api_tokens(request: HttpRequest) -> HttpResponseBase:
    """Tokens, and a form for another. Its secret is on the page that answers the form, and never again."""
    admin = signed_in_user(request)
    listing = Listing(request, TOKENS.wanted)
    if listing.is_sent and (answer := listing.answer()):
        return answer
    form = TokenForm(listing.other_form, admin=admin)
    if form.is_bound and form.is_valid():
        ask(request)
    made = form.make() if form.is_bound and form.is_valid() else None
    if made is not None:
        form = TokenForm(None, admin=admin)
    found = TOKENS.choose(tokens.tokens_of(admin), listing)
    if listing.exports:
        return listing.export(TOKENS.all_rows(found))
    page = listing.page(found)
    context = {
        "form": form,
        "made": made,
        "listing": listing,
        "page": page,
        "states": TOKENS.choices,
        "tokens": with_schools(list(page.object_list)),
    }
    return render(request, "automation/tokens.html", context, status=422 if form.is_bound and form.errors else 200)


@requires(Capability.SETTINGS)
@require_POST
def revoke_api_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token; it is refused from the next request on."""
    admin = signed_in_user(request)
    token = get_object_or_404(tokens.tokens_of(admin), pk=pk)
    tokens.revoke(token, by=admin)
    return redirect("api_tokens")
