"""How an upload is received: on disk, and no more of it than the limit."""

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Keeps one byte more than IMPORT_MAX_BYTES and drops the rest, so that no upload fills the disk.

    The form sees the true size and refuses the file with its own message; a dropped connection would give no message.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        kept = raw_data[: max(settings.IMPORT_MAX_BYTES + 1 - start, 0)]
        if kept:
            super().receive_data_chunk(kept, start)
