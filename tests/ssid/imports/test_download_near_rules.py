"""SSID download file: values that nearly match are refused as a kind of their own (rule D-13)."""

import pytest

from tests.files.samples import line
from tests.imports.journey import District
from tests.ssid.downloads import download, update
from tests.ssid.imports.test_download_ssid_rules import current_ssid


@pytest.mark.parametrize(
    ("value", "difference"),
    [
        ("GARCÍA-LÓPEZ", "case"),
        ("Garcia-Lopez", "accents"),
        ("García López", "hyphen"),
        ("GarcíaLópez", "spaces"),
        ("García-López Jr.", "suffix"),
        ("GARCIA LOPEZ III", "suffix"),
    ],
)
def test_d13_a_near_match_is_refused_as_its_own_kind(district: District, value: str, difference: str) -> None:
    student = district.student()
    report = update(line(last_name=value))
    issue = report.issue("DEMO-NEAR")
    assert (issue["severity"], issue["field"]) == ("error", "last_name")
    assert difference in issue["message"]
    assert current_ssid(student) is None


@pytest.mark.parametrize("value", ["ONeil", "O Neil", "O’Neil", "O.Neil", "ÓNeil"])
def test_d13_apostrophes_and_periods_are_near(district: District, value: str) -> None:
    district.student(last_name="O'Neil")
    assert download(line(last_name=value)).codes() == ["DEMO-NEAR"]


def test_d13_a_letter_more_is_not_near(district: District) -> None:
    district.student()
    assert download(line(last_name="Garcías-López")).codes() == ["DEMO-MISMATCH"]


def test_d13_every_name_may_be_near(district: District) -> None:
    district.student()
    report = download(line(first_name="Jose", middle_name="LUIS"))
    assert [(i["field"], i["code"]) for i in report.issues] == [
        ("first_name", "DEMO-NEAR"),
        ("middle_name", "DEMO-NEAR"),
    ]


@pytest.mark.parametrize("form", ["NFD", "NFC"])
def test_d13_one_spelling_in_two_unicode_forms_is_not_a_difference(district: District, form: str) -> None:
    import unicodedata

    district.student()
    assert download(line(last_name=unicodedata.normalize(form, "García-López"))).codes() == []  # type: ignore[arg-type]
