"""The page English learners over 300,000 students, every fifth with an English learner record: below half a second."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory
from tests.figures import Figure
from tests.load.population import depopulate, populate, settle
from tests.load.result_history import forget_results, remember_results
from tests.load.test_results import spent

pytestmark = [pytest.mark.load, pytest.mark.django_db]
STUDENTS, SCHOOLS, YEARS = 300_000, 181, 1
MOST_SECONDS = 0.5
_STATUSES = """
    UPDATE students_elrecord SET program_status = (ARRAY['EL','EL','EL','Exited EL','Pending','EO'])[1 + student_id / 5 % 6],
      identified_date = DATE '2016-01-01' + (student_id * 37 % 3500)::int,
      exit_date = CASE WHEN student_id / 5 % 6 = 3 THEN DATE '2018-01-01' + (student_id * 37 % 2500)::int END,
      tbd_date = CASE WHEN student_id / 5 % 6 = 4 THEN DATE '2020-01-01' END
"""


@pytest.fixture(scope="module")
def learners(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        populate(STUDENTS, schools=SCHOOLS)
        remember_results(YEARS)
        with connection.cursor() as cursor:
            cursor.execute(_STATUSES)
        settle()
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()
        forget_results()
        depopulate()


@pytest.mark.parametrize("asked", ["", "print", "csv"])
def test_numbers_of_english_learners_are_quick(client: Client, learners: None, asked: str, figure: Figure) -> None:
    user: Any = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)

    def read(reader: Client) -> None:
        name = "english_learners_csv" if asked == "csv" else "english_learners"
        answer = reader.get(reverse(name), {"print": "1"} if asked == "print" else {})
        assert answer.status_code == 200
        assert answer.getvalue() if answer.streaming else answer.content

    seconds = spent(client, read)
    figure(f"English learners, {STUDENTS:,} students{': ' if asked else ''}{asked}", seconds, "s")
    assert seconds < MOST_SECONDS
