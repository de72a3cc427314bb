"""The page on who may open what, made from the table against which a test checks every URL."""

from collections.abc import Callable, Iterable

from sisimport.accounts import security_pages  # noqa: F401 - registers its pages
from sisimport.accounts.matrix import ADDRESSES, ADMIN, CAPABILITIES, EVERYBODY, OPERATIONS, READERS, ROLES, Address
from sisimport.imports.reference import MADE, PAGES

_INTRODUCTION = """
Every address and every operation of the API, with the people who may use it. Made from `sisimport/accounts/matrix.py`; a
test requests each of them as each of these people (`tests/accounts/test_matrix.py`) and fails for any that is not in the table.

- People who have not signed in are sent to sign in, and so are people whose account was disabled: their session has ended.
  The API answers both with 401.
- People without the role are refused (403).
- *of a school*: the address names a record. One of another school, or of another district, is answered like one that does not
  exist (404). All other pages show only students and lines of one's own schools.
- *of a run*: the same, except for import admins, who look after everyone's runs in their districts: they can open the
  report of any of these. Lines about students of other schools are left out of it, and no action may touch those students.
- *all schools*: only for those who see all of them; import defaults, for those who see all schools of a district. What all
  districts share (the SSID policy, results shown to families, layouts of added years) is for those who work for all districts.
- A superuser can open everything except the pages of families.
- Where a second factor is required (`SECOND_FACTOR_REQUIRED`), people with a role who have none are sent to set one up by every
  page except those of their own sign-in; the API requires only a token.
"""
_DOES = {"v": "see", "a": "add", "c": "change", "d": "delete"}


def access_page() -> str:
    """The table as a page."""
    lines = ["# Who may open what", "", MADE, _INTRODUCTION, "## Pages, forms and downloads", ""]
    lines += _table("address", ADDRESSES, _of_address)
    lines += [
        "",
        "## Operations of the API",
        "",
        "A token needs one of the scopes, or each where the table says *and*, and its person one of the roles.",
        "",
    ]
    head = ["operation", "what", "scopes", *(name for letter, name in ROLES.items() if letter != "F"), "record"]
    lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for one in OPERATIONS:
        roles = [_sign(letter in one.who) for letter in ROLES if letter != "F"]
        scopes = (" and " if one.each else " or ").join(one.scopes) or "any"
        cells = [f"`{one.name}`", one.does, scopes, *roles, "of a school" if one.record else ""]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "## What each role may do",
        "",
        "On its schools' students and runs, and on its own account, too.",
        "",
    ]
    lines += [f"| capability | {' | '.join(ROLES[letter] for letter in READERS)} |", "|---" * 5 + "|"]
    for name, who in CAPABILITIES.items():
        lines.append(f"| `{name}` | {' | '.join(_sign(letter in who) for letter in READERS)} |")
    lines += ["", "## Pages of the admin", "", "Roles not listed have no pages there.", ""]
    lines += ["| model | import admin | SSID staff |", "|---|---|---|"]
    for model, rights in ADMIN.items():
        words = [", ".join(_DOES[sign] for sign in rights.get(letter, "")) or "nothing" for letter in "AS"]
        lines.append(f"| {model} | {' | '.join(words)} |")
    return "\n".join(lines) + "\n"


def _table(title: str, rows: Iterable[Address], cells: Callable[[Address], list[str]]) -> list[str]:
    head = [title, "what", "everybody", *ROLES.values(), "record"]
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(cells(row))} |" for row in rows)]


def _of_address(row: Address) -> list[str]:
    everybody = row.who == EVERYBODY
    roles = [_sign(everybody or letter in row.who) for letter in ROLES]
    record = "of a run" if row.run else "of a school" if row.record else "all schools" if row.all_schools else ""
    return [f"`{row.name}`", row.does, _sign(everybody), *roles, record]


def _sign(allowed: bool) -> str:
    return "yes" if allowed else ""


PAGES["../security/access.md"] = access_page
