"""Operations of the REST API: the column mappings of the token's districts."""

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Path, Schema, Status
from pydantic import Field

from sisimport.accounts.access import Capability
from sisimport.accounts.scopes import Scope
from sisimport.api.application import operation
from sisimport.api.problems import ProblemError
from sisimport.api.schemas import Plain
from sisimport.roster.mapping import services, sharing
from sisimport.roster.mapping.content import MappingError, from_text
from sisimport.roster.mapping.layouts import key_of
from sisimport.roster.models import MappingVersion
from students.access import visible_school_ids

TAG = "Column mappings"
_SCOPES = [Scope.IMPORTS_TEST, Scope.IMPORTS_WRITE]


class ColumnMappingOut(Schema):
    id: int
    name: str
    lea: str = Field(description="Code of the district that it is for; blank: all.")
    number: int = Field(description="Its version.")
    version: str = Field(description="Hash of its content, as runs record it.")
    layout: str = Field(description="Key of the layout by which runs read its files.")
    mapping: dict[str, Any] = Field(description="Its content, as it is shared.")


class ColumnMappingsOut(Schema):
    items: list[ColumnMappingOut]
    next: str | None = None


class ColumnMappingIn(Schema):
    text: str = Field(
        ...,
        min_length=2,
        max_length=sharing.MOST_BYTES,
        description="A mapping as it is shared: TOML, or JSON as text.",
    )
    name: Plain = Field("", max_length=80, description="Its name; blank: as in the text.")
    lea: Plain = Field("", max_length=7, description="The district that it is for; blank: as in the text.")
    school: Plain = Field("", max_length=7, description="School code for all lines, for files without such a column.")
    replace: bool = Field(False, description="Save as the next version of the mapping with that name.")


def _shown(version: MappingVersion) -> dict[str, Any]:
    return {
        "id": version.mapping_id,
        "name": version.mapping.name,
        "lea": version.mapping.lea,
        "number": version.number,
        "version": version.sha,
        "layout": key_of(version.sha),
        "mapping": from_text(version.text).data(),
    }


@operation(
    "GET",
    "/column-mappings",
    name="list_column_mappings",
    summary="How the columns of other systems' student exports are read",
    response=ColumnMappingsOut,
    scopes=_SCOPES,
    capability=Capability.TEST,
    tag=TAG,
)
def list_column_mappings(request: HttpRequest) -> dict[str, Any]:
    return {"items": [_shown(version) for version in services.visible_to(request.user)], "next": None}


@operation(
    "POST",
    "/column-mappings",
    name="add_column_mapping",
    summary="Add a mapping that was shared; 201 with it",
    response=ColumnMappingOut,
    status=201,
    scopes=_SCOPES,
    capability=Capability.TEST,
    tag=TAG,
)
def add_column_mapping(request: HttpRequest, form: ColumnMappingIn) -> Status:
    user: Any = request.user
    try:
        constants = {"school": form.school} if form.school else {}
        content = sharing.adopted(from_text(form.text), lea=form.lea, name=form.name, constants=constants)
        replaces = services.find(content.name, services.visible_to(user)) if form.replace else None
        leas = services.leas_of(visible_school_ids(user))
        version = services.save(content, user=user, what=services.What.BROUGHT, replaces=replaces, leas=leas)
    except MappingError as error:
        raise ProblemError("INVALID", errors=[("text", str(error))]) from error
    return Status(201, _shown(version))


@operation(
    "POST",
    "/column-mappings/{mapping_id}/remove",
    name="remove_column_mapping",
    summary="Remove a mapping: no new file is read by it, and reports of earlier runs stay",
    response=ColumnMappingOut,
    scopes=_SCOPES,
    capability=Capability.TEST,
    tag=TAG,
)
def remove_column_mapping(request: HttpRequest, mapping_id: Path[int]) -> dict[str, Any]:
    user: Any = request.user
    mine = services.visible_to(user)
    version = mine.filter(mapping=mapping_id).first() if 0 < mapping_id < 2**63 else None
    if version is None:
        raise Http404
    try:
        services.remove(version, user=user)
    except MappingError as error:
        raise ProblemError("REFUSED", str(error)) from error
    return _shown(version)
