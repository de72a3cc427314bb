"""Adding and removing a layout: called by both the page and the command."""

from collections.abc import Collection
from datetime import timedelta
from io import BytesIO
from typing import IO

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone

from assessments.models import AddedLayout
from assessments.new_year.kinds import TOOLS, kind_of
from assessments.new_year.looking import Look, look_at
from assessments.new_year.proposing import Answers, Proposal, layout_key, propose
from assessments.research.added import is_research
from assessments.structure import OTHER_COLUMNS, condition_codes, grades, other_grades, structure, widest_span
from sisimport.files.detection import recognise
from sisimport.files.layout_matching import find_columns
from sisimport.files.layouts import Layout, normalise_header
from sisimport.imports.definition import registry
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.uploads import scan, shown_name

_DRAFTS_KEPT = timedelta(days=1)
_NEAR = 0.3  # share of the named columns: less means a file of another kind


class NotAddedError(ValueError):
    """A layout cannot be added or removed; the text says why and what to do."""


def known_layouts() -> dict[str, Layout]:
    """All layouts of score files and research files by key, including added ones."""
    return {
        layout.key: layout
        for import_type in registry.all_types()
        if import_type.screen.tool in TOOLS
        for layout in registry.layouts_of(import_type)
    }


def added_keys() -> set[str]:
    """Keys of the layouts that were added here."""
    return {key for import_type in registry.all_types() for key in import_type.added_layouts}


def take_look(stream: IO[bytes]) -> Look:
    """Raises NotAHeaderError or FileError if the file cannot be read."""
    scan(stream)
    tests = structure()["tests"].values()
    types = {code for test in tests for code in test["record_types"]}
    # Codes, and the names of levels: scores are read by both.
    results = {text for names in structure()["results"].values() for level in names.items() for text in level}
    spellings = {*results, *structure()["spellings"], *structure()["no_score"], *condition_codes()}
    type_columns = {
        name
        for layout in known_layouts().values()
        if "record_type" in layout.fields and not is_research(layout.key)
        for name in layout.fields["record_type"].names
    }
    return look_at(
        stream,
        levels=spellings,
        record_types=types,
        grades=[*grades(), *other_grades()],
        type_columns=type_columns - {""},
        ranges={
            code: span
            for test in tests
            if (span := widest_span(test.get("ranges", "")))
            for code in test["record_types"]
        },
        max_bytes=settings.IMPORT_MAX_BYTES,
    )


def choose_like(look: Look, year: int, key: str = "") -> Layout:
    """The layout to compare with: the requested one, else, from the family that knows most of the header, the newest up
    to that year, or the oldest if there is none. Raises NotAddedError."""
    layouts = known_layouts()
    if key:
        if key not in layouts:
            raise NotAddedError(f"No layout is called {key}. The layouts are: {', '.join(sorted(layouts))}.")
        return layouts[key]
    tried = [layout for layout in layouts.values() if len(layout.columns) > 50 or is_research(layout.key)]
    shares = {layout.key: _share(layout, look) for layout in tried}
    best = max(shares, key=lambda one: shares[one])
    if shares[best] < _NEAR:
        raise NotAddedError(
            "The file shares almost no columns with any known file of scores or state results. Choose the layout it is like (on"
            " the page: Compare with; on the command line: --like)."
        )
    if is_research(best):
        return layouts[best]  # each is for files of several years
    family, year_of = _family(layouts, best), kind_of(best).school_year
    earlier = [one for one in family if year_of(one) <= year]
    newest = max(earlier, key=lambda one: (year_of(one), len(layouts[one].columns)), default="")
    return layouts[newest or min(family, key=year_of)]


def _family(keys: Collection[str], like: str) -> list[str]:
    """The keys for the same kind of files as `like`."""
    kind = kind_of(like)
    return [key for key in keys if kind_of(key) is kind and kind.family(key) == kind.family(like)]


def _share(layout: Layout, look: Look) -> float:
    """The share of the header that a layout knows by name."""
    named = [name for name in map(normalise_header, look.header) if name not in {"", "blank"}]
    return sum(column is not None for column in find_columns(layout, named)) / len(named) if named else 0.0


def proposal(*, look: Look, like: Layout, year: int, name: str, answers: Answers) -> Proposal:
    """What would be added. Raises NotAddedError if the year's layout already exists and the file has known columns; for
    research files, whose layouts are for several years, if any layout knows all columns."""
    layouts, kind = known_layouts(), kind_of(like.key)
    key = layout_key(kind.family(like.key), year)
    family = [layouts[one] for one in _family(layouts, like.key)]
    if is_research(like.key):
        reader = next((layout for layout in family if _share(layout, look) == 1), None)
        if reader is not None:
            label = registry.get_type(kind.import_type(reader.key)).screen.label
            raise NotAddedError(
                f"Every column is known already, by {reader.title} ({reader.key}). Import the file as {label}, or with auto."
            )
    elif key in layouts and _is_known(look, [one for one in family if kind.school_year(one.key) == year]):
        label = registry.get_type(kind.import_type(key)).screen.label
        title = layouts[key].title
        raise NotAddedError(f"There is already a layout for {title} ({key}). Import the file as {label}, or with auto.")
    if key in layouts:
        key = _free_key(key, layouts)
    return propose(look=look, like=like, family=family, key=key, name=shown_name(name), answers=answers)


def _is_known(look: Look, layouts: Collection[Layout]) -> bool:
    """Would a file with this header line be read by one of these layouts, and have what its scores are made of?"""
    header = look.delimiter.join(look.header)
    found = recognise(BytesIO(f"{header}\r\n".encode()), layouts)
    if found.layout is None:
        return False
    kind, fields = kind_of(found.layout.key), found.layout.fields
    dates = [name for name in kind.years if name in fields][:1]
    needed = {*kind.essential(found.layout), *kind.scores(found.layout), *dates}
    return needed.intersection(fields) <= found.positions.keys()


def _free_key(key: str, keys: Collection[str]) -> str:
    """An unused key for another set of columns in the same year: files of one year come in several forms."""
    found, number = f"{key}{OTHER_COLUMNS}", 2
    while found in keys:
        found, number = f"{key}{OTHER_COLUMNS}-{number}", number + 1
    return found


@transaction.atomic
def add(made: Proposal, *, name: str, user: User | None, draft: AddedLayout | None = None) -> AddedLayout:
    """Store the layout: from now on it is an import type in every process. Raises NotAddedError while a question is
    open."""
    if made.layout is None or made.questions:
        raise NotAddedError("There are open questions: " + " ".join(question.text for question in made.questions))
    row = draft or AddedLayout(made_by=user)
    row.key, row.like, row.text = made.key, made.comparison.like.key, made.text
    row.school_year, row.file_name = kind_of(made.key).school_year(made.key), shown_name(name)
    row.comparison, row.draft = made.summary(), {}
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise NotAddedError(f"Someone else has added {made.key} in the meantime.") from None
    registry.look_again()
    transaction.on_commit(registry.look_again)
    return row


def keep_draft(*, look: Look, like: Layout, year: int, name: str, user: User | None) -> AddedLayout:
    """Store the header and facts about its columns while the user answers; unfinished drafts are removed after a
    day."""
    AddedLayout.objects.filter(text="", made_at__lt=timezone.now() - _DRAFTS_KEPT).delete()
    key = layout_key(kind_of(like.key).family(like.key), year)
    return AddedLayout.objects.create(
        key=key, like=like.key, school_year=year, file_name=shown_name(name), draft=look.stored(), made_by=user
    )


def runs_of(keys: Collection[str]) -> dict[str, int]:
    """Runs that used a layout or its import type, by layout key."""
    # A type of research files has other layouts too, so only a run's layout tells.
    types = {import_type_of(key): key for key in keys if not is_research(key)}
    counts = dict.fromkeys(keys, 0)
    used = ImportRun.objects.filter(Q(import_type__in=types) | Q(layout__in=keys)).order_by()
    for import_type, layout, runs in used.values_list("import_type", "layout").annotate(runs=Count("pk")):
        counts[types.get(import_type, layout)] += runs
    return counts


@transaction.atomic
def remove(layout: AddedLayout) -> None:
    """Undo adding. Raises NotAddedError if a run used it, since its report and lines are read by this layout."""
    locked = AddedLayout.objects.select_for_update().get(pk=layout.pk)
    used = runs_of([locked.key])[locked.key] if locked.text else 0
    if used:
        if used == 1:
            reason = (
                f"1 run uses {locked.key}, so it stays: its report needs it. Revert the run if the scores are wrong."
            )
        else:
            reason = (
                f"{used:,} runs use {locked.key}, so it stays: their reports need it."
                " Revert the runs if the scores are wrong."
            )
        raise NotAddedError(reason)
    locked.delete()
    registry.look_again()
    transaction.on_commit(registry.look_again)


def import_type_of(key: str) -> str:
    """Key of the import type that reads files by this layout."""
    return kind_of(key).import_type(key)
