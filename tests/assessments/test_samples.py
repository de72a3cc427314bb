"""Every layout has a synthetic file that imports without an error; its fixed-width twin says the same."""

import io
import json
import zipfile
from pathlib import Path
from unittest import mock

import pytest
from django.core.management import call_command

from assessments.demo.score_files import people, write_scores
from assessments.models import Score
from assessments.pages.queries import in_range
from assessments.structure import import_types
from sisimport.demo.district import make_district
from sisimport.files.issues import Severity
from sisimport.imports.engine import staging
from students.models import LEA, SSID
from tests.assessments import independent_reading
from tests.assessments.score_files import ALL, report, start
from tests.longer import first_and_last_years

TYPE_OF = {key: facts.key for facts in import_types(ALL) for key in facts.layouts}


@pytest.fixture
def lea(db: None) -> LEA:
    return make_district(students=60, seed=3, ssid_percent=100).lea


def sample(key: str, lea: LEA, *, fixed: bool = False) -> bytes:
    stream = io.StringIO(newline="")
    write_scores(stream, ALL[key], people(lea), fixed=fixed)
    return stream.getvalue().encode()


@pytest.mark.parametrize("key", first_and_last_years(sorted(ALL)))
def test_the_sample_of_a_layout_imports_without_an_error(key: str, lea: LEA) -> None:
    data = sample(key, lea)

    run = start(TYPE_OF[key], data, work="import")

    assert (run.status, run.error_count, run.warning_count) == ("completed", 0, 0)
    assert run.layout == key
    assert run.import_count + run.skipped_count == run.record_count
    assert run.import_count > 10
    # What a family would be told to ask the school about is not a sample.
    assert [score.pk for score in Score.objects.select_related("assessment") if not in_range(score)] == []
    if key in independent_reading.known_layouts():
        said = set(independent_reading.read(key, data.decode()))
        assert on_record() == said
        assert len(said) > 10


def test_a_small_file_gets_its_blank_columns_with_the_table_and_a_large_one_after_its_rows(lea: LEA) -> None:
    key = "caaspp-2024-25"
    data = sample(key, lea)
    found = {}
    for most in (len(data), len(data) - 1):
        with (
            mock.patch.object(staging, "SMALL_BYTES", most),
            mock.patch.object(staging, "execute", wraps=staging.execute) as sent,
        ):
            told = report(TYPE_OF[key], data)
        found[most] = {name: told[name] for name in ("status", "record_count", "planned_count", "issues")}
        found[most]["changes"] = [one for one in told["changes"] if one["line"]]  # tests that are made have new numbers
        added = [one for one in sent.call_args_list if one.args[0].startswith("ALTER TABLE")]
        assert len(added) == (most < len(data))

    assert found[len(data)] == found[len(data) - 1]
    assert len(found[len(data)]["changes"]) > 10


def on_record() -> set[independent_reading.ReadScore]:
    """All scores as the tables have them."""
    numbers = dict(SSID.objects.filter(retired_at=None).values_list("student_id", "ssid"))
    return {
        independent_reading.ReadScore(
            numbers[score.student_id], score.assessment.state_code, score.scale_score, score.raw_score,
            score.result.upper(), "" if score.date is None else f"{score.date}",
        )
        for score in Score.objects.select_related("assessment")
    }  # fmt: skip


@pytest.mark.parametrize("key", first_and_last_years(sorted(ALL)))
def test_the_sample_without_the_column_of_its_end_marker_is_warned_of_and_imports_the_same(key: str, lea: LEA) -> None:
    start(TYPE_OF[key], sample(key, lea), work="import")
    cut = b"".join(line.rpartition(b"^")[0] + b"\r\n" for line in sample(key, lea).splitlines())

    again = start(TYPE_OF[key], cut, work="import")

    assert (again.status, again.error_count, again.warning_count, again.planned_count) == ("completed", 0, 1, 0)
    assert again.unchanged_count + again.skipped_count == again.record_count
    warned = again.issues.get(severity=Severity.WARNING)
    assert (warned.line, warned.code) == (0, "FILE-END-COLUMN")


@pytest.mark.parametrize(
    "key", ["caaspp-2017-18", "caaspp-2022-23", "elpac-summative-2021-22", "elpac-initial-2022-23"]
)
def test_the_fixed_width_twin_imports_to_the_same(key: str, lea: LEA) -> None:
    start(TYPE_OF[key], sample(key, lea), work="import")

    twin = start(TYPE_OF[key], sample(key, lea, fixed=True), name="scores.dat")

    assert (twin.status, twin.error_count, twin.planned_count) == ("completed", 0, 0)
    assert twin.unchanged_count + twin.skipped_count == twin.record_count


@pytest.mark.parametrize("twins", [(False, True), (True,)], ids=["csv and dat", "dat alone"])
def test_the_zip_as_downloaded_imports_to_the_same(
    lea: LEA, tmp_path: Path, capsys: pytest.CaptureFixture[str], twins: tuple[bool, ...]
) -> None:
    start("caaspp-2021-2023", sample("caaspp-2022-23", lea), work="import")
    path = tmp_path / "SDF_download.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for fixed in twins:
            name = "SDF.dat" if fixed else "SDF_DLMTR.CSV"
            archive.writestr(name, sample("caaspp-2022-23", lea, fixed=fixed))

    call_command("import_file", "auto", str(path), "--work", "import", "--json")

    report = json.loads(capsys.readouterr().out)
    assert (report["type"], report["status"], report["error_count"]) == ("caaspp-2021-2023", "completed", 0)
    assert report["unchanged_count"] + report["skipped_count"] == report["record_count"]
    assert {i["found"] for i in report["issues"] if i["code"] == "FILE-MEMBER"} == {
        "SDF_DLMTR.CSV" if False in twins else "SDF.dat"
    }


def test_samples_are_plausible_grades_fit_the_test_and_scores_vary_by_year(lea: LEA) -> None:
    scores: dict[tuple[str, str], set[str]] = {}
    for key in ("caaspp-2022-23", "caaspp-2023-24", "caaspp-2024-25"):
        _head, *rows = [line.split(ALL[key].delimiter) for line in sample(key, lea).decode().splitlines()]
        at = {name: column.position - 1 for name, column in ALL[key].fields.items()}
        for row in rows:
            if row[at["record_type"]] == "01" and row[at["scale_score"]]:
                assert row[at["grade_assessed"]] in {"03", "04", "05", "06", "07", "08", "11"}
                scores.setdefault((row[at["ssid"]], "ELA"), set()).add(row[at["scale_score"]])
    repeated = [len(found) for found in scores.values()]
    assert max(repeated) == 3
    assert sum(n > 1 for n in repeated) > 5
