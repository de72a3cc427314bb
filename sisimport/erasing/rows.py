"""Removing a person from database rows: rows about them are removed, texts that name them are reworded."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Q

from sisimport.erasing.people import Mentions, Person
from sisimport.erasing.personal_data import Table, tables
from sisimport.imports.models import AbsentList, CorrectedLine, ImportFile, ImportRun, absent


def known_lines(students: Collection[int]) -> dict[int, set[int]]:
    """Lines that runs found to be about these internal numbers, by run id; line 0 is about the whole file."""
    found: dict[int, set[int]] = {}
    for model, table in tables():
        if table.of_line == "run" and table.of_student:
            rows = model._base_manager.filter(**{f"{table.of_student}__in": students}, line__gt=0)
            for run, line in rows.values_list("run_id", "line").distinct():
                found.setdefault(run, set()).add(line)
    return found


def by_file(own_lines: Mapping[int, set[int]]) -> dict[int, set[int]]:
    """Those lines by the file that the run read."""
    found: dict[int, set[int]] = {}
    for run, file in ImportRun.objects.filter(pk__in=own_lines, file__isnull=False).values_list("pk", "file_id"):
        found.setdefault(file, set()).update(own_lines[run])
    return found


def lines_of_runs(own_lines: Mapping[int, set[int]], files: Mapping[int, set[int]]) -> dict[int, set[int]]:
    """All lines of the person by run: its own, and those found in its file. Corrected lines keep the line numbers of
    the file that they come from."""
    found = {run: set(lines) for run, lines in own_lines.items()}
    origins = dict(ImportFile.objects.filter(lines_of__isnull=False).values_list("pk", "lines_of__file_id"))
    runs = ImportRun.objects.filter(Q(file_id__in=files) | Q(file_id__in=origins)).values_list("pk", "file_id")
    for run, file in runs:
        if lines := files.get(origins.get(file, file)):
            found.setdefault(run, set()).update(lines)
    return found


def remove_rows(person: Person, lines: Mapping[int, set[int]]) -> tuple[Counter[str], dict[int, Counter[str]]]:
    """Remove rows about the person. Returns rows by kind, and by run the removed changes and issues."""
    gone: Counter[str] = Counter()
    of_runs: dict[int, Counter[str]] = {}
    for model, table in tables():
        ways = list(_ways(model, table, person, lines))
        if not ways:
            continue
        rows = model._base_manager.filter(reduce(or_, ways)).order_by()
        if table.of_line == "run":
            for run, count in rows.values_list("run_id").annotate(n=models.Count("line")):
                of_runs.setdefault(run, Counter())[model._meta.model_name or ""] += count
        _count(gone, model, rows._raw_delete(rows.db))
    gone += _corrected(lines)
    _count(gone, AbsentList, absent.take_out(person.students))
    return gone, of_runs


def _ways(model: type[models.Model], table: Table, person: Person, lines: Mapping[int, set[int]]) -> Iterator[Q]:
    """Conditions; a row that meets any of them is the person's."""
    if table.of_student:
        yield Q(**{f"{table.of_student}__in": person.students})
    if table.of_line == "run":
        nobody = Q(**{f"{table.of_student}__isnull": True}) if table.of_student else Q()
        for run, numbers in lines.items():
            if numbers:
                yield Q(run_id=run, line__in=sorted(numbers)) & nobody
    for name in table.goes_if if person.state_numbers else ():
        if isinstance(model._meta.get_field(name), models.JSONField):
            for number in sorted(person.state_numbers):
                for key in ("ssid", "retired_ssid", "replacement_ssid"):
                    yield Q(**{f"{name}__contains": {key: number}})
        else:
            yield Q(**{f"{name}__in": sorted(person.state_numbers)})


def _corrected(lines: Mapping[int, set[int]]) -> Counter[str]:
    gone: Counter[str] = Counter()
    for run, numbers in lines.items():
        files = ImportFile.objects.filter(Q(lines_of=run) | Q(runs=run))
        rows = CorrectedLine.objects.filter(file__in=files, line__in=sorted(numbers)).order_by()
        _count(gone, CorrectedLine, rows._raw_delete(rows.db))
    return gone


def _count(gone: Counter[str], model: type[models.Model], count: int) -> None:
    if count:
        gone[str(model._meta.verbose_name_plural)] += count


def reword_texts(mentions: Mentions) -> Counter[str]:
    """Replace the person in all texts that may name people. Returns rows by kind."""
    changed: Counter[str] = Counter()
    like = mentions.like()
    for model, table in tables():
        if table.texts and not table.sealed:
            _count(changed, model, _reword(model, table, mentions, like))
    return changed


def _reword(model: type[models.Model], table: Table, mentions: Mentions, like: list[str]) -> int:
    quote = connection.ops.quote_name
    meta = model._meta
    keys = [str(field.column) for field in meta.pk_fields]
    columns: list[Any] = [meta.get_field(name) for name in table.texts]
    text = ", ".join(f"{quote(column.column)}::text" for column in columns)
    changed = 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(map(quote, keys))}, {text} FROM {quote(meta.db_table)}"
            f" WHERE concat_ws(chr(31), {text}) ILIKE ANY (%s)",
            [like],
        )
        for row in cursor.fetchall():
            new: dict[str, str] = {
                column.column: after
                for column, held in zip(columns, row[len(keys) :], strict=True)
                if held is not None and (after := _reworded(column, held, mentions)) is not None
            }
            if new:
                sets = ", ".join(f"{quote(name)} = %s" for name in new)
                where = " AND ".join(f"{quote(key)} = %s" for key in keys)
                cursor.execute(
                    f"UPDATE {quote(meta.db_table)} SET {sets} WHERE {where}", [*new.values(), *row[: len(keys)]]
                )
                changed += 1
    return changed


def _reworded(column: Any, held: str, mentions: Mentions) -> str | None:
    """The value for SQL, without the person; None if it does not name them."""
    if isinstance(column, models.JSONField):
        value = json.loads(held)
        new = mentions.replace_in(value)
        return None if new == value else json.dumps(new)
    if isinstance(column, ArrayField):
        raise TypeError(f"{column}: arrays of texts are not reworded; make it JSON")
    new_text = mentions.replace(held)
    if new_text == held:
        return None
    return new_text if column.max_length is None else new_text[: column.max_length]


def note_on_runs(of_runs: Mapping[int, Counter[str]], lines: Mapping[int, Iterable[int]]) -> int:
    """Record on each run that lines were erased from it: how many, and how many changes can no longer be reverted."""
    concerned = {*of_runs, *(run for run, numbers in lines.items() if numbers)}
    for run in ImportRun.objects.filter(pk__in=concerned).only("pk", "facts"):
        counts = of_runs.get(run.pk, Counter())
        held = Counter((run.facts or {}).get("erased") or {})
        held.update(lines=len(set(lines.get(run.pk, ()))), changes=counts["importchange"], issues=counts["importissue"])
        ImportRun.objects.filter(pk=run.pk).update(facts={**(run.facts or {}), "erased": dict(held)})
    return len(concerned)
