"""Limits of the settings: the size of a file, the length of a line."""

import io
import tempfile
from pathlib import Path
from typing import Any

import pytest

from sisimport.imports.models import ImportFile, RunStatus, Work
from sisimport.imports.runs.execution import execute_run
from sisimport.imports.runs.refused_lines import original_lines
from sisimport.imports.runs.services import start_run
from sisimport.imports.runs.uploads import RunRefusedError, keep_file
from sisimport.web.queries.data_lines import lines_with_text
from tests.files.samples import lines
from tests.imports.journey import make_district, run_file

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_over_the_limit_is_refused_with_the_limit_and_not_kept(settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 1024

    with pytest.raises(RunRefusedError, match=r"larger than 1\.0.KB; the limit here is 1\.0.KB"):
        keep_file(stream=io.BytesIO(b"x" * 1025), name="big.txt", user=None)

    with pytest.raises(RunRefusedError, match=r"is 3\.0.KB; the limit here is 1\.0.KB"):
        keep_file(stream=io.BytesIO(b"x" * 3072), name="bigger.txt", user=None)

    assert not ImportFile.objects.exists()


def test_a_file_at_the_limit_is_kept(settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 1024

    assert keep_file(stream=io.BytesIO(b"x" * 1024), name="fits.txt", user=None).size == 1024


def test_a_line_over_the_limit_of_the_settings_rejects_the_file(settings: Any) -> None:
    settings.IMPORT_MAX_LINE_BYTES = 200
    line = "^".join(["1975309", "6012345", "9000000001", "1", "Tran", "Bao", "", "F", "20140101"] + [""] * 6)
    text = f"{line}\n{line}{'x' * 200}\n"
    file = keep_file(stream=io.BytesIO(text.encode()), name="ssid.txt", user=None)
    run = start_run(
        file=file, import_type="ssid-download", work=Work.TEST, options={}, user=None, schools=None, enqueue=False
    )

    execute_run(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.REJECTED
    assert [issue.code for issue in run.issues.all()] == ["FILE-LINE-LENGTH"]


def test_a_long_line_that_the_settings_allow_is_searched_and_given_back_too(settings: Any) -> None:
    settings.IMPORT_MAX_LINE_BYTES = 4_000_000
    line = "^".join(["1975309", "6012345", "9000000001", "1", "Tran", "Bao", "", "F", "20140101"] + [""] * 6)
    text = f"{line}\n" * 2 + f"{line}{'x' * 2_000_000}\n" + line.replace("Tran", "Last")
    file = keep_file(stream=io.BytesIO(text.encode()), name="ssid.txt", user=None)
    run = start_run(
        file=file, import_type="ssid-download", work=Work.TEST, options={}, user=None, schools=None, enqueue=False
    )

    execute_run(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.REJECTED  # nobody of this district; what matters here is its file
    assert lines_with_text(run, "last") == ([4], False)
    assert [len(found) for found in original_lines(run, [3, 4])] == [len(line) + 2_000_001, len(line) + 1]


def test_a_scratch_folder_that_was_cleared_away_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Found by the matrix of faults: every run failed until the worker was started again."""
    gone = tmp_path / "data" / "scratch"
    settings.SCRATCH_DIR = gone
    monkeypatch.setattr(tempfile, "tempdir", str(gone))

    make_district().student()

    report = run_file("ssid-download", lines({}))

    assert report.run.status == RunStatus.COMPLETED
