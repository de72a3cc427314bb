"""A run as data, which the command line prints as JSON or text. Texts are rendered only here."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sisimport.files.issues import REFUSED, Severity, render
from sisimport.files.layouts import Layout
from sisimport.files.reader import read_lines
from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.definition.registry import find_layout
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun, SetAside, SetAsideReason
from sisimport.imports.runs.crashes import crash_json
from sisimport.imports.storage.files import StoredFileError, open_file
from sisimport.imports.storage.records import long_records
from students.models import Student

_BLOCK = 4000
MAX_SHOWN = 10_000  # characters of a data line; more than the widest published layout has


def layout_of(run: ImportRun) -> Layout | None:
    entry = find_layout(run.layout)
    return entry[0] if entry else None


def field_label(layout: Layout | None, field: str) -> str:
    """The user's name for a field: its label in the layout, else its key in plain words."""
    if layout is not None and field in layout.fields:
        return layout.fields[field].label
    return field.replace("_", " ").capitalize()


def issue_runs(run: ImportRun) -> list[int]:
    """Runs whose issues make up the report of this one: an Update shows those of its Test and its own."""
    return sorted({run.plan_run_id, run.pk})


def issue_message(
    issue: ImportIssue, layout: Layout | None, *, schools: set[int] | None = None, screen_number: str = ""
) -> str:
    """The sentence of an issue. `schools`: those the reader may see; students of other schools are not named (None: all).

    `screen_number`: the local number of its student, if the issue is to be shown in the words of the screen.
    """
    params = dict(issue.params or {})
    other = params.get("other")
    if other:
        visible = schools is None or _as_int(params.get("other_school")) in schools
        params["other_text"] = f" (local number {other})" if visible else ""
    if screen_number:
        params["local_number"] = screen_number
        params["warning"] = "WARNING: " if issue.severity == Severity.WARNING else ""
    return render(
        issue.code,
        field=field_label(layout, issue.field) if issue.field else "",
        found=issue.found,
        expected=issue.expected,
        params=params,
        screen=bool(screen_number),
    )


def with_true_ends(run: ImportRun, issues: Iterable[ImportIssue]) -> list[ImportIssue]:
    """The issues, those of lines that this run set aside without what becomes of their values: its Test, which found them, did
    not know. Not to be saved."""
    issues = list(issues)
    if not run.applied or not run.set_aside_count:
        return issues
    aside = SetAside.objects.filter(run=run, line__in={issue.line for issue in issues if issue.line})
    lines = set(aside.exclude(reason=SetAsideReason.DONE).values_list("line", flat=True))
    for issue in issues:
        if issue.line in lines:
            issue.params = {**(issue.params or {}), REFUSED: True}
    return issues


def _as_int(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def data_lines(run: ImportRun, lines: Iterable[int]) -> dict[int, str]:
    """Raw data lines of the run's file by number; empty when the file is missing or changed (`why_no_lines`)."""
    wanted = sorted({line for line in lines if line > 0})
    if not wanted or run.file is None:
        return {}
    try:
        with open_file(run.file) as stream:
            encoding, index = str(run.facts.get("encoding", "utf-8")), run.file.line_index
            lines_read = read_lines(stream, index, wanted, encoding)
            if run.facts.get("several_lines"):
                delimiter, columns = str(run.facts["delimiter"]), int(run.facts["columns"])
                long = long_records(stream, index, lines_read, encoding=encoding, delimiter=delimiter, columns=columns)
                lines_read |= {number: "\n".join(lines.values()) for number, lines in long.items()}
        return {number: shortened(text) for number, text in lines_read.items()}
    except OSError:
        return {}


def why_no_lines(run: ImportRun) -> str:
    """Why the run's data lines cannot be read, for the user; blank when they can."""
    if run.file is None:
        return ""
    try:
        with open_file(run.file):
            return ""
    except StoredFileError as error:
        return str(error)


def shortened(text: str) -> str:
    """A data line cut for display: a line that fits no layout may be a megabyte long."""
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + " …"


def issues_json(run: ImportRun, *, schools: set[int] | None = None) -> Iterator[dict[str, Any]]:
    """Issues of a run in file order, in the format of the command contract."""
    issues = ImportIssue.objects.filter(run_id__in=issue_runs(run)).order_by("line", "run_id", "seq")
    for block in _blocks(issues.iterator(chunk_size=_BLOCK)):
        yield from issue_objects(run, block, schools=schools)


def issue_objects(
    run: ImportRun, issues: Collection[ImportIssue], *, schools: set[int] | None = None
) -> Iterator[dict[str, Any]]:
    """Some issues of a run, each with its data line, in the format of the command contract."""
    layout = layout_of(run)
    raw = data_lines(run, (issue.line for issue in issues))
    for issue in with_true_ends(run, issues):
        yield {
            "line": issue.line,
            "severity": Severity(issue.severity).label,
            "code": issue.code,
            "field": issue.field,
            "found": issue.found,
            "expected": issue.expected,
            "message": issue_message(issue, layout, schools=schools),
            "data": raw.get(issue.line, ""),
        }


def changes_json(run: ImportRun) -> Iterator[dict[str, Any]]:
    """Changes of a run, one entry per field, as planned (Test) or as written (Update, Import, Revert)."""
    changes = ImportChange.objects.filter(run_id=run.plan_run_id).order_by("line", "seq")
    labels = Labels()
    for block in _blocks(changes.iterator(chunk_size=_BLOCK)):
        for _change, entries in changes_with_entries(run, block, labels):
            yield from entries


def changes_with_entries(
    run: ImportRun, changes: Sequence[ImportChange], labels: "Labels"
) -> Iterator[tuple[ImportChange, list[dict[str, Any]]]]:
    """Some changes of a run in line order, each with its entries; none for those set aside."""
    aside = set()
    if run.applied and changes:
        lines = (changes[0].line, changes[-1].line)
        aside = set(SetAside.objects.filter(run=run, line__range=lines).values_list("line", "seq"))
    numbers = local_numbers(changes)
    for change in changes:
        if (change.line, change.seq) in aside:
            yield change, []
        else:
            yield change, list(flat_change(change, numbers.get(change.student_id or 0, ""), labels))


def local_numbers(changes: Iterable[ImportChange]) -> dict[int, str]:
    """Local numbers of the students the changes are about, including planned students."""
    changes = list(changes)
    if not changes:
        return {}
    ids = {change.student_id for change in changes if change.student_id}
    numbers: dict[int, str] = dict(Student.objects.filter(pk__in=ids).values_list("pk", "local_number"))
    for change in changes:
        if change.kind == "student" and change.student_id not in numbers:
            held = (change.after or change.before or {}).get("local_number")
            if held and change.student_id:
                numbers[change.student_id] = held
    missing = ids - set(numbers)
    if missing:
        planned = ImportChange.objects.filter(run_id=changes[0].run_id, kind="student", student_id__in=missing)
        for change in planned:
            numbers[change.student_id or 0] = (change.after or change.before or {}).get("local_number", "")
    return numbers


class Labels(dict[tuple[str, int], Mapping[int, str]]):
    """Names that kinds with a writer need to show their changes, read once per kind for all plans shown."""

    def __init__(self, run_ids: Iterable[int] = ()) -> None:
        super().__init__()
        self._run_ids = set(run_ids)

    def __missing__(self, key: tuple[str, int]) -> Mapping[int, str]:
        kind, run_id = key
        writer = get_kind(kind).writer
        if writer is None:
            return {}
        for pk, names in writer.labels(self._run_ids | {run_id}).items():
            self[kind, pk] = names
        return self[key]


def flat_change(change: ImportChange, student: str, labels: Labels | None = None) -> Iterator[dict[str, Any]]:
    """One entry per field of a change; a field that a creation leaves blank is left out."""
    kind = get_kind(change.kind)
    if kind.writer is not None:
        names = (Labels() if labels is None else labels)[change.kind, change.run_id]
        entry = {"line": change.line, "student": student, "what": change.kind}
        for field, was, becomes in kind.writer.flatten(change, names):
            yield {**entry, "field": field, "before": was or None, "after": becomes or None}
        return
    before, after = change.before or {}, change.after or {}
    field_order = kind.fields
    for field in sorted({*before, *after}, key=lambda name: field_order.index(name) if name in field_order else 99):
        old, new = before.get(field), after.get(field)
        if old in (None, "") and new in (None, ""):
            continue
        yield {
            "line": change.line,
            "student": student,
            "what": change.kind,
            "field": field,
            "before": old,
            "after": new,
        }


def _blocks(items: Iterator[Any]) -> Iterator[list[Any]]:
    for _key, group in groupby(enumerate(items), key=lambda pair: pair[0] // _BLOCK):
        yield [item for _n, item in group]


def run_json(run: ImportRun, *, schools: set[int] | None = None) -> dict[str, Any]:
    """A run as the single object of the command contract."""
    return {
        **run_facts(run),
        "issues": list(issues_json(run, schools=schools)),
        "changes": list(changes_json(run)),
    }


def run_facts(run: ImportRun) -> dict[str, Any]:
    """Like `run_json`, but without its lines."""
    return {
        "run": run.pk,
        "type": run.import_type,
        "work": run.work,
        "status": run.status,
        "reverted": run.reverted or None,
        "corrects": run.corrects_id,
        "file_name": run.file.name if run.file else "",
        "layout": run.layout,
        "mapping": (run.facts or {}).get("mapping"),
        "options": run.options,
        "district_options": run.district_options,
        "record_count": run.record_count,
        "import_count": run.import_count,
        "unchanged_count": run.unchanged_count,
        "refused_count": run.refused_count,
        "set_aside_count": run.set_aside_count,
        "skipped_count": run.skipped_count,
        "error_count": run.error_count,
        "warning_count": run.warning_count,
        "notice_count": run.notice_count,
        "planned_count": run.planned_count,
        "message": run.message,
        "crash": crash_json(run),
    }
