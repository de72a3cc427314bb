"""The match desk on labeled samples: typos, swaps, twins, siblings, hyphens, diacritics."""

import json

import pytest
from django.core.management import call_command

from students.models import Student

pytestmark = pytest.mark.django_db


def test_precision_and_recall_reach_their_goals_and_nothing_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("match_quality", students=1_500, samples=1_160, seed=7, json=True)

    quality = json.loads(capsys.readouterr().out)
    assert (quality["precision"], quality["wrong"]) == (1.0, 0)
    assert quality["recall_first_three"] >= 0.95
    assert quality["accepted"] > 500
    assert not Student.objects.exists()


def test_the_default_threshold_does_not_accept_people_who_are_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("match_quality", students=1_500, samples=580, seed=7, threshold=92, json=True)

    kinds = {kind["name"]: kind for kind in json.loads(capsys.readouterr().out)["kinds"]}
    assert kinds["new twin of nearly the same name"]["accepted"] == 0
    assert kinds["namesake"]["accepted"] == 0
