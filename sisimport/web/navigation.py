"""The main menu: apps offer their entries in navigation.py, found like import_types.py; a new page needs no template
edit.

Entries of the shared journey itself are at the end of this module.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import autodiscover_modules

from sisimport.accounts import access
from sisimport.accounts.access import Capability, can, capabilities
from sisimport.accounts.kept_mail import may_read_mail
from sisimport.imports.definition import registry
from sisimport.imports.models import ImportRun
from sisimport.imports.runs import conversion_requests
from sisimport.web.finding import Finder, Hit, matching, register_finder
from sisimport.web.panels import RUN, Panel, register_panel
from students.access import User, visible_school_ids, whole_leas
from students.models import LEA, StateProfile

IMPORT, RECORDS, RESULTS, REVIEW = "Import", "Records", "Results", "Review"
SECTIONS = ("", IMPORT, RECORDS, RESULTS, REVIEW)  # in this order; "" has no heading
MOST_COUNTED = 999  # next to an entry: counted no further, so that a menu costs the same in every district


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the menu, for users with `capability`. `count` is shown next to it (None or 0: nothing); it counts up
    to one more than MOST_COUNTED.

    `said`: other words a user may type to find the page; the search uses them too.

    `state`: only for users with schools in this state; its name is shown to users with schools in several states.

    `url_names`: further pages on which it is marked as the current entry; `tool`: the import tool whose upload screen
    also does so.
    """

    label: str
    url_name: str
    section: str
    order: int = 50
    capability: Capability = Capability.READ
    said: str = ""
    url_args: tuple[str, ...] = ()
    url_names: tuple[str, ...] = ()
    tool: str = ""
    state: str = ""
    count: Callable[[User], int | None] | None = None
    offered_to: Callable[[User], bool] | None = None

    def is_for(self, user: User) -> bool:
        return can(user, self.capability) and (self.offered_to is None or self.offered_to(user))


@dataclass(frozen=True)
class Link:
    """An entry as the template shows it."""

    label: str
    url: str
    current: bool
    count: int | None = None
    state: str = ""

    @property
    def count_text(self) -> str:
        if not self.count:
            return ""
        return f"{MOST_COUNTED}+" if self.count > MOST_COUNTED else f"{self.count:,}"


@dataclass(frozen=True)
class Section:
    title: str
    links: list[Link] = field(default_factory=list)


_entries: list[Entry] = []
_sources: list[Callable[[], Iterable[Entry]]] = []


def register(*entries: Entry) -> None:
    """Offer entries. Raises ValueError for an unknown section."""
    for entry in entries:
        if entry.section not in SECTIONS:
            raise ValueError(f"menu section {entry.section!r} is not known")
        _entries.append(entry)


def register_source(source: Callable[[], Iterable[Entry]]) -> None:
    """Offer entries that depend on other registrations (import tools)."""
    _sources.append(source)


def discover() -> None:
    """Called once when the apps are ready."""
    autodiscover_modules("navigation")


def menu(user: User, *, current_url: str, url_name: str) -> list[Section]:
    """The menu of this user, the current page marked."""
    if not capabilities(user):
        return []
    entries = [*_entries, *(entry for source in _sources for entry in source())]
    states = states_of(user)
    entries = [entry for entry in entries if entry.is_for(user) and (not entry.state or entry.state in states)]
    entries.sort(key=lambda entry: (SECTIONS.index(entry.section), entry.order, entry.label))
    sections = []
    for title, group in groupby(entries, key=lambda entry: entry.section):
        links = []
        for entry in group:
            url = reverse(entry.url_name, args=entry.url_args)
            pages = {url, reverse("upload", args=[entry.tool])} if entry.tool else {url}
            current = current_url in pages or url_name in entry.url_names
            state = StateProfile(entry.state).label if entry.state and len(states) > 1 else ""
            links.append(Link(entry.label, url, current, entry.count(user) if entry.count else None, str(state)))
        sections.append(Section(title, links))
    return sections


def states_of(user: User) -> set[str]:
    """The states of the user's districts; the default state of a new district if there is none yet."""
    ids = visible_school_ids(user)
    leas = LEA.objects.all() if ids is None else LEA.objects.filter(schools__in=sorted(ids))
    return set(leas.order_by().values_list("state", flat=True).distinct()) or {StateProfile.CALIFORNIA}


def _tools() -> Iterable[Entry]:
    for tool in registry.tools():
        if not tool.in_menu:
            continue
        yield Entry(
            label=tool.menu_label,
            url_name="upload",
            url_args=(tool.key,),
            section=IMPORT,
            order=tool.order,
            state=tool.state,
            capability=Capability.UPLOAD,
        )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A settings page without a menu entry, for the search: `said` are additional search words."""

    label: str
    url_name: str
    said: str = ""
    capability: Capability = Capability.READ
    offered_to: Callable[[User], bool] | None = None


_settings: list[Setting] = []


def _may_choose_defaults(user: User) -> bool:
    return visible_school_ids(user) is None or whole_leas(user).exists()


def register_setting(*settings: Setting) -> None:
    _settings.extend(settings)


def _find_pages(user: User, text: str, limit: int) -> list[Hit]:
    """Entries of the user's menu, and settings."""
    states = states_of(user)
    entries = [*_entries, *(entry for source in _sources for entry in source())]
    pages = [
        (Hit(entry.label, reverse(entry.url_name, args=entry.url_args), entry.section), entry.said)
        for entry in entries
        if entry.is_for(user) and (not entry.state or entry.state in states)
    ]
    pages += [
        (Hit(one.label, reverse(one.url_name), "settings"), one.said)
        for one in _settings
        if can(user, one.capability) and (one.offered_to is None or one.offered_to(user))
    ]
    return matching(text, pages, limit)


def may_in_admin(permission: str) -> Callable[[User], bool]:
    """A check for staff who have a permission of the admin."""
    return lambda user: bool(getattr(user, "is_staff", False)) and user.has_perm(permission)  # type: ignore[union-attr]


def _convert_offer(request: HttpRequest, run: ImportRun) -> dict[str, Any] | None:
    if not access.may_convert(request.user, run) or not conversion_requests.is_offered(run):
        return None
    return {"run": run, "conversion": conversion_requests.conversion_of(run)}


register_finder(Finder(title="Pages and settings", find=_find_pages, order=40))
register_setting(
    Setting(label="Account", url_name="account", said="name schools roles password sign out language"),
    Setting(label="Change password", url_name="account_change_password", said="account sign-in"),
    Setting(label="Second factor", url_name="mfa_index", said="account sign-in code telephone two authenticator"),
    Setting(
        label="District settings",
        url_name="admin:students_districtsettings_changelist",
        said="report words contacts help documentation defaults upload",
        offered_to=may_in_admin("students.view_districtsettings"),
    ),
    Setting(
        label="Import defaults",
        url_name="import_defaults",
        said="district usual options rfep replace retired ela mode fill overwrite words report wording",
        capability=Capability.SETTINGS,
        offered_to=_may_choose_defaults,
    ),
    Setting(
        label="Invite a person",
        url_name="people",
        said="users accounts roles groups registrar invite invitation password deactivate sign out",
        capability=Capability.SETTINGS,
    ),
    Setting(
        label="Accounts in the admin",
        url_name="admin:auth_user_changelist",
        said="users accounts permissions groups",
        offered_to=may_in_admin("auth.view_user"),
    ),
    Setting(
        label="Schools of people",
        url_name="admin:students_staffaccess_changelist",
        said="staff access users",
        offered_to=may_in_admin("students.view_staffaccess"),
    ),
    Setting(
        label="Schools",
        url_name="admin:students_school_changelist",
        said="district",
        offered_to=may_in_admin("students.view_school"),
    ),
    Setting(
        label="Districts (LEAs)",
        url_name="admin:students_lea_changelist",
        said="state lea",
        offered_to=may_in_admin("students.view_lea"),
    ),
)
RUN_PAGES = ("run", "run_changes", "run_absent", "run_print")
register_source(_tools)
register_panel(Panel(place=RUN, template="imports/_convert_offer.html", context=_convert_offer, order=10))
register(
    Entry(label="Home", url_name="home", section="", order=0, said="upload drop a file choose recognize"),
    Entry(
        label="Students",
        url_name="students",
        url_names=("student", "student_looks"),
        section=RECORDS,
        order=10,
        said="correct wrong SSID edit record scores masked masking show SSIDs",
    ),
    Entry(
        label="Runs",
        url_name="runs",
        url_names=RUN_PAGES,
        section=REVIEW,
        order=10,
        said="history imports undo revert report refused lines errors changes yesterday masked masking show SSIDs",
    ),
    Entry(
        label="Admin",
        url_name="admin:index",
        section=REVIEW,
        order=90,
        offered_to=lambda user: bool(getattr(user, "is_staff", False)),
    ),
    Entry(
        label="Mail",
        url_name="kept_mails",
        url_names=("kept_mail",),
        section=REVIEW,
        order=80,
        capability=Capability.SETTINGS,
        offered_to=may_read_mail,
    ),
    Entry(
        label="People",
        url_name="people",
        url_names=("person",),
        section=REVIEW,
        order=75,
        said="invite user account role deactivate sign out password link",
        capability=Capability.SETTINGS,
    ),
    Entry(
        label="Record of access",
        url_name="access_record",
        section=REVIEW,
        order=77,
        said="who saw looked at audit log masked SSIDs shown",
        capability=Capability.AUDIT,
        offered_to=access.sees_whole_record,
    ),
    Entry(
        label="Import defaults",
        url_name="import_defaults",
        section=REVIEW,
        order=84,
        said="options of an upload district defaults RFEP wording",
        capability=Capability.SETTINGS,
        offered_to=_may_choose_defaults,
    ),
    Entry(
        label="API tokens",
        url_name="api_tokens",
        section=REVIEW,
        order=85,
        capability=Capability.SETTINGS,
        said="programs REST key",
    ),
)
