"""Of every import type: a refused line is corrected, tested alone and imported, in the editor and as a table that comes back."""

import csv
import io
from collections.abc import Iterator

import pytest
from django.db.models import Q

from sisimport.demo.district import all_samples, make_district
from sisimport.imports.definition.registry import built_in_types, get_type
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import corrected_files, corrections, returned_lines, services
from sisimport.imports.runs.refused_lines import refused_line_numbers
from students.models import LEA, Student
from tests.imports.journey import finish, run_file
from tests.longer import one_in

pytestmark = pytest.mark.django_db
# Score files of several years are of one make: the newest stands for those of its family.
TYPES = list({kind.key.rstrip("0123456789-"): kind.key for kind in built_in_types() if kind.screen.listed}.values())
_LIKELY = (
    "birth_date",
    "ssid",
    "retired_ssid",
    "local_number",
    "county",
    "test_year",
)  # a wrong value of one of these keeps a line out, in every type


@pytest.fixture
def lea(db: None) -> LEA:
    return make_district(students=25, seed=3, ssid_percent=50).lea


def sample_test(key: str, lea: LEA) -> tuple[ImportRun, int]:
    """A Test of a sample file of the type, and a line of it that would be imported."""
    for text in _texts(key, lea):
        run = run_file(key, text).run
        if line := run.changes.filter(line__gt=0).values_list("line", flat=True).order_by("-line").first():
            return run, line
    raise AssertionError("no sample has a line to import")


def _texts(key: str, lea: LEA) -> Iterator[str]:
    if key == "ssid-replacement":  # the sample needs a larger district
        student = Student.objects.filter(lea=lea, ssids__retired_at=None, ssids__isnull=False).latest("pk")
        assert student.school
        old = student.ssids.get(retired_at=None).ssid
        yield f"\n{lea.code}^{student.school.code}^{student.local_number}^{old}^9012345679\n"
    for sample in all_samples():
        if sample.import_type == key:
            out = io.StringIO()
            sample.write(out, lea)
            yield out.getvalue()


@pytest.mark.parametrize("key", one_in(2, TYPES))
def test_a_refused_line_is_corrected_tested_and_imported(key: str, lea: LEA) -> None:
    whole, wanted = sample_test(key, lea)
    fields = {f.key: f for f in corrected_files.fields_of(whole, corrected_files.raw_records(whole, [wanted])[wanted])}
    refused = next(run for name in _LIKELY if name in fields if (run := _broken(whole, wanted, fields[name].at)))
    assert (refused.record_count, refused.refused_count) == (1, 1)

    test = finish(_table_back(refused, whole, wanted)).run

    assert (test.corrects_id, test.record_count, test.refused_count) == (refused.pk, 1, 0)
    assert set(test.changes.filter(line__gt=0).values_list("line", flat=True)) == {wanted}
    work = Work.UPDATE if Work.UPDATE in get_type(key).works else Work.IMPORT
    assert test.file
    written = services.start_run(
        file=test.file, import_type=key, work=work, options=test.options, user=None, schools=None, enqueue=False
    )
    done = finish(written).run
    assert (done.status, done.import_count, done.corrects_id) == ("completed", 1, refused.pk)


def _broken(run: ImportRun, line: int, at: int) -> ImportRun | None:
    """The line in the editor with one wrong value, tested; None when it is not refused for it."""
    corrections.save_draft(run, line, {at: "x"}, user=None)
    tested = finish(corrections.start_corrected_test(run=run, user=None, schools=None, lines=[line], enqueue=False)).run
    return tested if tested.refused_count else None


def _table_back(refused: ImportRun, whole: ImportRun, line: int) -> ImportRun:
    """The table of the refused line with the values that it had at first."""
    numbers = refused_line_numbers(refused, shown=Q(), whole=True)
    assert list(numbers) == [line]
    sent = b"".join(returned_lines.table_bytes(refused, numbers, returned_lines.plain_reasons(refused)))
    right = b"".join(returned_lines.table_bytes(whole, numbers, lambda _lines: {}))
    (head, row), (_head, first) = (list(csv.reader(io.StringIO(data.decode("utf-8-sig")))) for data in (sent, right))
    assert row[1], "the table says what is wrong"
    out = io.StringIO()
    csv.writer(out).writerows([head, [*row[:2], *first[2:]]])
    file = returned_lines.take_in(
        io.BytesIO(out.getvalue().encode()), user=None, may_correct=lambda run: run == refused
    )
    assert file is not None
    return services.start_run(
        file=file,
        import_type=refused.import_type,
        work=Work.TEST,
        options={},
        user=None,
        schools=None,
        enqueue=False,
    )
