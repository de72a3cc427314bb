"""What districts have chosen for themselves, used by everything that shows or does something for them."""

from collections.abc import Collection
from dataclasses import dataclass

from students.access import User, visible_school_ids
from students.models import LEA, DistrictSettings, ReportWords
from students.models.districts import links_of


def report_words(lea_ids: Collection[int]) -> ReportWords:
    """The wording of a report about these districts: that of the screen only if all of them chose it.

    A file that names no district is about the only one on record, if there is only one.
    """
    leas = set(lea_ids) or set(LEA.objects.values_list("pk", flat=True)[:2])
    chosen = DistrictSettings.objects.filter(lea__in=leas, report_words=ReportWords.SCREEN).count()
    return ReportWords.SCREEN if leas and chosen == len(leas) else ReportWords.OWN


@dataclass(frozen=True, slots=True)
class Contacts:
    """Whom a district says to ask, line by line, and its links as (title, address)."""

    district: str
    lines: list[str]
    links: list[tuple[str, str]]


def contacts_for(user: User) -> list[Contacts]:
    """Contacts of the districts of the user's schools, where a district gave any."""
    ids = visible_school_ids(user)
    found = DistrictSettings.objects.exclude(contacts="", documentation="").select_related("lea").order_by("lea__code")
    if ids is not None:
        found = found.filter(lea__in=LEA.objects.filter(schools__in=sorted(ids)))
    return [
        Contacts(
            one.lea.name or one.lea.code,
            [line for line in one.contacts.splitlines() if line.strip()],
            links_of(one.documentation),
        )
        for one in found
    ]


def shows_district_results(lea_ids: Collection[int]) -> bool:
    """Whether users of some schools of these districts see their totals: only where each of them allows it."""
    allowed = DistrictSettings.objects.filter(lea__in=lea_ids, shows_district_results=True).count()
    return bool(lea_ids) and allowed == len(set(lea_ids))
