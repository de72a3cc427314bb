"""A score file tells its layout: never a silent wrong year."""

import io

import pytest

from assessments.scores.import_type import LAYOUTS
from assessments.structure import import_types
from sisimport.files.detection import recognise
from sisimport.imports.definition.recognition import UnrecognisedFileError, recognise_type
from sisimport.imports.definition.registry import all_layouts, get_type, known_layouts, layouts_of
from tests.assessments.score_files import ALL, cells, ela, start, text

TYPES = import_types(ALL)
ON_THE_SCREEN = [
    *(f"caaspp-{years}" for years in ("2017-2018", "2018-2019", "2019-2021", "2021-2023", "2023-2024", "2024-2025")),
    *(f"elpac-summative-{year}" for year in range(2019, 2025)),
    *(f"elpac-initial-{year}-{year + 1}" for year in range(2018, 2025)),
]


def record(key: str) -> dict[str, str]:
    """A row with the values that every layout has."""
    return {
        "record_type": "01",
        "ssid": "9012345678",
        "last_name": "Lee",
        "first_name": "Sam",
        "birth_date": "2011-03-04",
    }


def damaged(names: list[str], damage: str) -> list[str]:
    match damage:
        case "upper case":
            return [name.upper() for name in names]
        case "spaces and hyphens":
            return [f" {name.replace('_', ' - ')} " for name in names]
        case "one column renamed":
            return [*names[:20], "My own notes", *names[21:]]
        case "a column added":
            return [*names, "Extra"]
        case _:
            return names


def test_every_type_of_the_screen_is_there() -> None:
    assert {facts.key for facts in TYPES} >= set(ON_THE_SCREEN)
    assert len(ON_THE_SCREEN) == 19
    assert all(get_type(key).screen.listed for key in ON_THE_SCREEN)


def test_every_layout_belongs_to_one_type() -> None:
    owners = [key for facts in TYPES for key in facts.layouts]

    assert sorted(owners) == sorted(ALL)
    assert len(ALL) >= 26


@pytest.mark.combinations
@pytest.mark.parametrize("damage", ["none", "upper case", "spaces and hyphens", "one column renamed", "a column added"])
@pytest.mark.parametrize("key", sorted(ALL))
def test_a_layout_is_recognised_among_all(key: str, damage: str) -> None:
    names = damaged([column.name for column in ALL[key].columns], damage)
    row = cells(ALL[key], **record(key)) + ([""] if damage == "a column added" else [])
    data = f"{'^'.join(names)}\r\n{'^'.join(row)}\r\n".encode()

    found = recognise(io.BytesIO(data), known_layouts())

    assert found.error is None
    assert found.layout is not None
    assert found.layout.key == key


@pytest.mark.parametrize("chosen", [facts.key for facts in TYPES])
def test_a_type_takes_its_own_layouts_and_names_the_right_one_for_all_others(chosen: str) -> None:
    own = layouts_of(get_type(chosen))
    for key, layout in ALL.items():
        data = text(key, record(key))

        found = recognise(io.BytesIO(data), known_layouts(), expected=own)

        if layout.key in {mine.key for mine in own}:
            assert found.error is None, key
            assert found.layout is not None
            assert found.layout.key == key
        else:
            assert found.error is not None, key
            assert (found.error.code, found.error.params["layout"]) == ("FILE-OTHER-TYPE", key)
            assert layout.title in str(found.error)


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_other_separators_are_read(delimiter: str) -> None:
    found = recognise(io.BytesIO(text("caaspp-2023-24", ela(), delimiter=delimiter)), known_layouts())

    assert found.layout is not None
    assert (found.layout.key, found.delimiter) == ("caaspp-2023-24", delimiter)


@pytest.mark.parametrize("key", sorted(key for key, layout in ALL.items() if layout.fixed_width))
def test_the_fixed_width_twin_is_recognised_by_its_width(key: str) -> None:
    layout = ALL[key]
    line = [" "] * (layout.record_length or 0)
    line[-2:] = "ZZ"

    found = recognise(io.BytesIO(("".join(line) + "\r\n").encode()), known_layouts())

    assert found.layout is not None
    assert (found.layout.key, found.fixed_width) == (key, True)


def test_files_of_the_other_reporting_site_get_their_own_message() -> None:
    data = b"StudentIdentifier,FirstName,LastOrSurname,Grade\n9012345678,Sam,Lee,05\n"

    with pytest.raises(UnrecognisedFileError, match="reporting site for educators"):
        recognise_type(io.BytesIO(data))


@pytest.mark.django_db
def test_the_other_reporting_sites_message_is_on_the_run() -> None:
    run = start("caaspp-2023-2024", b"StudentIdentifier^FirstName^LastOrSurname\n1^Sam^Lee\n")

    assert (run.status, run.issues.get().code) == ("rejected", "EXC-OTHER-SITE")


def test_all_layouts_of_this_folder_are_known() -> None:
    assert LAYOUTS.is_dir()
    assert set(ALL) <= set(all_layouts())
