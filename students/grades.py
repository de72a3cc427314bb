"""Grades in words, for readers who are not registrars. Source of the codes: CALPADS grade level codes."""

from django.utils.translation import gettext as _

GRADES = ("IN", "TD", "PS", "TK", "KN", *(f"{n:02d}" for n in range(1, 13)), "UE", "US", "AD")  # youngest first


def grade_words(code: str) -> str:
    """`05` -> `grade 5`, `KN` -> `kindergarten`; codes that are not a school grade stay as they are."""
    if code.isdigit():
        return _("grade %(number)s") % {"number": int(code)}
    return {
        "IN": _("infant"),
        "TD": _("toddler"),
        "PS": _("prekindergarten"),
        "TK": _("transitional kindergarten"),
        "KN": _("kindergarten"),
        "UE": _("ungraded elementary"),
        "US": _("ungraded secondary"),
        "AD": _("adult"),
    }.get(code, code)


def grade_choices() -> list[tuple[str, str]]:
    """(code, `Grade 5 (05)`), youngest first."""
    return [(code, f"{words[:1].upper()}{words[1:]} ({code})") for code in GRADES if (words := grade_words(code))]
