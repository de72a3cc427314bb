"""Chosen files, kept for the session until a run takes them: a refusal or a missing answer never loses one.

The session holds tokens and keys; the page sends the token back instead of the file. The reconciler removes a file that
no run took within a day.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from django.http import HttpRequest

from sisimport.accounts import access
from sisimport.accounts.access import signed_in_user
from sisimport.imports.models import ImportFile
from sisimport.imports.runs import returned_lines, uploads
from sisimport.imports.storage.files import open_as_it_is
from sisimport.imports.storage.unused import remove_if_unused

MOST = 12  # files per session; then the oldest is dropped
_KEY = "held-files"


@dataclass(frozen=True, slots=True)
class Held:
    """One kept file and the token that stands for it on pages."""

    token: str
    file: ImportFile

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its bytes, for recognizing it; code that reads records later compares hash and size first."""
        with open_as_it_is(self.file) as stream:
            yield stream


def hold(request: HttpRequest, upload: Any) -> Held:
    """Keep an uploaded file, extracted if it is an archive. For a returned table of refused lines, the corrected lines
    are kept.

    Raises FileError for an archive that cannot be used, RunRefusedError or OSError if there is no room, RunRefusedError
    for lines that cannot be accepted.
    """
    user = signed_in_user(request)
    with uploads.unpacked(upload.file) as inner:
        file = returned_lines.take_in(
            inner.stream, user=user, may_correct=lambda run: access.may_correct(user, run)
        ) or uploads.keep_file(
            stream=inner.stream, name=str(upload.name), user=user, member=inner.member, notices=inner.notices
        )
    kept = {secrets.token_urlsafe(9): file.pk} | _tokens(request)
    for token in list(kept)[MOST:]:
        remove_if_unused(kept.pop(token))
    request.session[_KEY] = kept
    return Held(next(iter(kept)), file)


def find(request: HttpRequest, token: str) -> Held | None:
    """The file that a token of this session stands for."""
    key = _tokens(request).get(token)
    file = ImportFile.objects.filter(pk=key, uploaded_by=signed_in_user(request)).first() if key else None
    return Held(token, file) if file else None


def release(request: HttpRequest, held: Held) -> None:
    """Called when a run took the file, or an equal one kept before: its token ends."""
    request.session[_KEY] = {token: key for token, key in _tokens(request).items() if token != held.token}
    remove_if_unused(held.file.pk)


def _tokens(request: HttpRequest) -> dict[str, int]:
    found: dict[str, int] = request.session.get(_KEY, {})
    return found
