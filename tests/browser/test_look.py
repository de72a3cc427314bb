"""What the walks over all pages look for is found where it shows in one sight only."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.look import Look, is_looked_at_once, shows_colors

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = """<!DOCTYPE html><html lang="en"><head><title>A page</title><style>
body {{ font-size: 16px; color: #000; background: #fff; }} {style}</style></head>
<body><main><h1>A page</h1>{body}</main></body></html>"""
NARROW, WIDE = "@media (max-width: 700px)", "@media (min-width: 701px)"
DARK = "@media (prefers-color-scheme: dark)"
PALE = "{ p { color: #eee } }"
SMALL = "{ button { font-size: 14px; width: 12px; height: 12px; padding: 0; border: 0; display: inline-block } }"
TWO = "<button aria-label='One'></button><button aria-label='Two'></button>"


SIGHTS = {
    "structure": ("", "<img src='data:,'>", "1280 px, light", "image-alt"),
    "light": (PALE[2:-2], "<p>Pale</p>", "1280 px, light", "color-contrast"),
    "dark": (f"{DARK} {PALE}", "<p>Pale</p>", "1280 px, dark", "color-contrast"),
    "narrow": (f"{NARROW} {PALE}", "<p>Pale</p>", "390 px", "color-contrast"),
    "narrow and dark": (
        f"{NARROW} and (prefers-color-scheme: dark) {PALE}",
        "<p>Pale</p>",
        "390 px, dark",
        "color-contrast",
    ),
    "narrow targets": (f"{NARROW} {SMALL}", TWO, "390 px", "target-size"),
    "wide targets": (f"{WIDE} {SMALL}", TWO, "1280 px", "target-size"),
    "narrow names": (f"{WIDE} {{ button {{ display: none }} }}", "<button></button>", "390 px", "button-name"),
}


def test_what_is_wrong_in_one_sight_only_is_found(visit: Callable[..., Any], axe: str) -> None:
    look = Look(visit(), axe)
    for style, body, sight, rule in SIGHTS.values():
        look.wrong.clear()

        look.page.goto("data:text/html," + quote(PAGE.format(style=style, body=body)))
        look.here("nothing")

        assert any(wrong.startswith(f"nothing, {sight}: {rule}: ") for wrong in look.wrong), (sight, rule, look.wrong)


def test_one_sight_shows_what_does_not_depend_on_it_and_that_of_every_third_page_its_colors(
    visit: Callable[..., Any], axe: str
) -> None:
    look = Look(visit(), axe, every_sight=False)
    body = f"<img src='data:,'><p>Pale</p>{TWO}<p style='width: 2000px'>Wide</p>"
    names = [f"nothing, {number}" for number in range(30)]
    with_colors = [name for name in names if shows_colors(name)]

    look.page.goto("data:text/html," + quote(PAGE.format(style=PALE[2:-2] + SMALL[2:-2], body=body)))
    look.here(with_colors[0])
    found = "\n".join(look.wrong)
    look.wrong.clear()
    look.here(next(name for name in names if name not in with_colors))
    without = "\n".join(look.wrong)

    wrong = ["image-alt", "color-contrast", "target-size", "wider"]
    assert [word for word in wrong if word not in found] == []
    assert [word for word in wrong if word not in without] == ["color-contrast"]
    assert 5 <= len(with_colors) <= 15


def test_of_many_pages_a_fourth_is_looked_at_in_one_sight_and_all_must_fit(visit: Callable[..., Any], axe: str) -> None:
    look = Look(visit(), axe, every_sight=False, sparing=True)
    names = [f"nothing, {number}" for number in range(60)]
    looked_at = [name for name in names if is_looked_at_once(name)]

    look.page.goto(
        "data:text/html," + quote(PAGE.format(style="", body=f"{TWO}<p style='width: 2000px'>Wide</p><img>"))
    )
    look.here(looked_at[0])
    found = "\n".join(look.wrong)
    look.wrong.clear()
    look.here(next(name for name in names if name not in looked_at))

    assert "image-alt" in found
    assert [wrong.partition(": ")[2] for wrong in look.wrong] == ["wider than the window of 320 px"]
    assert 8 <= len(looked_at) <= 24


def test_nothing_is_found_in_a_page_that_is_right(visit: Callable[..., Any], axe: str) -> None:
    look = Look(visit(), axe)

    look.page.goto("data:text/html," + quote(PAGE.format(style="", body="<p>Right</p>")))
    look.here("nothing")

    assert look.wrong == []
