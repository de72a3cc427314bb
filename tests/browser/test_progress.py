"""The page of a run that goes on: its bar, and the title of its tab."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.models import ImportRun, RunStatus
from tests.browser.look import Look
from tests.factories import UserFactory
from tests.imports.journey import make_district, run_file
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_tab_says_how_far_a_run_is(visit: Callable[..., Any], axe: str) -> None:
    make_district()
    run = run_file("students", csv(JOSE)).run
    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, phase="checking")
    page = visit(UserFactory(import_admin=True))
    page.goto(reverse("run", args=[run.pk]))

    expect(page).to_have_title(re.compile(rf"^45 % · file.txt, run {run.pk} · "))
    look = Look(page, axe)
    look.here("run")
    assert look.wrong == []
    ImportRun.objects.filter(pk=run.pk).update(phase="planning")
    expect(page).to_have_title(re.compile(rf"^75 % · file.txt, run {run.pk} · "))
