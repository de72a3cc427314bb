"""Storing mappings: called by pages, commands and the API. Every change makes a version that says who made it."""

import json
from collections.abc import Collection, Iterable

from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.text import slugify

from sisimport.imports.definition import registry
from sisimport.roster.mapping.content import Content, MappingError, flaws, from_text, to_toml
from sisimport.roster.mapping.layouts import roster_layout
from sisimport.roster.models import ColumnMapping, MappingVersion
from students.access import visible_school_ids
from students.models import LEA

What = MappingVersion.What


def current(leas: Collection[str] | None = None) -> QuerySet[MappingVersion]:
    """The version in force of every mapping that is not removed, by name. `leas`: codes of the districts, None for all;
    mappings that name no district belong to all."""
    newest = MappingVersion.objects.filter(mapping=OuterRef("mapping")).order_by("-number").values("number")[:1]
    found = MappingVersion.objects.filter(mapping__removed_at=None, number=Subquery(newest)).select_related("mapping")
    if leas is not None:
        found = found.filter(Q(mapping__lea__in=list(leas)) | Q(mapping__lea=""))
    return found.order_by("mapping__name")


def leas_of(schools: Iterable[int] | None) -> set[str] | None:
    """Codes of the districts of these schools; None for all."""
    if schools is None:
        return None
    return set(LEA.objects.filter(schools__in=sorted(schools)).values_list("code", flat=True))


def visible_to(user: User | AnonymousUser) -> QuerySet[MappingVersion]:
    """The mappings of the user's districts."""
    return current(leas_of(visible_school_ids(user)))


def find(name: str, among: QuerySet[MappingVersion]) -> MappingVersion:
    """The mapping of this name. Raises MappingError."""
    found = among.filter(mapping__name__iexact=name.strip()).first()
    if found is None:
        names = ", ".join(among.values_list("mapping__name", flat=True)) or "none yet"
        raise MappingError(f"No column mapping is called {name[:80]}. The mappings are: {names}.")
    return found


@transaction.atomic
def save(
    content: Content,
    *,
    user: User | None,
    replaces: MappingVersion | None = None,
    what: MappingVersion.What | None = None,
    leas: Collection[str] | None = None,
) -> MappingVersion:
    """Store a new mapping, or the next version of one unchanged since `replaces`. `leas`: codes of the districts that
    the user may act for, None for all.

    Raises MappingError for flaws, a district that is not the user's, a name that is taken, and a mapping changed in the
    meantime.
    """
    wrong = flaws(content, roster_layout())
    if wrong:
        raise MappingError(" ".join(flaw.text for flaw in wrong[:5]))
    for code in filter(None, {content.lea, content.constants.get("lea", "")}):
        if leas is not None and code not in leas:
            raise MappingError(
                f"The district {code} is not one of yours. Choose one of {', '.join(sorted(leas)) or 'none'}."
            )
    if leas is not None and not content.lea:
        raise MappingError("Choose the district that the mapping is for.")
    if replaces is None:
        mapping = _new(content)
        number, event = 1, what or What.MADE
    else:
        mapping = _unchanged(replaces)
        if from_text(replaces.text).data() == content.data():
            return replaces
        _set_name(mapping, content.name)
        mapping.lea = content.lea
        mapping.save(update_fields=["name", "lea"])
        number, event = _next(mapping), what or What.CHANGED
    return _keep(mapping, number, event, content, user)


@transaction.atomic
def rename(version: MappingVersion, name: str, *, user: User | None) -> MappingVersion:
    """Raises MappingError as `save` does."""
    mapping, content = _unchanged(version), from_text(version.text)
    renamed = Content(**{key: getattr(content, key) for key in content.__slots__} | {"name": name.strip()})
    wrong = [flaw for flaw in flaws(renamed, roster_layout()) if flaw.about == "name"]
    if wrong:
        raise MappingError(wrong[0].text)
    if renamed.name == content.name:
        return version
    _set_name(mapping, renamed.name)
    return _keep(mapping, _next(mapping), What.RENAMED, renamed, user)


@transaction.atomic
def remove(version: MappingVersion, *, user: User | None) -> None:
    """New files are no longer read by it; reports of earlier runs are. Raises MappingError if it was changed in the
    meantime."""
    mapping = _unchanged(version)
    mapping.removed_at = timezone.now()
    mapping.save(update_fields=["removed_at"])
    _keep(mapping, _next(mapping), What.REMOVED, from_text(version.text), user)


def _new(content: Content) -> ColumnMapping:
    mapping = ColumnMapping(lea=content.lea)
    _set_name(mapping, content.name)
    return mapping


def _set_name(mapping: ColumnMapping, name: str) -> None:
    mapping.name = name
    try:
        with transaction.atomic():
            mapping.save()
    except IntegrityError:
        raise MappingError(
            f"There is already a column mapping called {name}. Give this one another name, or save it as the next version of"
            f" that."
        ) from None


def _unchanged(version: MappingVersion) -> ColumnMapping:
    mapping = ColumnMapping.objects.select_for_update().get(pk=version.mapping_id)
    if mapping.removed_at is not None or _next(mapping) != version.number + 1:
        raise MappingError(f"Someone else has changed {mapping.name} in the meantime. Check it again.")
    return mapping


def _next(mapping: ColumnMapping) -> int:
    newest: int | None = mapping.versions.aggregate(newest=Max("number"))["newest"]
    return (newest or 0) + 1


def _keep(
    mapping: ColumnMapping, number: int, what: MappingVersion.What, content: Content, user: User | None
) -> MappingVersion:
    version = MappingVersion.objects.create(
        mapping=mapping, number=number, what=what, sha=content.sha, text=to_toml(content), made_by=user
    )
    registry.look_again()
    transaction.on_commit(registry.look_again)
    return version


def as_text(version: MappingVersion, ending: str = "toml") -> str:
    """The mapping in its shared form: TOML or JSON."""
    if ending == "json":
        return json.dumps(from_text(version.text).data(), indent=2, ensure_ascii=False) + "\n"
    return version.text


def file_name(version: MappingVersion, ending: str = "toml") -> str:
    return f"{slugify(version.mapping.name) or 'mapping'}.columns.{ending}"
