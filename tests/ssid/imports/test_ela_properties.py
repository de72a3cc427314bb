"""ELA Import and Replacement SSIDs: what holds for any file over any small district."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.imports.properties import OneExample, edits_are_kept, few, journey_holds
from tests.ssid.imports.test_download_properties import NUMBERS, SSIDS, edits, files, make, merges, people

ela_options = st.fixed_dictionaries(
    {
        "ela_mode": st.sampled_from(["overwrite", "fill"]),
        "rfep_date": st.sampled_from(["identified", "exit"]),
        "older_status": st.sampled_from(["write", "keep"]),
    }
)
sela_lines = st.builds(
    lambda kind, transaction, ssid, number, elas, day, language: (
        f"SELA{kind}^{transaction}^^1234567^0123456^2024-2025^{ssid}^José^García-López^20090214^M^{number}^{elas}^{day}^{language}^"
        + ("^20240901^20240901" if kind else "")
    ),
    st.just(""),
    st.sampled_from(["", "A", "R", "D"]),
    st.sampled_from(SSIDS),
    st.sampled_from(NUMBERS),
    st.sampled_from(["EL", "IFEP", "RFEP", "TBD", "TVD", "FEP", "EO", ""]),
    st.sampled_from(["20150901", "20160901", "20210901", "20000101", ""]),
    st.sampled_from(["spa", "01", "vie", "zz9", ""]),
)
sela_files = st.lists(sela_lines, min_size=1, max_size=8).map("\n".join)
# A number that is replaced twice in one file takes two Updates, so no replacement here is retired by another line.
replacement_lines = st.builds(
    lambda number, retired, replacement: f"1234567^0123456^{number}^{retired}^{replacement}",
    st.sampled_from([*NUMBERS, "9", ""]),
    st.sampled_from([*SSIDS[:3], "12"]),
    st.sampled_from(SSIDS[3:]),
)
replacement_files = st.lists(replacement_lines, min_size=1, max_size=6).map("\n".join)


def together(chosen: list[tuple[Callable[[str], None], str]]) -> Callable[[], None]:
    def edit() -> None:
        for change, number in chosen:
            change(number)

    return edit


@pytest.mark.django_db
@few
@given(drawn=people, merged=merges, content=files | sela_files, chosen=ela_options)
@pytest.mark.long
def test_an_ela_update_does_what_its_test_planned_and_revert_restores(drawn, merged, content, chosen) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, merged)
        journey_holds("ela", content, chosen)


@pytest.mark.django_db
@few
@given(drawn=people, content=files | sela_files, chosen=ela_options, since_test=edits, since_update=edits)
@pytest.mark.long
def test_edits_beside_an_ela_import_are_kept(drawn, content, chosen, since_test, since_update) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, [])
        edits_are_kept("ela", content, chosen, together(since_test), together(since_update))


@pytest.mark.django_db
@few
@given(drawn=people, merged=merges, content=replacement_files)
def test_a_replacement_update_does_what_its_test_planned_and_revert_restores(drawn, merged, content) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, merged)
        journey_holds("ssid-replacement", content, {})


@pytest.mark.django_db
@few
@given(drawn=people, merged=merges, content=replacement_files, since_test=edits, since_update=edits)
def test_edits_beside_a_replacement_are_kept(drawn, merged, content, since_test, since_update) -> None:  # type: ignore[no-untyped-def]
    with OneExample():
        make(drawn, merged)
        edits_are_kept("ssid-replacement", content, {}, together(since_test), together(since_update))
