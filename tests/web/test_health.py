"""/health/: whether the database answers, and nothing else."""

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse


@pytest.mark.django_db
def test_it_says_that_the_database_answers(client: Client) -> None:
    answer = client.get(reverse("health"))

    assert (answer.status_code, answer.content) == (200, b"The database answers.\n")
    assert "no-cache" in answer["Cache-Control"]


def test_it_says_that_the_database_does_not_answer_and_not_why(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("host db.internal refused user sisimport")

    monkeypatch.setattr(connection, "cursor", away)
    answer = client.get(reverse("health"))

    assert (answer.status_code, answer.content) == (500, b"The database does not answer.\n")
