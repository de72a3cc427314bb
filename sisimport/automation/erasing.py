"""Files in pick-up and delivery folders: those that name an erased student are removed or reported."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sisimport.automation.models import DeliveredExport, ExportDelivery, PickUpPlace, PlaceAddress
from sisimport.automation.picking import DONE, FAILED
from sisimport.runtime.erasing import Asked

_MOST = 1 << 30


def remove_files(request: Asked) -> tuple[int, list[str]]:
    """Remove files that are still in folders of this machine: delivered exports, and picked-up files that were put
    away. Returns how many were removed, and sentences about what we cannot remove: files on SFTP servers, and picked-up
    workbooks.

    Files that other systems put into a pick-up folder and that were not taken yet are not ours.
    """
    by_hand: set[str] = set()
    gone = [path for place in ExportDelivery.objects.all() for path in _delivered(place, request, by_hand)]
    gone += [path for place in PickUpPlace.objects.all() for path in _picked_up(place, request, by_hand)]
    for path in () if request.dry_run else gone:
        path.unlink(missing_ok=True)
    return len(gone), sorted(by_hand)


def _delivered(place: ExportDelivery, request: Asked, by_hand: set[str]) -> Iterator[Path]:
    files = DeliveredExport.objects.filter(delivery=place, state=DeliveredExport.State.DONE)
    names = set(files.values_list("file_name", flat=True))
    if names and _is_elsewhere(place):
        by_hand.add(
            f"“{place.name}” delivers to an SFTP server: ask the person who runs it to remove the files that are there."
        )
        return
    for path in _files(Path(place.path)) if names else ():
        # Our own workbooks and archives are removed without a search: the next delivery brings new ones.
        if path.name in names and (not request.searchable(_head(path)) or _named(path, request)):
            yield path


def _picked_up(place: PickUpPlace, request: Asked, by_hand: set[str]) -> Iterator[Path]:
    if _is_elsewhere(place):
        if place.picked.exists():
            by_hand.add(f"“{place.name}” is on an SFTP server: check its folders {DONE} and {FAILED}.")
        return
    for path in (path for folder in (DONE, FAILED) for path in _files(Path(place.path) / folder)):
        if not request.searchable(_head(path)):
            by_hand.add(
                f"“{place.name}” contains workbooks or archives that were picked up: look for the student in them."
            )
        elif _named(path, request):
            yield path


def _is_elsewhere(place: PlaceAddress) -> bool:
    return place.kind != PlaceAddress.Kind.FOLDER


def _files(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        if folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if path.is_file() and not path.is_symlink())


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _named(path: Path, request: Asked) -> bool:
    return request.names(path.name) or path.stat().st_size > _MOST or request.names(path.read_bytes())
