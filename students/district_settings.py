"""What districts have chosen for themselves, asked by everything that shows or does something of theirs."""

from collections.abc import Collection

from students.models import LEA, DistrictSettings, ReportWords


def report_words(lea_ids: Collection[int]) -> ReportWords:
    """The words of a report that is about these districts: those of the screen only where all of them want these.

    A file that names no district is about the only one there is, if there is only one.
    """
    asked = set(lea_ids) or set(LEA.objects.values_list("pk", flat=True)[:2])
    chosen = DistrictSettings.objects.filter(lea__in=asked, report_words=ReportWords.SCREEN).count()
    return ReportWords.SCREEN if asked and chosen == len(asked) else ReportWords.OWN
