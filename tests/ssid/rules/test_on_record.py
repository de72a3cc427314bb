"""The short way for lines that say nothing but what is on record says and plans what all rules and steps do, for any lines."""

import io
from typing import Any

import pytest
from django.db.models import Q
from hypothesis import event, given
from hypothesis import strategies as st

from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.models import RunStatus, Work
from ssid.imports.ela import ELAImport
from ssid.imports.ssid_download import SSIDDownload
from ssid.rules import on_record
from ssid.rules.english_learner_plan import Choices
from students.models import ELRecord, Student
from tests.files.samples import line
from tests.imports.evaluating import report_of
from tests.imports.journey import give_el, give_ssid, make_district
from tests.imports.properties import RolledBack, few
from tests.ssid.imports.test_download_properties import CHANGES, edits, files, make, merges, people
from tests.ssid.imports.test_ela_properties import sela_files

TYPES: dict[str, type[ImportType]] = {"ssid-download": SSIDDownload, "ela": ELAImport}
chosen_options = st.fixed_dictionaries(
    {
        "replace_retired": st.sampled_from(["", "1"]),
        "rfep_date": st.sampled_from(["identified", "exit"]),
        "ela_mode": st.sampled_from(["overwrite", "fill"]),
        "older_status": st.sampled_from(["write", "keep"]),
    }
)


def said_and_planned(import_type: str, content: str, options: dict[str, str]) -> dict[str, Any]:
    own = {option.name for option in TYPES[import_type]().options}
    report = report_of(import_type, content, options={name: v for name, v in options.items() if name in own})
    counts = {name: getattr(report.run, name) for name in ("planned_count", "refused_count", "unchanged_count")}
    # Keys of what is to be created are new each time.
    changes = [{k: v for k, v in change.items() if k != "object_id"} for change in report.changes]
    return {"status": report.run.status, "issues": report.issues, "changes": changes, **counts}


def alike(patch: pytest.MonkeyPatch, import_type: str, content: str, options: dict[str, str]) -> dict[str, Any]:
    """What a Test says, the short way and asking every rule: the same."""
    quick = said_and_planned(import_type, content, options)
    with patch.context() as without:
        without.setattr(TYPES[import_type], "on_record_when", lambda _self, _context: None)
        slow = said_and_planned(import_type, content, options)
    assert quick == slow
    return slow


@pytest.mark.django_db
@few
@given(
    key=st.sampled_from(sorted(TYPES)), drawn=people, merged=merges, content=files, chosen=chosen_options, later=edits
)
@pytest.mark.long
def test_lines_that_are_on_record_are_those_of_which_no_rule_and_no_step_speaks(  # type: ignore[no-untyped-def]
    key, drawn, merged, content, chosen, later
) -> None:
    with RolledBack(), pytest.MonkeyPatch.context() as patch:
        make(drawn, merged)
        first = alike(patch, key, content, chosen)
        if first["status"] == RunStatus.COMPLETED:  # a file may be refused as a whole
            report_of(key, content, work=Work.UPDATE)
        again = alike(patch, key, content, chosen)
        event(f"{first['status']}, unchanged again: {again['unchanged_count'] > 0}")
        for edit, number in later:
            edit(number)
        alike(patch, key, content, chosen)


@pytest.mark.django_db
@few
@given(drawn=people, content=sela_files, chosen=chosen_options)
@pytest.mark.long
def test_so_are_lines_of_a_sela_file(drawn, content, chosen) -> None:  # type: ignore[no-untyped-def]
    with RolledBack(), pytest.MonkeyPatch.context() as patch:
        make(drawn, [])
        if alike(patch, "ela", content, chosen)["status"] == RunStatus.COMPLETED:
            report_of("ela", content, work=Work.UPDATE)
        alike(patch, "ela", content, chosen)


VALUES = CHANGES | {
    "elas": ["EL", "IFEP", "RFEP", "TBD", "TVD", "EO", "FEP", "XX", ""],
    "elas_date": ["20150901", "20160901", "20000101", ""],
    "language": ["spa", "01", "SPA", "eng", "00", "vie", "xqx", ""],
    "grade": ["PS", "13", "IN", "10"],
    "gender": ["M", "X", "F", ""],
}


@pytest.mark.django_db
@pytest.mark.parametrize("key", sorted(TYPES))
@pytest.mark.parametrize("noted", ["no", "same", "other"])
def test_every_value_that_differs_is_reported(key: str, noted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One field after the other of a line that is on record."""
    home = make_district()
    contents = []
    for number, (name, values) in enumerate(sorted(VALUES.items())):
        for at, value in enumerate(values):
            own = {"local_number": f"{number}{at}", "ssid": f"90{number:04}{at:04}"}
            contents.append(line(**(own | {"elas": "EL", "elas_date": "20150901", "language": "spa"} | {name: value})))
            student = home.student(local_number=own["local_number"])
            give_ssid(student, own["ssid"])
            give_el(student, "EL", identified_date="2015-09-01")
    if noted != "no":
        ELRecord.objects.update(
            state_elas="EL",
            state_elas_date="2015-09-01" if noted == "same" else "2014-09-01",
            state_language="spa",
        )

    found = alike(monkeypatch, key, "".join(f"{text}\n" for text in contents), {})

    assert found["issues"]
    assert found["unchanged_count"] > 0


@pytest.mark.django_db
def test_nearly_every_line_of_a_file_that_was_imported_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    from sisimport.demo.district import make_district as make_demo
    from ssid.demo.ssid_download import write_new

    demo = make_demo(students=120, seed=1, ssid_percent=0)
    stream = io.StringIO()
    write_new(stream, demo.lea)
    found = {}
    for key, kind in TYPES.items():
        told = kind.on_record_when

        def count(self: ImportType, context: RunContext, told: Any = told, key: str = key) -> Q | None:
            condition: Q | None = told(self, context)
            rows = self.rows(context).filter(refused=False)
            found[key] = (rows.filter(condition).count(), rows.count())
            return condition

        report_of(key, stream.getvalue(), work=Work.UPDATE)
        monkeypatch.setattr(kind, "on_record_when", count)
        report_of(key, stream.getvalue())

    assert Student.objects.count() == 120
    for idle, lines in found.values():
        assert idle > 0.9 * lines


def test_what_a_new_line_lacks_is_asked_first_and_never_unknown() -> None:
    """After an unknown PostgreSQL continues with the rest of a condition: all of it was evaluated for every line of a new
    file."""
    assert on_record.same_ssid().children[0] == ("current__id__isnull", False)
    status = on_record._same_status(Choices())
    assert status.children[0] == ("student__el__student_id__isnull", False)
