"""Whatever a score file holds: Test plans, Import does exactly that, again does nothing, Revert restores; no run breaks."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.models import Score
from students.models import SSID, SSIDReplacement, Student
from tests.assessments.score_files import ALL
from tests.assessments.test_usual_lines import LAYOUTS, TYPES, changes_of_cells, home, lines_of
from tests.imports.properties import OneExample, edits_are_kept, few, journey_holds
from tests.ssid.journey import District

pytestmark = pytest.mark.django_db
FORMER, REPLACED, REPLACED_FIRST = "9055555555", "9066666666", "9066666665"
NUMBERS = ["9012345678", "9087654321", "9011111111", FORMER, REPLACED, REPLACED_FIRST, "9099999999"]
STATUS_BOX = {layout: {"ela_status": "1"} if layout.startswith("elpac-initial") else {} for layout in LAYOUTS}
repeated_lines = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(NUMBERS)), max_size=4)


def district_with_old_numbers() -> District:
    made = home()
    student = Student.objects.get(local_number="100")
    SSID.objects.create(student=student, ssid=FORMER, origin="staff", retired_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    SSIDReplacement.objects.create(retired_ssid=REPLACED_FIRST, replacement_ssid=REPLACED)
    SSIDReplacement.objects.create(retired_ssid=REPLACED, replacement_ssid="9012345678")
    return made


def with_repeats(layout: str, data: bytes, repeats: list[tuple[int, str]]) -> str:
    """Some lines once more, under another number."""
    header, *lines = data.decode().splitlines()
    at = ALL[layout].fields["ssid"].position - 1
    for line, number in repeats:
        cells = lines[line % len(lines)].split("^")
        cells[at] = number
        lines.append("^".join(cells))
    return "".join(f"{line}\n" for line in [header, *lines])


@few
@given(layout=st.sampled_from(LAYOUTS), changed=changes_of_cells, repeats=repeated_lines)
@pytest.mark.long
def test_the_journey_of_any_score_file_holds(
    layout: str, changed: list[tuple[int, str, int]], repeats: list[tuple[int, str]]
) -> None:
    with OneExample():
        data = with_repeats(layout, lines_of(district_with_old_numbers(), layout, changed), repeats)

        journey_holds(TYPES[layout], data, STATUS_BOX[layout])


@few
@given(layout=st.sampled_from(LAYOUTS), changed=changes_of_cells, repeats=repeated_lines)
@pytest.mark.long
def test_edits_between_test_and_import_are_kept(
    layout: str, changed: list[tuple[int, str, int]], repeats: list[tuple[int, str]]
) -> None:
    def rename() -> None:
        Student.objects.filter(local_number="100").update(last_name="Leigh")

    def rescore() -> None:
        Score.objects.filter(student__local_number="101").update(result="1", run_id=None)

    with OneExample():
        data = with_repeats(layout, lines_of(district_with_old_numbers(), layout, changed), repeats)

        edits_are_kept(TYPES[layout], data, STATUS_BOX[layout], rename, rescore)
