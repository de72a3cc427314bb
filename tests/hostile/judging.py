"""Takes one hostile file through its Test and, where that brings something, its Update, and says what went wrong.

Nothing may go wrong: a crash, a run that failed, a value on record that is in no file, a record changed that no report names.
"""

import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.db import connection

from sisimport.files.issues import FileError
from sisimport.files.workbooks import is_workbook
from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.definition.registry import get_type
from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportChange, ImportRun, RunStatus, SetAside, Work
from sisimport.imports.runs import services, uploads
from sisimport.imports.runs.conversions import convert_workbook
from sisimport.imports.runs.report import changes_json, issues_json
from sisimport.web.help.samples import PEOPLE
from students.models import LEA, SSID, Enrollment, School, Student
from tests.hostile.corpus import Holds, Honest, Hostile, Lines, Refused, Same, Told, Undamaged, Whole
from tests.imports.journey import Snapshot, drop_temporary_tables, snapshot

Change = tuple[str, str, Any]  # what, field, value
_MAKES_STUDENTS = frozenset({"students", "oneroster"})
_BRINGS_SSIDS = frozenset({"ssid-download", "ssid-list"})
# What must be in the file where it goes on record. All else is made out of it (a score's set-up, the origin of an SSID).
_FROM_THE_FILE = frozenset({
    "ssid", "local_number", "last_name", "first_name", "middle_name", "suffix", "birth_date", "retired_ssid", "replacement_ssid",
    "legal_last_name", "legal_first_name", "legal_middle_name", "alias_last_name", "alias_first_name", "ethnicity",
})  # fmt: skip


@dataclass
class Trial:
    """What came of a file. `sentence` of a refusal; `wrong`: what must not have been."""

    status: str = ""
    sentence: str = ""
    codes: set[str] = field(default_factory=set)
    issues: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    run: ImportRun | None = None
    wrong: list[str] = field(default_factory=list)

    @property
    def brought(self) -> list[tuple[int, Change]]:
        return [(change["line"], (change["what"], change["field"], change["after"])) for change in self.changes]


def arrange(import_type: str) -> None:
    """The district that the undamaged file is about."""
    lea = LEA.objects.create(code=PEOPLE[0].lea, name="Old Mill Unified")
    school = School.objects.create(lea=lea, code=PEOPLE[0].school, name="Old Mill")
    if import_type in _MAKES_STUDENTS:
        return
    for person in PEOPLE:
        names = {name: getattr(person, name) for name in ("last_name", "first_name", "middle_name", "gender", "grade")}
        student = Student.objects.create(
            lea=lea,
            school=school,
            local_number=person.local_number,
            birth_date=person.birth_date,
            home_language="spa",
            **names,
        )
        Enrollment.objects.create(student=student, school=school, grade=person.grade, start_date="2024-08-12")
        if import_type not in _BRINGS_SSIDS:
            SSID.objects.create(student=student, ssid=person.ssid, origin="staff")


def look(file: Hostile, stream: IO[bytes]) -> Trial:
    """The Test of a file, as the command runs it. Anything but a refusal in words passes through as the crash that it is."""
    trial = Trial()
    try:
        with uploads.unpacked(stream) as inner:
            workbook = file.convert and is_workbook(inner.stream)
            kept = uploads.keep_file(
                stream=inner.stream, name=file.name, user=None, member=inner.member, notices=inner.notices
            )
        if workbook:
            kept, _converted = convert_workbook(file=kept, user=None)
    except FileError as error:
        return Trial(status=RunStatus.REJECTED, sentence=str(error), codes={error.code})
    except uploads.RunRefusedError as error:
        return Trial(status=RunStatus.REJECTED, sentence=str(error))
    run = services.start_run(
        file=kept, import_type=file.import_type, work=Work.TEST, options={}, user=None, schools=None, enqueue=False
    )
    trial.run = run = run_to_end(run)
    drop_temporary_tables()
    trial.status, trial.sentence = run.status, run.message or ""
    if not file.heavy:
        trial.issues, trial.changes = list(issues_json(run)), list(changes_json(run))
        trial.codes = {issue["code"] for issue in trial.issues}
    return trial


def undamaged(file: Undamaged) -> list[tuple[int, Change]]:
    """What the file brings before anybody damages it. To be asked in a database that is as `arrange` made it."""
    from tests.hostile.corpus import base
    from tests.hostile.fixed_width import fixed

    import_type, positions = file
    text = "".join(f"{record}\r\n" for record in fixed(import_type)) if positions else base(import_type)
    trial = look(Hostile("undamaged", import_type, lambda: b"", Honest()), io.BytesIO(text.encode()))
    if trial.status != RunStatus.COMPLETED:
        raise AssertionError(f"the undamaged file of {import_type} is not read: {trial.sentence}")
    return trial.brought


def judge(file: Hostile, trial: Trial, usual: Sequence[tuple[int, Change]], data: bytes, before: Snapshot) -> list[str]:
    """What is wrong with the end that a file came to. `usual`: what the undamaged file brings; `before`: the records then."""
    wrong = list(_wrong_with_end(file, trial, usual))
    if trial.status == RunStatus.REJECTED and not trial.sentence.strip():
        wrong.append("refused without a sentence")
    if trial.status not in (RunStatus.REJECTED, RunStatus.COMPLETED, RunStatus.HELD):
        wrong.append(f"ended as {trial.status}: {trial.sentence}")
    if snapshot() != before:
        wrong.append("the Test changed records")
    run = trial.run
    if run is not None and run.status == RunStatus.COMPLETED:
        if sum(run.outcome_counts.values()) != run.record_count:
            wrong.append(f"the lines do not add up: {run.outcome_counts} of {run.record_count}")
        wrong += _ungrounded(file, trial, data)
    return wrong


def _wrong_with_end(file: Hostile, trial: Trial, usual: Sequence[tuple[int, Change]]) -> Iterable[str]:
    end = file.end
    if isinstance(end, Honest):
        return
    is_read = trial.status == RunStatus.COMPLETED
    if isinstance(end, Refused):
        if is_read:
            yield f"read, and not refused: {len(trial.changes)} changes"
        elif end.codes and not end.codes & trial.codes:
            yield f"refused by {sorted(trial.codes)}, not {sorted(end.codes)}: {trial.sentence}"
        return
    if not is_read:
        yield f"not read: {trial.sentence}"
        return
    if isinstance(end, Whole):
        assert trial.run is not None
        found = (trial.run.record_count, trial.run.planned_count, trial.run.error_count)
        if found != (end.records, end.records, 0):
            yield f"{found} records, with changes and errors, of {end.records}"
        return
    yield from _wrong_with_reading(file, trial, usual)
    told = end.codes if isinstance(end, Lines) else frozenset() if isinstance(end, Told) else end.told
    if told and not told & trial.codes:
        yield f"not told {sorted(told)}, only {sorted(trial.codes)}"


def _wrong_with_reading(file: Hostile, trial: Trial, usual: Sequence[tuple[int, Change]]) -> Iterable[str]:
    end = file.end
    if isinstance(end, Same):
        yield from _differing(trial.brought, usual)
    elif isinstance(end, Lines):
        refused = {issue["line"] for issue in trial.issues if issue["severity"] == "error" and issue["line"]}
        if refused != end.refused:
            yield f"lines {sorted(refused)} are refused, not {sorted(end.refused)}"
        yield from _differing(trial.brought, [one for one in usual if one[0] not in end.refused])
    elif isinstance(end, Holds):
        found = [value for line, (_, name, value) in trial.brought if (line, name) == (end.line, end.field)]
        if end.value not in found:
            yield f"{end.field} of line {end.line} is {found}, not {end.value!r}"
    elif isinstance(end, Told) and not any(_says(issue, end.line) for issue in trial.issues):
        yield f"nothing said of line {end.line}"


def _says(issue: dict[str, Any], line: int) -> bool:
    """Does the report say that a value of this line does not stand? Words for nothing are read as blank, with a notice."""
    return issue["line"] in (line, 0) and (issue["severity"] != "notice" or issue["code"] == "FILE-PLACEHOLDER")


def _differing(brought: Sequence[tuple[int, Change]], wanted: Sequence[tuple[int, Change]]) -> Iterable[str]:
    if sorted(map(repr, _facts(brought))) != sorted(map(repr, _facts(wanted))):
        yield f"brings other values: {_difference(wanted, brought)}"


def _values(brought: Iterable[tuple[int, Change]]) -> list[Change]:
    """Without what every plan makes again: keys of the records it would make, and moments."""
    return [change for _, change in brought if not change[1].endswith(("_id", "_at"))]


def _facts(brought: Iterable[tuple[int, Change]]) -> list[Change]:
    """Of files of scores the scores alone: a set-up is made by the first line that needs it, whichever that is."""
    values = _values(brought)
    return [value for value in values if value[0] == "scores"] or values


def _difference(usual: Iterable[tuple[int, Change]], brought: Iterable[tuple[int, Change]]) -> str:
    wanted, found = set(map(repr, _facts(usual))), set(map(repr, _facts(brought)))
    return f"missing {sorted(wanted - found)[:4]}, besides {sorted(found - wanted)[:4]}"


# ---- values that are in no file ----


def _ungrounded(file: Hostile, trial: Trial, data: bytes) -> Iterable[str]:
    if file.heavy:
        return
    texts = [file.text] if file.text else _readings(data)
    told = {issue["line"] for issue in trial.issues}
    # Words on the file as a whole, such as that marks were taken out of numbers, are about values of any line.
    file_wide = {"FILE-MARKS", "FILE-REPAIRED", "FILE-DATE-FORMS", "FILE-HIDDEN"} & trial.codes
    for line, (_, name, value) in trial.brought:
        if name in _FROM_THE_FILE and value and line not in told and not file_wide:
            forms = _forms(name, unicodedata.normalize("NFC", str(value)))
            if not any(form in text for text in texts for form in forms):
                yield f"line {line} brings {name} {value!r}, which stands nowhere in the file, and nothing is said of it"


def _readings(data: bytes) -> list[str]:
    """The file in every encoding in which somebody may have written it."""
    found = []
    for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman", "latin-1"):
        try:
            found.append(unicodedata.normalize("NFC", data.decode(encoding, "ignore")))
        except UnicodeError:
            continue
    return [text.replace('""', '"') for text in found] + found


def _forms(name: str, value: str) -> list[str]:
    if not name.endswith("_date"):
        return [value]
    year, month, day = value[:10].split("-")
    short = f"{int(month)}/{int(day)}/{year}"
    return [
        value[:10],
        f"{year}{month}{day}",
        f"{month}/{day}/{year}",
        short,
        f"{day}/{month}/{year}",
        f"{month}{day}{year}",
    ]


# ---- what an Update writes ----


def apply(trial: Trial) -> list[str]:
    """Apply what the Test planned; what is wrong with the records afterwards."""
    test = trial.run
    if test is None or test.status != RunStatus.COMPLETED or not trial.changes:
        return []
    before = snapshot()
    type_ = get_type(test.import_type)
    if Work.UPDATE in type_.works:
        run = services.start_update(test_run=test, user=None, enqueue=False)
    else:
        assert test.file is not None
        run = services.start_run(
            file=test.file, import_type=test.import_type, work=Work.IMPORT, options=test.options, user=None, schools=None,
            test_run=test, enqueue=False,
        )  # fmt: skip
    run = run_to_end(run)
    drop_temporary_tables()
    after = snapshot()
    if run.status == RunStatus.HELD:
        return [] if after == before else ["a held run changed records"]
    if run.status != RunStatus.COMPLETED:
        return [f"the {run.work} ended as {run.status}: {run.message}"]
    plan = list(ImportChange.objects.filter(run_id=run.plan_run_id))
    wrong = [
        f"records of {kind} changed that no report names" for kind in before if _unnamed(kind, plan, before, after)
    ]
    aside = set(SetAside.objects.filter(run=run).values_list("line", "seq"))
    for change in plan:
        if (change.line, change.seq) not in aside and get_kind(change.kind).writer is None:
            wrong += _not_as_planned(change)
    return wrong


def _unnamed(kind: str, plan: Sequence[ImportChange], before: Snapshot, after: Snapshot) -> bool:
    """Did rows change of which no change of the plan speaks? One of scores speaks of many rows, by their student."""
    changes = [change for change in plan if change.kind == kind]
    differing = set(map(repr, before[kind])) ^ set(map(repr, after[kind]))
    if get_kind(kind).writer is not None:
        return bool(differing) and not changes
    named = {change.object_id for change in changes}
    return any(repr(row) in differing and row[0] not in named for row in [*before[kind], *after[kind]])


def _not_as_planned(change: ImportChange) -> list[str]:
    """What an applied change says is on record, and nothing else."""
    kind = get_kind(change.kind)
    names = tuple(change.after or {})
    row = kind.model._default_manager.filter(pk=change.object_id).values(*names).first()
    if row is None:
        return [] if change.after is None else [f"{change.kind} of line {change.line} is not on record"]
    return [
        f"{change.kind} {name} of line {change.line} is {row[name]!r}, not {(change.after or {})[name]!r}"
        for name in names
        if _plain(row[name]) != _plain((change.after or {})[name])
    ]


def _plain(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    return "a time" if len(text) > 18 and text[4] == "-" and text[10] in " T" else text


def made(file: Hostile, folder: Path) -> Path:
    """The file on disk."""
    path = folder / "hostile"
    path.write_bytes(file.make())
    return path


def session_processor() -> float:
    """Processor seconds of this process's database session so far; 0 where the system does not tell."""
    connection.ensure_connection()
    try:
        return int(Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
