"""The page of a run that continues: its bar, and the title of its tab."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.models import ImportRun, RunStatus
from tests.browser.look import Look, one_sight_or_every
from tests.factories import UserFactory
from tests.imports.journey import make_district, run_file
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db(transaction=True)


@one_sight_or_every
def test_the_tab_says_how_far_a_run_is(visit: Callable[..., Any], axe: str, every_sight: bool) -> None:
    make_district()
    run = run_file("students", csv(JOSE)).run
    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, phase="checking")
    page = visit(UserFactory(import_admin=True))
    page.goto(reverse("run", args=[run.pk]))

    expect(page).to_have_title(re.compile(rf"^45% · file.txt, run {run.pk} · "))
    look = Look(page, axe, every_sight=every_sight)
    look.here("run")
    assert look.wrong == []
    ImportRun.objects.filter(pk=run.pk).update(phase="planning")
    expect(page).to_have_title(re.compile(rf"^75% · file.txt, run {run.pk} · "))


@one_sight_or_every
def test_the_icon_of_the_tab_shows_it_and_the_browser_tells_the_end(
    visit: Callable[..., Any], axe: str, every_sight: bool
) -> None:
    """The notification is caught in place of the system's: its text names the run and counts, no file."""
    make_district()
    run = run_file("students", csv(JOSE)).run
    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, phase="checking")
    page = visit(UserFactory(import_admin=True))
    page.add_init_script(
        """window.told = [];
        window.Notification = class extends EventTarget {
          static permission = sessionStorage.getItem("allowed") ?? "default";
          static async requestPermission() { sessionStorage.setItem("allowed", "granted"); return this.permission = "granted"; }
          constructor(text) { super(); window.told.push(text); }
        };"""
    )
    page.goto(reverse("run", args=[run.pk]))
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("icon-run-1"))
    page.get_by_role("button", name="Notify me when it ends").click()
    expect(page.get_by_text("You will be notified when it ends")).to_be_visible()
    ImportRun.objects.filter(pk=run.pk).update(phase="planning")
    expect(icon).to_have_attribute("href", re.compile("icon-run-3"))
    look = Look(page, axe, every_sight=every_sight)
    look.here("run")
    assert look.wrong == []

    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, phase="")

    expect(icon).to_have_attribute("href", re.compile("icon-done"))
    page.wait_for_function("window.told.length === 1")
    assert page.evaluate("window.told[0]") == f"Run {run.pk}, Test: 1 to import"
    page.reload()
    assert page.evaluate("window.told.length") == 0, "told once"
