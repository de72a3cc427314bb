"""Words on a phone: letters of a chart overlap nothing and can be read, choices of the admin are read to their end."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from sisimport.imports.models import ImportRun
from students import collection
from students.models import DistrictSettings
from tests.assessments.score_files import SSID_1, ela, start, text
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.ssid.journey import District

pytestmark = pytest.mark.django_db(transaction=True)
# Labels that touch each other, a point or the heading; labels under 14 px; points that are not to be told apart.
COVERED = """() => {
  const shown = (query) => [...document.querySelectorAll(query)].filter((each) => each.checkVisibility());
  const texts = shown("svg.chart.time text"), others = shown("svg.chart.time circle, #over-time");
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const said = texts.length === 5 ? [] : [`${texts.length} labels`];
  texts.forEach((one, at) => {
    const box = one.getBoundingClientRect();
    for (const other of [...texts.slice(at + 1), ...others])
      if (meet(box, other.getBoundingClientRect())) said.push(`${one.textContent} over ${other.textContent}`);
    const size = parseFloat(getComputedStyle(one).fontSize) * one.ownerSVGElement.getScreenCTM().a;
    if (size < 14) said.push(`${one.textContent}: ${size} px`);
  });
  return said;
}"""
CUT_OFF = """() => [...document.querySelectorAll("main .form-row label *")].filter((each) =>
  getComputedStyle(each).textOverflow === "ellipsis" && each.scrollWidth > each.clientWidth + 1
).map((each) => each.textContent)"""


def test_labels_of_the_chart_stand_over_nothing(visit: Callable[..., Any]) -> None:
    StudentFactory()
    for days in (300, 200, 100, 50, 20, 1):
        collection.record_missing(timezone.localdate() - dt.timedelta(days=days))
    page = visit(UserFactory(registrar=True, all_schools=True))

    found = {}
    for width in (1280, 640, 390, 361, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(reverse("collection"))
        found[width] = page.evaluate(COVERED)

    assert {width: words for width, words in found.items() if words} == {}


def test_choices_of_the_admin_are_read_to_their_end(visit: Callable[..., Any]) -> None:
    settings = DistrictSettings.objects.create(lea=StudentFactory().school.lea)
    page = visit(UserFactory(is_superuser=True, is_staff=True, all_schools=True), width=390)

    page.goto(reverse("admin:students_districtsettings_change", args=[settings.pk]))

    assert page.evaluate(CUT_OFF) == []


def test_levels_of_a_score_run_fit_the_narrowest_phone(visit: Callable[..., Any]) -> None:
    school = SchoolFactory()
    District(school.lea, school).add("100", ssid=SSID_1)
    run = start("caaspp-2023-2024", text("caaspp-2023-24", ela()))
    (spread,) = run.facts["distributions"]
    spread["grades"] = {"05": {code: 120 for code, _name in spread["results"] if code in "1234"}}
    ImportRun.objects.filter(pk=run.pk).update(facts=run.facts)
    page = visit(UserFactory(import_admin=True, all_schools=True), width=320)

    page.goto(reverse("run", args=[run.pk]))

    assert page.locator("table.spread td").count() >= 5
    assert page.evaluate("document.documentElement.scrollWidth") == 320
