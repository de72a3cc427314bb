"""Quick looks at a whole block say what the slow look at each text says."""

import io
from functools import lru_cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sisimport.files import dates, layout_matching, stray_marks
from sisimport.files.damage import HIDDEN_BEYOND_ASCII, holds_hidden_beyond_ascii, may_hold_hidden
from sisimport.files.dates import DateCheck, parse_date
from sisimport.files.detection import recognise
from sisimport.files.layouts import Column, ColumnKind, Layout
from sisimport.files.values import BlockTraits, TextColumn
from sisimport.imports.definition.registry import folder_layouts
from ssid.imports.ssid_download import SSIDDownload
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD, line

ALL_TRAITS = BlockTraits(may_hold_space=True, needs_nfc=True)
SIGNS = "aZ 9^é\xa0\xad\u034f\u200b\u202e\u2063\ufeff\ufffbÂÃʻ’中😀\ud800"
NAMES = ["Lee", "Kaʻahumanu", "PeÃ±a", "Pe?a", "'Duran'", "Nuñez", "&eacute;va", "", "O’Neil", "Jos\u0301e"]
NAMES += ["-Ana", "Lee,", "J.", "Jr..", "NULL,", "-", "NULL"]


@given(text=st.text(alphabet=SIGNS, max_size=40))
@example(text="Ã\xad")
@example(text="Ãa\xad")
@example(text="é\u200b")
def test_characters_that_nobody_sees_are_found_among_those_beyond_ascii(text: str) -> None:
    assert holds_hidden_beyond_ascii(text) == (HIDDEN_BEYOND_ASCII.search(text) is not None)


@given(text=st.text(alphabet=SIGNS.replace("\ud800", "ÃÂ"), max_size=40))
@example(text="a\u200bb")
@example(text="\xad")
@example(text="é\ufffbé")  # was not among those that bytes were searched for
def test_no_character_that_nobody_sees_is_missed_among_bytes(text: str) -> None:
    if HIDDEN_BEYOND_ASCII.search(text):
        assert may_hold_hidden(text.encode())


@pytest.mark.parametrize("written", [False, True])
@given(blocks=st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=12), min_size=1, max_size=3))
def test_a_name_that_comes_again_is_judged_as_it_was_the_first_time(written: bool, blocks: list[list[str]]) -> None:
    column = Column(position=1, name="Last Name", field="last_name", kind=ColumnKind.TEXT)
    reader = TextColumn(column, writes_names=written)
    for names in blocks:
        values, findings = reader.read(names, ALL_TRAITS)

        alone = [TextColumn(column, writes_names=written).read([name], ALL_TRAITS) for name in names]
        assert list(values) == [value[0] for value, _found in alone]
        assert sorted(map(str, findings)) == sorted(
            map(str, ((at, p) for at, (_v, found) in enumerate(alone) for _at, p in found))
        )


def test_initials_are_looked_at_once_for_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly all end in a period, which may be a stray sign: one by one they took as long as the rest of the line."""
    looked_at: list[str] = []
    really = stray_marks._bare
    monkeypatch.setattr(stray_marks, "_bare", lambda text: looked_at.append(text) or really(text))
    reader = TextColumn(Column(position=1, name="Middle Name", field="middle_name", kind=ColumnKind.TEXT))
    for _block in range(3):
        reader.read(["J.", "A.", "-Ana"] * 50, ALL_TRAITS)
    assert sorted(looked_at) == ["-Ana", "A.", "J."]


def test_a_day_is_taken_apart_once_whichever_column_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    taken_apart: list[str] = []
    monkeypatch.setattr(dates, "_kept_date", lru_cache(lambda text: taken_apart.append(text) or parse_date(text)))
    layout = folder_layouts(SSIDDownload.layout_folder)[SSIDDownload.layouts[0]]
    checks = [DateCheck(layout, layout.fields[name], day_first=False) for name in ("birth_date", "elas_date")]
    assert {check("20090214") for check in checks} == {("2009-02-14", None)}
    assert taken_apart == ["20090214"]
    assert all(check("x" * 1000)[1] is not None for check in checks)
    assert taken_apart == ["20090214"], "what is not a date is not kept"


def test_a_text_that_comes_again_is_judged_once_to_tell_what_a_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[tuple[str, int, str]] = []
    reads = layout_matching._reads

    def noted(layout: Layout, column: Column, text: str) -> bool:
        judged.append((layout.key, column.position, text))
        return reads(layout, column, text)

    monkeypatch.setattr(layout_matching, "_reads", noted)
    data = "".join(f"{line(local_number=str(300100 + n))}\n" for n in range(60)).encode()

    found = recognise(io.BytesIO(data), ALL_LAYOUTS, expected=DOWNLOAD)

    assert found.error is None
    assert judged
    assert len(judged) == len(set(judged))
