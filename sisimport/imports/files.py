"""Opening kept files."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from sisimport.imports.models import ImportFile


@contextmanager
def open_file(file: ImportFile) -> Iterator[BinaryIO]:
    """The bytes of a kept file, seekable. Raises FileNotFoundError when storage no longer has it."""
    stream = file.file.storage.open(str(file.file.name), "rb")
    try:
        yield cast(BinaryIO, stream)
    finally:
        stream.close()
