"""The invented county of the load tests fits the tables of today: those tests run seldom, and would not say so in time."""

import pytest

from sisimport.imports.models import ImportChange, ImportRun
from students.models import Student, WithoutSSID
from tests.load.population import populate, remember


@pytest.mark.django_db
def test_a_small_county_is_made() -> None:
    populate(200, schools=5)
    remember(student=1, changes=2)
    assert (Student.objects.count(), ImportRun.objects.count()) == (200, 2)
    assert 0 < WithoutSSID.objects.count() < 20
    assert ImportChange.objects.filter(student_id=1).count() >= 2
