"""A total at the end of a file, in every import type: the line is left out, and a count that differs is told."""

import io

import pytest

from sisimport.demo.district import all_samples, make_companions, make_district
from sisimport.imports.definition.registry import get_type
from sisimport.imports.models import ImportRun
from tests.assessments.score_files import start
from tests.imports.properties import RolledBack
from tests.longer import LONG, earlier_years

pytestmark = pytest.mark.django_db


def test_a_total_line_is_left_out_in_every_import_type() -> None:
    lea = make_district(students=40, seed=3, ssid_percent=60).lea
    make_companions()
    samples = [one for one in all_samples() if one.write_packed is None]
    earlier = set() if LONG else earlier_years(one.name for one in samples)
    seen = set()
    for sample in samples:
        if sample.name in earlier:
            continue
        stream = io.StringIO(newline="")
        sample.write(stream, lea)
        text = stream.getvalue()
        end = "\r\n" if "\r\n" in text else "\n"
        kind = get_type(sample.import_type)
        works = [work.value for work in kind.works]
        with RolledBack():
            clean = start(sample.import_type, text.encode(), work=works[0], name=sample.name)
            was = _said(clean)
        with RolledBack():
            run = start(sample.import_type, f"{text}Total 99,999{end}".encode(), work=works[0], name=sample.name)
            now = _said(run)
        expected = was | {"FILE-TOTAL": 1, "FILE-TOTAL-COUNT": 1} if clean.status == "completed" else was
        if (run.status, run.record_count, now) != (clean.status, clean.record_count, expected):
            seen.add((sample.name, f"{run.status} {run.message}", str(now), str(expected)))

    assert seen == set()


def _said(run: ImportRun) -> dict[str, int]:
    found: dict[str, int] = {}
    for code in run.issues.values_list("code", flat=True):
        found[code] = found.get(code, 0) + 1
    return found
