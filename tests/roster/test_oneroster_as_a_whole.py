"""OneRoster files that are right line by line and not as a whole: everybody gone, columns shifted, another district's schools."""

import io

import pytest

from sisimport.imports.definition.registry import get_type
from sisimport.imports.models import RunStatus
from sisimport.web.queries.recognition import recognised_part
from students.models import Enrollment
from tests.imports.journey import District
from tests.roster.oneroster_files import (
    ANA,
    BORN,
    CEDAR,
    CHANGED,
    CLASS,
    DISTRICT,
    GONE,
    MAPLE,
    ORGS,
    YEAR,
    bulk,
    run_zip,
    update,
    zipped,
)

pytestmark = pytest.mark.django_db


def many(count: int = 6, **more: str) -> dict[str, list[dict[str, str]]]:
    """So many students, alternately of two schools; `more` holds for all users."""
    names = ("Ade", "Bie", "Ceo", "Dew", "Eep", "Fex")
    ids = [{"sourcedId": f"u{n}"} for n in range(count)]
    return {
        "users": [
            ANA | one | {"identifier": f"20000{n}", "familyName": names[n], "orgSourcedIds": f"s{n % 2 + 1}"} | more
            for n, one in enumerate(ids)
        ],
        "demographics": [BORN | one for one in ids],
        "enrollments": [
            CLASS | {"sourcedId": f"e{n}", "userSourcedId": f"u{n}", "schoolSourcedId": f"s{n % 2 + 1}"}
            for n in range(count)
        ],
    }


def open_stays() -> int:
    return Enrollment.objects.filter(exit_date=None).count()


def test_a_whole_file_in_which_most_are_gone_is_refused_unless_said(district: District) -> None:
    update(bulk(**many()))
    gone = many(**GONE)
    gone["users"][0] |= CHANGED

    refused = run_zip(bulk(**gone))

    assert (refused.run.status, open_stays()) == (RunStatus.REJECTED, 6)
    assert "5 of 6 lines about students on record are marked tobedeleted" in refused.run.message
    assert update(bulk(**gone), other_people="write").run.status == RunStatus.COMPLETED
    assert open_stays() == 1


def test_a_file_of_changes_may_end_all_that_it_names(district: District) -> None:
    update(bulk(**many()))
    gone = many(**GONE)

    assert update(zipped(mode="delta", orgs=ORGS, **gone)).codes().count("ONE-ENDS") == 6
    assert open_stays() == 0


@pytest.mark.parametrize(("table", "column"), [("enrollments", "userSourcedId"), ("enrollments", "schoolSourcedId"),
                                               ("users", "orgSourcedIds")])  # fmt: skip
def test_a_column_of_enrollments_that_was_shifted_alone_is_a_warning(
    district: District, table: str, column: str
) -> None:
    update(bulk(**many()))
    shifted = many()
    values = [row[column] for row in shifted[table]]
    for row, value in zip(shifted[table], [*values[1:], values[0]], strict=True):
        row[column] = value

    said = update(bulk(**shifted)).issue("COLUMN-OTHER")
    assert (said["severity"], said["field"], said["line"]) == ("warning", "school", 0)


def test_schools_with_the_code_of_another_district_than_the_one_above_are_a_warning(district: District) -> None:
    other = DISTRICT | {"identifier": "7654321"}
    said = update(bulk(orgs=[other, CEDAR, MAPLE])).issue("ONE-DISTRICT")

    assert (said["severity"], said["line"]) == ("warning", 0)
    assert "1 school has the code of district 1234567, but the district above them is 7654321" in said["message"]
    assert "ONE-DISTRICT" not in update(bulk()).codes()


# ---- on the upload page ----


def test_the_upload_page_knows_a_whole_zip_and_says_nothing_wrong_of_the_first_part_of_one() -> None:
    data, kind = bulk(academicSessions=[YEAR]), get_type("oneroster")
    whole = recognised_part(io.BytesIO(data), name="a.zip", size=len(data), chosen=kind)
    part = recognised_part(io.BytesIO(data[:-40]), name="a.zip", size=len(data), chosen=kind)

    assert (whole.error, whole.member) == ("", "users.csv")
    assert whole.title.startswith("OneRoster 1.1 or 1.2")
    assert (part.error, part.unseen) == ("", True)
