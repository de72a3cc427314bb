"""Why a student left a school: the state's codes in words (CALPADS Code Sets, Student Exit Reason)."""

from typing import Final

EXIT_REASONS: Final = {
    "E125": "completed special education program earlier",
    "E130": "died",
    "E140": "no known enrollment",
    "E150": "change within the year",
    "E155": "end of the year, same school",
    "E170": "end of a secondary enrollment",
    "E230": "completed grade 12",
    "E300": "expelled, no known enrollment",
    "E400": "other or unknown",
    "E410": "medical reasons",
    "E450": "prekindergarten or kindergarten exit",
    "E490": "summer transfer",
    "N420": "no-show",
    "N470": "no-show, enrolled elsewhere",
    "T160": "to another California school",
    "T165": "to another California school, disciplinary",
    "T167": "to an alternative school or independent study",
    "T180": "to a private school",
    "T200": "to a school in another state",
    "T240": "to a school outside the United States",
    "T260": "to adult education",
    "T270": "left adult education",
    "T280": "to college",
    "T310": "to a health facility",
    "T370": "to an institution with a diploma",
    "T380": "to an institution without a diploma",
    "T460": "to home schooling",
}


def exit_reason_text(code: str) -> str:
    """`T160 (to another California school)`; an unknown code is returned without words."""
    words = EXIT_REASONS.get(code.upper())
    return f"{code} ({words})" if words else code


def exit_reason_choices() -> list[tuple[str, str]]:
    """(code, `To another California school (T160)`), in the order of the codes."""
    return [(code, f"{words[:1].upper()}{words[1:]} ({code})") for code, words in EXIT_REASONS.items()]
