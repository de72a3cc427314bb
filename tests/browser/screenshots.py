"""Pictures of a running server: every page of the menu, and one of each kind that the lists lead to.

Run by script/screenshots. Sign-in and folder are those of the data directory; nothing it writes is committed.
"""

import itertools
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.chromium import BROWSERS

WINDOWS = {"wide": 1280, "narrow": 390, "narrowest": 320}
SCHEMES = ("light", "dark")
# Pages that no menu leads to: the first link of its kind that is met.
DETAILS = {
    "run": r"^/runs/\d+/$",
    "changes": r"^/runs/\d+/changes/",
    "absent": r"^/runs/\d+/absent/",
    "matches": r"^/runs/\d+/matches/",
    "candidates": r"^/runs/\d+/candidates/",
    "student": r"^/students/\d+/$",
    "record": r"^/collection/record/\d+/",
    "senr-request": r"^/ssid-requests/\d+/$",
    "utah-request": r"^/ssid-process/requests/\d+/$",
}


def main() -> None:
    data = Path(os.environ.get("SISIMPORT_DATA_DIR", "var"))
    running, sign_in = data / "server.port", data / "first-sign-in.txt"
    if not (running.exists() and sign_in.exists()):
        sys.exit(f"No server with a demo district runs on {data}: start script/server first.")
    port = running.read_text(encoding="utf-8").split()[0]
    address = (sys.argv[1:] or [f"http://127.0.0.1:{port}"])[0].rstrip("/")
    password = sign_in.read_text(encoding="utf-8").strip()
    folder = data / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        sys.exit("There is no Chromium here: install the package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for (size, width), scheme in itertools.product(WINDOWS.items(), SCHEMES):
            context = browser.new_context(
                base_url=address, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto("/accounts/login/")
            page.screenshot(path=folder / f"sign-in-{size}-{scheme}.png")
            page.fill("[name=login]", "admin")
            page.fill("[name=password]", password)
            page.click("main button[type=submit]")
            page.wait_for_load_state()
            count = sum(_take(page, name, path, folder / f"{name}-{size}-{scheme}.png") for name, path in _pages(page))
            sys.stdout.write(f"{size}, {scheme}: {count} pages in {folder}\n")
            context.close()
        browser.close()


def _pages(page: Any) -> list[tuple[str, str]]:
    """Name and path of what to look at: the menu, then the details its pages lead to."""
    page.goto("/")
    menu = {_named(path): path for path in _links(page, "nav a[href]") if not path.startswith("/accounts/")}
    details: dict[str, str] = {}
    for path in menu.values():
        page.goto(path)
        _collect(details, _links(page, "main a[href]"))
    for path in list(details.values()):
        page.goto(path)
        _collect(details, _links(page, "main a[href]"))
    return [*menu.items(), *details.items()]


def _collect(details: dict[str, str], paths: list[str]) -> None:
    for name, pattern in DETAILS.items():
        found = next((path for path in paths if re.match(pattern, path)), None)
        if found is not None:
            details.setdefault(name, found)


def _links(page: Any, selector: str) -> list[str]:
    """Paths of the links of this site, without what follows them."""
    addresses = page.eval_on_selector_all(selector, "links => links.map(a => a.href)")
    ours = [urlsplit(address) for address in addresses if address.startswith(page.url.split("/", 3)[0])]
    return list(dict.fromkeys(part.path for part in ours if part.netloc == urlsplit(page.url).netloc))


def _named(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "home"


def _take(page: Any, name: str, path: str, file: Path) -> int:
    response = page.goto(path)
    if response is None or response.status != 200:
        sys.stdout.write(f"{name} ({path}) answered {response.status if response else 'nothing'}\n")
        return 0
    page.screenshot(path=file, full_page=True)
    return 1


if __name__ == "__main__":
    main()
