"""Finding students by an SSID: the current one, a former one, or one the state has replaced since (rule X-3)."""

from django.db.models import QuerySet

from students.models import SSIDReplacement, Student

_LONGEST_CHAIN = 10


def successors(ssid: str, *, state: str = "CA") -> list[str]:
    """The SSID and those that the state replaced it with, in order."""
    chain = [ssid]
    while len(chain) <= _LONGEST_CHAIN:
        replacement = (
            SSIDReplacement.objects.filter(state=state, retired_ssid=chain[-1])
            .values_list("replacement_ssid", flat=True)
            .first()
        )
        if replacement is None or replacement in chain:
            break
        chain.append(replacement)
    return chain


def students_with_ssid(ssid: str, *, state: str = "CA") -> QuerySet[Student]:
    """Students who have this SSID, had it, or have the one that replaced it. Usually one; the caller limits the
    schools."""
    return Student.objects.filter(ssids__state=state, ssids__ssid__in=successors(ssid, state=state)).distinct()
