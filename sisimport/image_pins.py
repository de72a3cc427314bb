"""Digests of third-party images: `script/pin_images` asks the registries and writes them after the names.

    image: postgres:18                 ->    image: postgres:18@sha256:…

The tag stays, for people; Docker uses only the image that the digest names. All digests are fetched before any file is written.
Public images only: requests are anonymous, with the token that a registry gives to everyone.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("docker-compose.yml", "Dockerfile", "docs/kubernetes/*.yaml")
OURS = re.compile(r"^sis-import")  # built here
_NAMED = re.compile(
    r"^(?P<before>\s*(?:image:|FROM)\s+)(?P<name>[\w./-]+:[\w.-]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?(?=\s|$)",
    re.MULTILINE,
)
_HUB = "https://registry-1.docker.io"
_KINDS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Image:
    """An image as named in a file. digest: empty if there is none."""

    name: str
    digest: str
    file: str


def images(root: Path = ROOT) -> list[Image]:
    """All third-party images, in the order of the files."""
    return [
        Image(found["name"], found["digest"] or "", path.relative_to(root).as_posix())
        for path in _files(root)
        for found in _NAMED.finditer(path.read_text(encoding="utf-8"))
        if not OURS.match(found["name"])
    ]


def _files(root: Path) -> Iterator[Path]:
    for pattern in FILES:
        yield from sorted(root.glob(pattern))


def pin(digests: dict[str, str], root: Path = ROOT) -> int:
    """Write the digests after the names. Returns how many places changed."""
    changed = 0
    for path in _files(root):
        text = path.read_text(encoding="utf-8")
        pinned = _NAMED.sub(
            lambda found: (
                f"{found['before']}{found['name']}@{digests[found['name']]}" if found["name"] in digests else found[0]
            ),
            text,
        )
        if pinned != text:
            changed += sum(one != other for one, other in zip(text.splitlines(), pinned.splitlines(), strict=True))
            path.write_text(pinned, encoding="utf-8")
    return changed


def digest_of(name: str) -> str:
    """The registry's current digest for this tag. Raises OSError, ValueError."""
    repository, _colon, tag = name.rpartition(":")
    first, _slash, rest = repository.partition("/")
    if rest and ("." in first or ":" in first):
        base, repository = f"https://{first}", rest
    else:
        base, repository = os.environ.get("PIN_REGISTRY", _HUB), repository if rest else f"library/{repository}"
    address = f"{base}/v2/{repository}/manifests/{tag}"
    try:
        answer = _ask(address)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        answer = _ask(address, token=_token(error.headers.get("WWW-Authenticate", "")))
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", answer):
        raise ValueError(f"the registry names no digest of {name}")
    return answer


def _ask(address: str, token: str = "") -> str:
    headers = {"Accept": _KINDS} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address, method="HEAD", headers=headers)  # noqa: S310 - https, or what PIN_REGISTRY says
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
        return str(answer.headers.get("Docker-Content-Digest", ""))


def _token(challenge: str) -> str:
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = parameters.pop("realm", "")
    if not realm.startswith("https://") and "PIN_REGISTRY" not in os.environ:
        raise ValueError("the registry asks for a token in a way that is not known here")
    address = f"{realm}?{'&'.join(f'{name}={value}' for name, value in parameters.items())}"
    with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310
        given = json.load(answer)
    return str(given.get("token") or given.get("access_token") or "")


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if arguments == ["list"]:
        for image in images():
            print(f"{image.file}: {image.name} {image.digest or 'by tag'}")  # noqa: T201
        return 0
    try:
        digests = {name: digest_of(name) for name in sorted({image.name for image in images()})}
    except (OSError, ValueError) as error:
        print(f"Nothing was written: {error}", file=sys.stderr)  # noqa: T201
        return 1
    changed = pin(digests)
    for name, digest in digests.items():
        print(f"{name}@{digest}")  # noqa: T201
    print(f"{changed} places changed. Look at the difference, build, then commit it.", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
