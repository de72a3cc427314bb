"""Where kept files are stored, from one address (the setting STORAGE_URL).

file:///srv/uploads                                               a folder
s3://bucket?endpoint=https://store.example.org&region=us-west-2   a bucket of Amazon S3 or a store that speaks its protocol
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

FOLDER_STORE = "sisimport.imports.storage.stores.FolderStore"
BUCKET_STORE = "sisimport.imports.storage.buckets.BucketStore"
_OPTIONS = {"endpoint", "region", "encryption", "kms_key"}
_ENCRYPTIONS = {"AES256", "aws:kms", "none"}


class StorageUrlError(ValueError):
    """The address cannot be used; the text says why and quotes no part that may be secret."""


def storage_of(url: str, *, folder: Path) -> dict[str, Any]:
    """An entry of Django's STORAGES. `folder`: what a blank address means. Raises StorageUrlError."""
    if not url:
        return {"BACKEND": FOLDER_STORE, "OPTIONS": {"location": str(folder)}}
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise StorageUrlError(
            "STORAGE_URL contains a password: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead."
        )
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return {"BACKEND": FOLDER_STORE, "OPTIONS": {"location": unquote(parts.path)}}
    if parts.scheme == "s3" and parts.netloc and parts.path in {"", "/"}:
        return {"BACKEND": BUCKET_STORE, "OPTIONS": _bucket(parts.netloc, dict(parse_qsl(parts.query)))}
    raise StorageUrlError("STORAGE_URL is neither file:///folder nor s3://bucket?endpoint=…&region=….")


def _bucket(name: str, given: dict[str, str]) -> dict[str, Any]:
    if unknown := sorted(set(given) - _OPTIONS):
        usable = ", ".join(sorted(_OPTIONS))
        raise StorageUrlError(f"STORAGE_URL has an option {unknown[0]} that is not known; known are {usable}.")
    encryption = given.get("encryption", "aws:kms" if "kms_key" in given else "AES256")
    if encryption not in _ENCRYPTIONS:
        raise StorageUrlError(f"The encryption of STORAGE_URL must be one of {', '.join(sorted(_ENCRYPTIONS))}.")
    parameters: dict[str, str] = {} if encryption == "none" else {"ServerSideEncryption": encryption}
    if "kms_key" in given:
        parameters["SSEKMSKeyId"] = given["kms_key"]
    return {
        "bucket_name": name,
        "endpoint_url": given.get("endpoint"),
        "region_name": given.get("region"),
        "addressing_style": "path" if "endpoint" in given else "auto",
        "object_parameters": parameters,
    }
