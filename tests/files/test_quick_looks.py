"""Quick looks at a whole block say what the slow look at each text says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sisimport.files.damage import HIDDEN_BEYOND_ASCII, holds_hidden_beyond_ascii
from sisimport.files.layouts import Column, ColumnKind
from sisimport.files.values import BlockTraits, TextColumn

ALL_TRAITS = BlockTraits(may_hold_space=True, needs_nfc=True)
SIGNS = "aZ 9^é\xa0\xad\u034f\u200b\u202e\u2063\ufeff\ufffbÂÃʻ’中😀\ud800"
NAMES = ["Lee", "Kaʻahumanu", "PeÃ±a", "Pe?a", "'Duran'", "Nuñez", "&eacute;va", "", "O’Neil", "Jos\u0301e"]


@given(text=st.text(alphabet=SIGNS, max_size=40))
@example(text="Ã\xad")
@example(text="Ãa\xad")
@example(text="é\u200b")
def test_characters_that_nobody_sees_are_found_among_those_beyond_ascii(text: str) -> None:
    assert holds_hidden_beyond_ascii(text) == (HIDDEN_BEYOND_ASCII.search(text) is not None)


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
