"""Kept files in an object store that speaks S3, encrypted as in a folder (stores.py) before they leave this machine.

    upload     pieces of the encrypted stream, in parts of 16 MiB; an interrupted upload leaves no object
    read       stretches of 8 MiB by range, of one version of the object; after a cut connection, reading resumes where it was

Nothing lists the bucket: what is in it is known from the database (objects.py).
"""

import io
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, TypeVar, cast

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from django.core.files import File
from storages.backends.s3 import S3Storage

from sisimport.imports.storage.stores import GoneError, Resealed, StoreAwayError, blocks_of, master_keys, stored_name
from sisimport.runtime import sealed_files
from sisimport.runtime.sealed_files import HEADER, DamagedError, MasterKey, Seekable, UnknownKeyError

logger = logging.getLogger(__name__)

PART = 16 << 20  # of an upload, held in memory
STRETCH = 8 << 20  # asked for at once
LEAST_PART = 5 << 20  # the protocol's minimum for every part but the last
TRIES, FIRST_PAUSE = 6, 0.2
_Found = TypeVar("_Found")


class BucketStore(S3Storage):
    """A bucket of encrypted files. Options: those of django-storages."""

    is_noted = True  # stored objects are noted in the database (objects.py)

    def __init__(self, **options: Any) -> None:
        # A page must not wait for an unavailable store as long as the library would.
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 4, "mode": "standard"},
            s3={"addressing_style": options.get("addressing_style", "auto")},
        )
        super().__init__(client_config=config, **options)

    def get_default_settings(self) -> dict[str, Any]:
        # One transfer at a time in this thread, and parts that fit in memory.
        return super().get_default_settings() | {
            "transfer_config": TransferConfig(
                multipart_threshold=PART, multipart_chunksize=PART, use_threads=False, max_concurrency=1
            )
        }

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _place(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": stored_name(name)}

    def _open(self, name: str, mode: str = "rb") -> File:
        if mode != "rb":
            raise ValueError("kept files are written once, by save")
        source = self.raw_open(name)
        return File(sealed_files.opened(source, stored_name(name), master_keys()), name)

    def _save(self, name: str, content: File) -> str:
        pieces = sealed_files.sealed(content.chunks(), stored_name(name), master_keys()[0])
        _note(name)
        self._upload(name, pieces)
        return stored_name(name)

    def _upload(self, name: str, pieces: Iterable[bytes]) -> None:
        place = self._place(name)
        stream = cast(IO[bytes], io.BufferedReader(_Pieces(iter(pieces)), sealed_files.CHUNK))
        _asked(
            lambda: self._client.upload_fileobj(
                stream,
                place["Bucket"],
                place["Key"],
                ExtraArgs=dict(self.object_parameters),
                Config=self.transfer_config,
            )
        )

    def exists(self, name: str) -> bool:
        try:
            self._head(name)
        except FileNotFoundError:
            return False
        return True

    def _head(self, name: str) -> Any:
        return _asked(lambda: self._client.head_object(**self._place(name)))

    def delete(self, name: str) -> None:
        _asked(lambda: self._client.delete_object(**self._place(name)))

    def size(self, name: str) -> int:
        with self.open(name) as stream:
            return stream.seek(0, os.SEEK_END)

    def raw_open(self, name: str) -> IO[bytes]:
        head = self._head(name)
        place = self._place(name) | {"IfMatch": head["ETag"]}
        return cast(IO[bytes], _Object(lambda **more: self._client.get_object(**place, **more), head["ContentLength"]))

    def raw_save(self, name: str, stream: IO[bytes]) -> None:
        if self.exists(name):
            raise FileExistsError(name)
        _note(name)
        self._upload(name, blocks_of(stream))

    def reseal(self, name: str, masters: Sequence[MasterKey]) -> Resealed:
        try:
            with self.raw_open(name) as source:
                head = source.read(HEADER)
                source.seek(0)
                if not sealed_files.is_sealed(head):
                    self._upload(name, sealed_files.sealed(blocks_of(source), stored_name(name), masters[0]))
                    return Resealed.ENCRYPTED
                steps = sealed_files.rewrapped(head, stored_name(name), masters)
                if not steps:
                    return Resealed.CURRENT
                self._replace_header(name, source, steps[-1])
                return Resealed.REWRAPPED
        except FileNotFoundError:
            return Resealed.MISSING
        except UnknownKeyError:
            return Resealed.UNKNOWN
        except DamagedError:
            return Resealed.DAMAGED

    def _replace_header(self, name: str, source: IO[bytes], header: bytes) -> None:
        """Make a new object from a new header and the old body, which the store copies itself. All or nothing."""
        size = source.seek(0, os.SEEK_END)
        source.seek(HEADER)
        first = header + source.read(LEAST_PART)
        place = self._place(name)
        extra = dict(self.object_parameters)
        if len(first) >= size:
            _asked(lambda: self._client.put_object(**place, **extra, Body=first))
            return
        begun = _asked(lambda: self._client.create_multipart_upload(**place, **extra))["UploadId"]
        ours = place | {"UploadId": begun}
        try:
            one = _asked(lambda: self._client.upload_part(**ours, PartNumber=1, Body=first))
            rest = f"bytes={len(first)}-{size - 1}"
            two = _asked(
                lambda: self._client.upload_part_copy(**ours, PartNumber=2, CopySource=place, CopySourceRange=rest)
            )
            parts = [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": two["CopyPartResult"]["ETag"]}]
            _asked(lambda: self._client.complete_multipart_upload(**ours, MultipartUpload={"Parts": parts}))
        except BaseException:
            self._client.abort_multipart_upload(**ours)
            raise


def _note(name: str) -> None:
    from sisimport.imports.storage import objects  # models, which name their storage

    objects.note(stored_name(name))


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a stream that can be read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Object(Seekable):
    """One version of an object, read by ranges. `read(n)` gives all n bytes unless the object ends."""

    def __init__(self, get: Callable[..., Any], size: int) -> None:
        self._get, self._size = get, size
        self._at = 0
        self._body: Any = None
        self._body_at = self._body_end = 0

    def read(self, size: int = -1) -> bytes:
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        found = bytearray()
        failures = 0
        while self._at < end:
            try:
                data = self._next(end - self._at)
            except (BotoCoreError, HTTPClientError, OSError) as error:
                if isinstance(error, DamagedError | FileNotFoundError | StoreAwayError):
                    raise
                failures += 1
                self._drop()
                if failures >= TRIES:
                    raise StoreAwayError("the connection to the object store was cut again and again") from None
                logger.warning("continuing to read an object after a lost connection (%s)", type(error).__name__)
                time.sleep(FIRST_PAUSE * 2**failures)
                continue
            if data:
                failures = 0
            found += data
            self._at += len(data)
            self._body_at += len(data)
        return bytes(found)

    def _next(self, most: int) -> bytes:
        """Some bytes from the current position. Raises ConnectionError if the body ended too early."""
        if self._body is None or self._body_at != self._at or self._body_at >= self._body_end:
            self._drop()
            last = min(self._size, self._at + STRETCH) - 1
            self._body = _asked(lambda: self._get(Range=f"bytes={self._at}-{last}"))["Body"]
            self._body_at, self._body_end = self._at, last + 1
        data = bytes(self._body.read(min(most, self._body_end - self._body_at)))
        if not data:
            raise ConnectionError("the answer of the object store was cut off")
        return data

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def close(self) -> None:
        if not self.closed:
            self._drop()
        super().close()


def _asked(ask: Callable[[], _Found]) -> _Found:
    """The store's answer. Raises GoneError, StoreAwayError, and DamagedError for an object replaced during the read."""
    try:
        return ask()
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            raise GoneError("the object store has no such file") from None
        if status == 412:
            raise DamagedError("the object was replaced while it was read") from None
        # Without the right to list, a store answers 403 for a missing object.
        if status == 403 and error.operation_name in {"HeadObject", "GetObject"}:
            raise GoneError("the object store has no such file, or refuses it") from None
        raise StoreAwayError(f"the object store refused ({status})") from None
    except BotoCoreError as error:
        raise StoreAwayError(f"the object store does not answer ({type(error).__name__})") from None
