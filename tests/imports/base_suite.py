"""What every import type keeps. A type's test class inherits `ImportTypeSuite` and supplies data only:

class TestRosterJourney(ImportTypeSuite):
    import_type = "students"

    def arrange(self) -> None: ...      # records before the file comes
    def content(self) -> str: ...       # a file with lines that are imported, unchanged and refused
"""

from collections.abc import Mapping
from typing import Any

import pytest

from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.models import ImportChange, ImportRun, Work
from sisimport.imports.runs import services
from students.models import Student
from tests.imports.evaluating import evaluated
from tests.imports.journey import Report, Snapshot, finish, revert, run_file, snapshot
from tests.imports.ranges import of_several_ranges, partitions_read

COUNTS = (
    "record_count",
    "unchanged_count",
    "refused_count",
    "skipped_count",
    "error_count",
    "warning_count",
    "notice_count",
)


@pytest.mark.django_db
class ImportTypeSuite:
    """The promises of the journey, checked for one import type."""

    import_type: str
    options: Mapping[str, str] = {}

    def arrange(self) -> None:
        raise NotImplementedError

    def content(self) -> str:
        raise NotImplementedError

    # ---- helpers ----

    def run_test(self) -> Report:
        return run_file(self.import_type, self.content(), options=self.options)

    def update_of(self, test: Report) -> Report:
        return finish(services.start_update(test_run=test.run, user=None, enqueue=False))

    @pytest.fixture(autouse=True)
    def _arranged(self, db: None) -> None:
        self.arrange()

    # ---- the data itself ----

    def test_the_sample_has_lines_of_every_kind(self) -> None:
        counts = self.run_test().counts
        assert counts.get("imported", 0) >= 2, counts
        assert counts.get("unchanged", 0) >= 1, counts
        assert counts.get("refused", 0) >= 1, counts

    # ---- Test ----

    def test_a_test_writes_nothing(self) -> None:
        before = snapshot()
        self.run_test()
        assert snapshot() == before

    def test_statements_read_the_range_of_their_run(self) -> None:
        """Test, Update and Revert: whatever other runs left in the tables that all share, their plans do not look at it."""
        with partitions_read() as found:
            run = self.update_of(self.run_test()).run
            revert(run)
        assert len(found) > 10
        assert of_several_ranges(found) == {}

    def test_a_second_test_says_the_same(self) -> None:
        first, second = self.run_test(), self.run_test()
        assert second.issues == first.issues
        assert _without_new_keys(second.changes) == _without_new_keys(first.changes)
        assert second.counts == first.counts

    def test_what_is_evaluated_without_a_run_is_what_its_test_says(self) -> None:
        if type(self).run_test is not ImportTypeSuite.run_test:
            pytest.skip("this Test goes on from what people decided on the lines of another")
        before, runs = snapshot(), ImportRun.objects.count()
        alone = evaluated(self.import_type, self.content(), options=self.options)
        assert (alone.run.pk, ImportRun.objects.count()) == (None, runs)
        test = self.run_test()
        assert snapshot() == before
        left_out = {"run", "changes"}
        assert {k: v for k, v in alone.json.items() if k not in left_out} == {
            k: v for k, v in test.json.items() if k not in left_out
        }
        assert _without_new_keys(alone.changes) == _without_new_keys(test.changes)

    def test_the_lines_of_a_test_add_up(self) -> None:
        _adds_up(self.run_test())

    # ---- Update ----

    def test_an_update_changes_what_the_test_said_line_by_line(self) -> None:
        test = self.run_test()
        update = self.update_of(test)
        assert update.changes == test.changes
        assert update.issues == test.issues
        assert update.run.import_count == test.run.planned_count
        assert [getattr(update.run, name) for name in COUNTS] == [getattr(test.run, name) for name in COUNTS]

    def test_after_an_update_every_planned_value_is_on_record(self) -> None:
        test = self.run_test()
        self.update_of(test)
        for change in ImportChange.objects.filter(run=test.run):
            kind = get_kind(change.kind)
            row = kind.model._default_manager.filter(pk=change.object_id).values(*(change.after or {})).get()
            assert {name: _as_json(value) for name, value in row.items()} == {
                name: _as_json(value) for name, value in (change.after or {}).items()
            }

    def test_an_update_writes_nothing_else(self) -> None:
        before = snapshot()
        test = self.run_test()
        self.update_of(test)
        touched = set(ImportChange.objects.filter(run=test.run).values_list("kind", "object_id"))
        assert _untouched(before, touched) == _untouched(snapshot(), touched)

    def test_the_lines_of_an_update_add_up(self) -> None:
        _adds_up(self.update_of(self.run_test()))

    def test_updating_the_same_file_twice_changes_nothing(self) -> None:
        self.update_of(self.run_test())
        after = snapshot()
        again = self.run_test()
        assert (again.changes, again.run.planned_count) == ([], 0)
        self.update_of(again)
        assert snapshot() == after

    def test_applying_one_test_twice_changes_nothing_the_second_time(self) -> None:
        test = self.run_test()
        self.update_of(test)
        after = snapshot()
        second = self.update_of(test)
        assert snapshot() == after
        assert second.run.import_count == 0
        _adds_up(second)

    # ---- set aside ----

    def test_students_edited_since_the_test_are_set_aside(self) -> None:
        test = self.run_test()
        edited = set(
            ImportChange.objects.filter(run=test.run, student_id__in=Student.objects.values("pk"))
            .exclude(guard=None)
            .values_list("student_id", flat=True)
        )
        if not edited:
            pytest.skip("the file changes no student who is there already")
        Student.objects.filter(pk__in=edited).update(
            last_name="Edited", legal_last_name="Edited", legal_first_name="Edited"
        )
        before = {row for row in snapshot()["student"] if row[0] in edited}
        lines = set(ImportChange.objects.filter(run=test.run, student_id__in=edited).values_list("line", flat=True))
        update = self.update_of(test)
        assert {row for row in snapshot()["student"] if row[0] in edited} == before
        assert {i["line"] for i in update.issues if i["code"] == "CHANGED-SINCE-TEST"} == lines
        assert update.run.set_aside_count == len(lines)
        _adds_up(update)

    # ---- Revert ----

    def test_a_revert_restores_every_record_exactly(self) -> None:
        before = snapshot()
        update = self.update_of(self.run_test())
        undone = revert(update.run)
        assert snapshot() == before
        assert undone.run.import_count == update.run.import_count
        _adds_up(undone)

    def test_after_a_revert_the_file_can_be_imported_again(self) -> None:
        first = self.update_of(self.run_test())
        revert(first.run)
        again = self.update_of(self.run_test())
        assert again.run.import_count == first.run.import_count
        assert _without_new_keys(again.changes) == _without_new_keys(first.changes)


def _adds_up(report: Report) -> None:
    """Every line has one outcome, and the severities counted are those listed."""
    run = report.run
    assert sum(run.outcome_counts.values()) == run.record_count, run.outcome_counts
    assert all(count >= 0 for count in run.outcome_counts.values()), run.outcome_counts
    for severity in ("error", "warning", "notice"):
        listed = sum(1 for issue in report.issues if issue["severity"] == severity)
        assert getattr(run, f"{severity}_count") == listed, severity
    if run.work in (Work.UPDATE, Work.IMPORT):
        assert len({change["line"] for change in report.changes}) == run.import_count


def _as_json(value: Any) -> str | None:
    """A value as text, whichever side of the journal it comes from. Times are compared by whether they are there."""
    if value is None:
        return None
    text = str(value)
    return "a time" if len(text) > 18 and text[4] == "-" and text[10] in " T" else text


def _without_new_keys(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes without the keys of schools and districts that each plan allocates again."""
    new = {"school_id", "lea_id"}
    return [{**c, "after": "…"} if c["field"] in new or c["field"] == "retired_at" else c for c in changes]


def _untouched(records: Snapshot, touched: set[tuple[str, int]]) -> Snapshot:
    return {kind: [row for row in rows if (kind, row[0]) not in touched] for kind, rows in records.items()}
