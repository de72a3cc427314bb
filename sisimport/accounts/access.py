"""Who may do what, in one place. Every view names its rule here or with a decorator of this module.

    groups (made by a migration) -> capabilities -> @requires(...) on each view
    schools (students.access)    -> which students, runs and lines a page shows

A view without a rule is refused by AccessMiddleware, and a test walks all URLs to find it first.
"""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from functools import reduce, wraps
from operator import or_
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.urls import ResolverMatch, reverse
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect

from sisimport.imports.models import UNDECIDED, ImportRun, RunStatus, Work
from sisimport.imports.runs import holding
from sisimport.imports.runs.services import find_test
from students.access import User, visible_lea_ids, visible_school_ids
from students.families import is_family

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class Capability(StrEnum):
    """What a user may do; schools determine with which students and runs."""

    READ = "read"  # see students, runs and reports of one's schools
    SHOW_SSID = "show_ssid"  # unmask an SSID (logged)
    EXPORT = "export"  # download lists and reports (logged)
    UPLOAD = "upload"
    TEST = "test"
    UPDATE = "update"
    REVERT_OWN = "revert_own"
    REVERT_ANY = "revert_any"
    REVIEW_RUNS = "review_runs"  # runs of all people in one's districts
    APPROVE = "approve"  # accept many matches at a threshold, decide on runs of others
    EDIT_STUDENTS = "edit_students"  # in the admin, with a reason
    SETTINGS = "settings"
    AUDIT = "audit"  # see who looked at whom


C = Capability
REGISTRAR, IMPORT_ADMIN, SSID_STAFF, VIEWER = "registrar", "import admin", "SSID staff", "viewer"
_READER = frozenset({C.READ})
_IMPORTER = _READER | {C.SHOW_SSID, C.EXPORT, C.UPLOAD, C.TEST, C.UPDATE, C.REVERT_OWN}
GROUPS: dict[str, frozenset[Capability]] = {
    REGISTRAR: _IMPORTER,
    IMPORT_ADMIN: _IMPORTER | {C.REVERT_ANY, C.REVIEW_RUNS, C.APPROVE, C.SETTINGS, C.AUDIT},
    SSID_STAFF: _READER | {C.SHOW_SSID, C.EXPORT, C.EDIT_STUDENTS},
    VIEWER: _READER,
}

# Rules that are not a capability.
PUBLIC, SIGNED_IN, STAFF, FAMILY, TOKEN = "public", "signed in", "staff", "family", "token"

# URLs of packages, by URL name or namespace: their views have none of our rules.
FOREIGN_RULES: dict[str, str] = {
    "admin": STAFF,  # each page also checks model permissions
    "api": TOKEN,  # each operation also names scopes and a capability (sisimport.api)
    "metrics": PUBLIC,  # checks a token or an address itself (sisimport.metrics)
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_signup": PUBLIC,  # answers that it is closed
    "account_inactive": PUBLIC,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_confirm_login_code": PUBLIC,
    "account_confirm_email": PUBLIC,
    "account_email_verification_sent": PUBLIC,
    "account_reauthenticate": SIGNED_IN,
    "account_email": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "usersessions_list": SIGNED_IN,
    "mfa_authenticate": PUBLIC,  # second step of signing in
    "mfa_index": SIGNED_IN,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    **dict.fromkeys(("mfa_list_webauthn", "mfa_add_webauthn", "mfa_reauthenticate_webauthn"), SIGNED_IN),
    **dict.fromkeys(("mfa_edit_webauthn", "mfa_remove_webauthn"), SIGNED_IN),  # only for one's own account, else 404
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
}

_KEPT = "_capabilities"


def capabilities(user: User) -> frozenset[Capability]:
    """Everything the user may do. Read once per request and kept on the user."""
    if not hasattr(user, _KEPT):
        setattr(user, _KEPT, _read_capabilities(user))
    kept: frozenset[Capability] = getattr(user, _KEPT)
    return kept


def _read_capabilities(user: User) -> frozenset[Capability]:
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if getattr(user, "is_superuser", False):
        return frozenset(Capability)
    names = user.groups.values_list("name", flat=True)  # type: ignore[attr-defined]
    return frozenset().union(*(GROUPS.get(name, frozenset()) for name in names))


def narrow(user: User, held: Collection[Capability]) -> None:
    """From here on this user object keeps only these of its capabilities (those of a token, sisimport.api)."""
    setattr(user, _KEPT, capabilities(user) & frozenset(held))


def can(user: User, capability: Capability) -> bool:
    return capability in capabilities(user)


# ---- rules of views ----


def requires(capability: Capability) -> Callable[[View], View]:
    """The view is for users with this capability. Others are sent to sign in, or refused (403)."""
    return _guard(capability.value, lambda user: can(user, capability))


def for_all_districts(view: View) -> View:
    """The view is about data all districts share: for a user who works for only some of them, it does not exist (404)."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if visible_lea_ids(request.user) is not None:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]


def works_for_all_districts(user: User) -> bool:
    """May the user work with data that all districts share?"""
    return visible_lea_ids(user) is None


def signed_in(view: View) -> View:
    """The view is for every signed-in user."""
    return _guard(SIGNED_IN, lambda _user: True)(view)


def family(view: View) -> View:
    """The view is for accounts of students and parents; which students it shows is decided by `family_students`."""
    return _guard(FAMILY, is_family)(view)


def public(view: View) -> View:
    """The view is for everyone, even without signing in. Shows no student data."""
    view.access_rule = PUBLIC  # type: ignore[attr-defined]
    return login_not_required(view)


def _guard(rule: str, allows: Callable[[User], bool]) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return send_to_sign_in(request)
            if not allows(request.user):
                raise PermissionDenied
            response = view(request, *args, **kwargs)
            if not response.has_header("Cache-Control"):
                add_never_cache_headers(response)  # student data stays out of every cache
            return response

        guarded.access_rule = rule  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def signed_in_user(request: HttpRequest) -> Any:
    """The user of a guarded view, for services that want a person."""
    return request.user


def send_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the sign-in page and back; a request for part of a page redirects the whole page."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(reverse("account_login"))
    return redirect_to_login(request.get_full_path(), reverse("account_login"))


def rule_of(callback: Any, *, url_name: str | None, namespaces: list[str]) -> str | None:
    """The rule of a URL's view; None if it has none."""
    rule: str | None = getattr(callback, "access_rule", None)
    if rule is not None:
        return rule
    for name in (*namespaces, url_name):
        if name in FOREIGN_RULES:
            return FOREIGN_RULES[name]
    return None


class AccessMiddleware:
    """Refuses views without a rule, and guards those of packages. Also refuses TRACE, which would echo cookies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "TRACE":
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Any,
        _args: Any,
        _kwargs: Any,
    ) -> HttpResponseBase | None:
        match: ResolverMatch | None = request.resolver_match
        name, namespaces = (match.url_name, match.namespaces) if match else (None, [])
        rule = rule_of(view, url_name=name, namespaces=namespaces)
        if rule is None:
            raise ImproperlyConfigured(f"the address {name or request.path_info!r} names no access rule")
        if rule in (SIGNED_IN, STAFF) and not request.user.is_authenticated and name != "login":
            return send_to_sign_in(request)
        return None


# ---- which runs ----


def visible_runs(user: User) -> QuerySet[ImportRun]:
    """Runs the user may open: their own; all runs if they see all schools; for reviewers those of their districts; otherwise
    those limited to their schools."""
    if Capability.READ not in capabilities(user):
        return ImportRun.objects.none()
    ids = visible_school_ids(user)
    if ids is None:
        return ImportRun.objects.all()
    own = Q(created_by_id=user.pk) | Q(schools__overlap=sorted(ids))
    if not can(user, Capability.REVIEW_RUNS):
        return ImportRun.objects.filter(own)
    leas = visible_lea_ids(user)
    return ImportRun.objects.all() if leas is None else ImportRun.objects.filter(own | _of_districts(leas))


def _of_districts(leas: Collection[int]) -> Q:
    """Runs about one of these districts, or referring to such a run: an Update's districts are first known from its Test.

    A file that has not been read yet or was refused, from a person who works for several districts, is visible only to that
    person.
    """
    about = [Q(**{f"{run}lea_ids__overlap": sorted(leas)}) for run in ("", "test_run__", "reverts__", "converts__")]
    return reduce(or_, about)


def sees_whole_run(user: User, run: ImportRun) -> bool:
    """Whether the user may see every line of the run; otherwise only lines about students of the user's schools.

    A conversion shows the lines of the run that refused the workbook, regardless of who started it.
    """
    ids = visible_school_ids(user)
    if run.converts is not None:
        run = run.converts
    if ids is None:
        return True
    return run.created_by_id == user.pk and run.schools is not None and set(run.schools) <= ids


def sees_whole_record(user: User) -> bool:
    """May the user see the record of access? It names people and students of every school, so it is only for users who see all
    schools."""
    return can(user, Capability.AUDIT) and visible_school_ids(user) is None


def may_revert(user: User, run: ImportRun) -> bool:
    if not run.applied or run.work == Work.REVERT or not sees_whole_run(user, run):
        return False
    return can(user, Capability.REVERT_ANY) or (can(user, Capability.REVERT_OWN) and run.created_by_id == user.pk)


def may_undo_edit(user: User, editor_id: int | None) -> bool:
    """May the user undo a manual edit of a student they see? As for runs: their own edits, or everyone's."""
    return can(user, Capability.REVERT_ANY) or (can(user, Capability.REVERT_OWN) and user.pk == editor_id)


def may_update(user: User, run: ImportRun) -> bool:
    """May the user apply this Test? It applies every line, so the user must be allowed to see all of them."""
    return can(user, Capability.UPDATE) and sees_whole_run(user, run)


def applicable_test(
    user: User, *, sha256: str, import_type: str, options: Mapping[str, str], run: int | None = None
) -> ImportRun | None:
    """The newest completed Test of this same file with these options that the user may apply (rule W-3). `run`: only that one."""
    runs = visible_runs(user) if run is None else visible_runs(user).filter(pk=run)
    test = find_test(sha256=sha256, import_type=import_type, options=options, user_runs=runs)
    return test if test is not None and may_update(user, test) else None


def may_convert(user: User, run: ImportRun) -> bool:
    """May the user convert the workbook of this run, view the result, and test it? It shows lines of the file."""
    return can(user, Capability.TEST) and sees_whole_run(user, run)


def may_correct(user: User, run: ImportRun) -> bool:
    """May the user correct lines of this run and test them? The lines are shown and read in full."""
    return can(user, Capability.TEST) and sees_whole_run(user, run)


def may_choose_words(user: User, run: ImportRun) -> bool:
    """May the user choose in which words this run is reported? For their own runs; reviewers for everyone's."""
    return can(user, Capability.APPROVE) or (can(user, Capability.TEST) and run.created_by_id == user.pk)


def may_decide(user: User, run: ImportRun) -> bool:
    """May the user say whose record a line of this Test is? Users who may apply it may, one line at a time; reviewers always."""
    return can(user, Capability.APPROVE) or may_update(user, run)


def may_accept_many(user: User) -> bool:
    """May the user set a threshold above which matches are accepted together?"""
    return can(user, Capability.APPROVE)


def may_approve(user: User, run: ImportRun) -> bool:
    """May the user decide on this held run? It takes a second person who may see every line; never the one who started it."""
    return (
        run.status == RunStatus.HELD
        and can(user, Capability.APPROVE)
        and not holding.is_own(run, user)
        and sees_whole_run(user, run)
    )


def may_cancel(user: User, run: ImportRun) -> bool:
    """May the user ask this run to stop? Whether it still can stop is decided at that time (services.cancel_run)."""
    return run.status in UNDECIDED and (run.created_by_id == user.pk or can(user, Capability.REVERT_ANY))
