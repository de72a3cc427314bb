"""Looking at pages with axe-core: each at two widths, light and dark, loaded once. Of the walks over all pages `script/test`
takes every fourth page, in one of these sights, with the colors of every third of them, and `script/test faults` all of all.

Structure is looked at once, wide and light. What differs from one sight to the next is looked at in each: colors in both schemes,
the size of targets in both widths, and in the narrow one the names of what only it shows.
"""

import zlib
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve

from tests.longer import first_of

RUN_AXE = "async (options) => (await axe.run(document, {resultTypes: ['violations'], ...options})).violations"
# Only colors differ between light and dark: what else is wrong was found in light.
COLORS = {"runOnly": ["color-contrast", "link-in-text-block"]}
NAMES = [
    "aria-hidden-focus", "aria-allowed-attr", "aria-command-name", "aria-required-attr", "aria-valid-attr-value", "button-name",
    "input-button-name", "label", "link-name", "nested-interactive", "scrollable-region-focusable", "select-name", "summary-name",
]  # fmt: skip
# Targets of at least 24 by 24 px, or with room around them (WCAG 2.5.8): axe asks for it by wish only. Folded parts as well,
# but no menus: those lie over what is below them. The admin's too: static/css/admin.css gives its theme's icons their room.
TARGETS = {"runOnly": ["target-size"], "rules": {"target-size": {"enabled": True}}}
NARROW = TARGETS | {"runOnly": ["target-size", *COLORS["runOnly"], *NAMES]}  # of the light narrow page, in one run
UNFOLD = """(open) => document.querySelectorAll(open ? "details:not([open], .menu)" : "details.unfolded").forEach((each) => {
    each.open = open;
    each.classList.toggle("unfolded", open);
})"""
WIDTHS = (1280, 390)
# Wider than the window: the reader of a narrow screen would have to scroll sideways (WCAG 1.4.10).
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
# Letters as they are seen: those of a drawing are as large as it is drawn. Signs that are read to nobody are not text, and
# the admin is in the letters of its theme.
# What sticks out of its card is over the edge, or over what stands beside it.
STICKS_OUT = """() => {
    const found = new Set();
    for (const card of document.querySelectorAll("main .card, main .note")) {
        if (!card.checkVisibility({visibilityProperty: true})) continue;
        const edge = card.getBoundingClientRect();
        for (const each of card.querySelectorAll("table, td, th, input, select, .btn, p, svg, text, dd")) {
            if (each.closest(".visually-hidden, .table-wrap, .menu > div")) continue;
            if (!each.checkVisibility({visibilityProperty: true})) continue;
            const box = each.getBoundingClientRect();
            if (box.width > 1 && (box.right > edge.right + 1 || box.left < edge.left - 1))
                found.add(`${each.tagName} sticks out of its card: ${each.textContent.trim().slice(0, 40)}`);
        }
    }
    return [...found].slice(0, 3);
}"""
SMALL_TEXT = """() => {
    const found = new Set(), texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (!document.querySelector("[x-data]") && texts.nextNode()) {
        const text = texts.currentNode.textContent.trim(), held = texts.currentNode.parentElement;
        if (!text || held.closest("[aria-hidden=true]") || !held.checkVisibility({visibilityProperty: true})) continue;
        const box = held.getBoundingClientRect();
        if (box.width <= 1 || box.height <= 1) continue;
        const size = parseFloat(getComputedStyle(held).fontSize) * (held.ownerSVGElement ? held.getScreenCTM().a : 1);
        if (size < 13.9) found.add(`${size.toFixed(1)} px: ${text.slice(0, 40)}`);
    }
    return [...found];
}"""
# Words in a column as wide as one of them: whatever should stand beside them pushed them together.
SQUEEZED = """() => [...document.querySelectorAll("main :is(p, li, dd, dt, td, th, strong, label, div)")].filter((each) => {
    if (each.closest(".visually-hidden, [aria-hidden=true], svg")) return false;
    if (!each.checkVisibility({visibilityProperty: true})) return false;
    const own = [...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim()).join(" ");
    const box = each.getBoundingClientRect();
    return own.length > 40 && box.width > 1 && box.width < 110 && box.height > 6 * 22;
}).map((each) => `${each.tagName} is squeezed: ${each.textContent.trim().slice(0, 40)}`).slice(0, 3)"""
# What is looked at once in each width, in one message: a busy browser takes longer to answer than to look.
IN_EACH_WIDTH = f"""async (targets) => {{
    const wide = ({TOO_WIDE})();
    ({UNFOLD})(true);
    const violations = await ({RUN_AXE})(targets);
    ({UNFOLD})(false);
    return {{wide, violations, words: [...({STICKS_OUT})(), ...({SMALL_TEXT})(), ...({SQUEEZED})()]}};
}}"""
NARROWEST = 320  # a page zoomed to 400 % has this width
# Whether a page fits must not depend on the hour at which the test runs.
WIDEST_TIMES = """() => document.querySelectorAll("time").forEach((each) => {
    each.textContent = each.textContent.replace(/\\d+\\/\\d+\\/\\d+/, "12/30/2026").replace(/\\d+:\\d+ [AP]M/, "12:30 PM");
})"""
# The admin asks for the color scheme once, when it is loaded; afterwards this class is what counts.
DARK_ADMIN = (
    "(dark) => { if (document.querySelector('[x-data]')) document.documentElement.classList.toggle('dark', dark); }"
)
IN_SCHEME = f"""async ([dark, options]) => {{
    ({DARK_ADMIN})(dark);
    return await ({RUN_AXE})(options);
}}"""


EVERYTHING = {"rules": TARGETS["rules"]}  # all rules of axe, and that
# Pages share the colors of one stylesheet, and looking at them takes axe longer than all the rest.
WITHOUT_COLORS = {"rules": {**TARGETS["rules"], **{rule: {"enabled": False} for rule in COLORS["runOnly"]}}}

one_sight_or_every = pytest.mark.parametrize("every_sight", first_of([False, True]), ids=["one sight", "every sight"])


def shows_colors(name: str) -> bool:
    """Whether the one sight of a page is looked at for its colors too."""
    return zlib.crc32(name.encode()) // 4 % 3 == 0


def is_looked_at_once(name: str) -> bool:
    """Whether `script/test` looks at this page of many; the other three of four are looked at in `script/test faults`, in every
    sight."""
    return zlib.crc32(name.encode()) // 12 % 4 == 0  # whatever its one sight is


class Look:
    """Opens pages in one window and notes what is wrong with them.

    The first word of a page's name is the name of its address, which is checked: `seen` are the addresses really looked at.
    `sparing`: in one sight, of many pages, axe looks at some (`is_looked_at_once`); that they open and fit is seen of all.
    """

    def __init__(self, page: Any, axe: str, *, every_sight: bool = True, sparing: bool = False) -> None:
        self.page, self.every_sight, self.sparing = page, every_sight, sparing
        self.wrong: list[str] = []
        self.seen: set[str] = set()
        page.add_init_script(axe)  # half a megabyte: sent once, not for each page
        page.evaluate(axe)  # for the page that is open already
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: script: {str(error)[:200]}"))

    def _heard(self, message: Any) -> None:
        refused = message.text.startswith("Failed to load resource") and message.location["url"] == self.page.url
        if message.type == "error" and not refused:  # an error page is a page too
            self.wrong.append(f"{self.page.url}: console: {message.text[:200]}")

    def at(self, name: str, address: str, status: int = 200) -> None:
        answer = self.page.goto(address)
        if answer.status != status:
            self.wrong.append(f"{name}: answers {answer.status}")
        self.here(name)

    def sent(self, name: str, button: str) -> None:
        """Click a button or link, and check the next page once it is loaded."""
        with self.page.expect_navigation():
            self.page.click(button)
        self.here(name)

    def here(self, name: str) -> None:
        """Look at the page as it is."""
        self._note(name)
        if self.every_sight:
            self._in_every_sight(name)
        elif not self.sparing or is_looked_at_once(name):
            self._in_one_sight(name)
        self.page.set_viewport_size({"width": NARROWEST, "height": 900})
        self.page.evaluate(WIDEST_TIMES)
        if self.page.evaluate(TOO_WIDE):
            self.wrong.append(f"{name}: wider than the window of {NARROWEST} px")
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    def _in_one_sight(self, name: str) -> None:
        """Which one depends on the name alone, so that it stays when another page comes or goes."""
        number = zlib.crc32(name.encode())
        width, dark = WIDTHS[number % 2], bool(number // 2 % 2)
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.evaluate(DARK_ADMIN, dark)
        rules = EVERYTHING if shows_colors(name) else WITHOUT_COLORS
        sight = f"{name}, {width} px, {'dark' if dark else 'light'}"
        self._note_found(sight, self.page.evaluate(IN_EACH_WIDTH, rules))
        self.page.emulate_media(color_scheme="light")

    def _in_every_sight(self, name: str) -> None:
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            wide = width == WIDTHS[0]
            for dark in (False, True) if wide else (True,):
                self.page.emulate_media(color_scheme="dark" if dark else "light")
                self._run(f"{name}, {width} px, {'dark' if dark else 'light'}", COLORS if dark else {}, dark=dark)
            self.page.emulate_media(color_scheme="light")
            self.page.evaluate(DARK_ADMIN, False)
            self._note_found(f"{name}, {width} px", self.page.evaluate(IN_EACH_WIDTH, TARGETS if wide else NARROW))

    def _note_found(self, sight: str, found: dict[str, Any]) -> None:
        if found["wide"]:
            self.wrong.append(f"{sight}: wider than the window")
        self._note_violations(sight, found["violations"])
        self.wrong += [f"{sight}: {words}" for words in found["words"]]

    def _note(self, name: str) -> None:
        path = urlsplit(self.page.url).path
        try:
            found = resolve(path).view_name
        except Resolver404:
            found = "nothing"
        if found != name.split(" ", maxsplit=1)[0].rstrip(","):
            self.wrong.append(f"{name}: the page is {found}, {path}")
        self.seen.add(found)

    def _run(self, sight: str, options: dict[str, Any], *, dark: bool) -> None:
        self._note_violations(sight, self.page.evaluate(IN_SCHEME, [dark, options]))

    def _note_violations(self, sight: str, violations: list[dict[str, Any]]) -> None:
        for violation in violations:
            for node in violation["nodes"][:3]:
                self.wrong.append(f"{sight}: {violation['id']}: {node['html'][:160]} {node['failureSummary'][:400]}")
