"""Layouts as data: strict loading, and what the delivered ones say."""

from pathlib import Path

import pytest

from sisimport.files.issues import Severity
from sisimport.files.layouts import ColumnKind, Header, LayoutError, load_layout, load_layouts, normalise_header
from tests.files.samples import ALL_LAYOUTS, DOWNLOAD, ROSTER, SSID_LAYOUTS

HEAD = 'title = "T"\nsource = "S"\ndelimiter = "^"\nheader = "required"\n'


def write(folder: Path, text: str, *, codes: str = "") -> Path:
    (folder / "codes.toml").write_text(codes, encoding="utf-8")
    path = folder / "sample.toml"
    path.write_text(text, encoding="utf-8")
    return path


# -- strict loading ----------------------------------------------------------------------------------------------------


def test_a_wide_layout_gives_fields_beside_its_list_of_names(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEAD
        + 'columns = ["Record Type", "Blank", "Scale Score", "Blank", "End of Record"]\n'
        + 'end_marker = "ZZ"\n[fields]\nrecord_type = { column = "Record Type", codes = "record_type" }\n'
        + 'scale_score = "ScaleScore"\nreserve = { position = 4 }\n[aliases]\n"Scale Score" = ["Score (Scale)"]\n',
        codes='[record_type]\n01 = "ELA"\n',
    )

    layout = load_layout(path)

    assert layout.key == "sample"
    assert list(layout.fields) == ["record_type", "scale_score", "reserve"]
    assert layout.fields["record_type"].kind is ColumnKind.CODE
    assert layout.fields["record_type"].codes == {"01": "ELA"}
    assert layout.fields["scale_score"].position == 3
    assert layout.fields["scale_score"].names == ("scalescore", "scorescale")
    assert layout.fields["reserve"].position == 4
    assert layout.end_marker == "ZZ"


def test_spans_make_the_fixed_width_twin(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + 'columns = ["A", "B"]\nspans = [[1, 2], [3, 12]]\n')

    layout = load_layout(path)

    assert layout.fixed_width
    assert layout.record_length == 12
    assert [column.span for column in layout.columns] == [(1, 2), (3, 12)]


def test_a_column_without_a_place_in_the_fixed_width_twin_has_no_span(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + 'columns = ["A", "B"]\nspans = [[1, 2], []]\n')

    layout = load_layout(path)

    assert [column.span for column in layout.columns] == [(1, 2), None]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(HEAD + 'columns = ["A"]\ncolor = "red"\n', "unknown key 'color'", id="unknown key"),
        pytest.param(HEAD + 'columns = [{ name = "A", size = 1 }]\n', "unknown key 'size'", id="unknown column key"),
        pytest.param(HEAD, "columns: is missing", id="no columns"),
        pytest.param(HEAD + 'columns = ["A", "a "]\n', "listed twice", id="column twice"),
        pytest.param(
            HEAD + 'columns = [{ name = "A", field = "x" }, { name = "B", field = "x" }]\n',
            "x: field",
            id="field twice",
        ),
        pytest.param(HEAD + 'columns = ["A"]\n[fields]\nx = "B"\n', "no such column", id="field on no column"),
        pytest.param(HEAD + 'columns = ["A"]\n[fields]\nx = { kind = "date" }\n', "one of them", id="field nowhere"),
        pytest.param(HEAD + 'columns = ["Blank1"]\n[fields]\nx = "Blank1"\n', "by position", id="field on filler"),
        pytest.param(HEAD + 'columns = [{ name = "A", codes = "sex" }]\n', "code set 'sex'", id="unknown code set"),
        pytest.param(HEAD + 'columns = [{ name = "A", kind = "day" }]\n', "'day' is not one of", id="unknown kind"),
        pytest.param(HEAD + 'columns = [{ name = "A", severity = "bad" }]\n', "not a severity", id="unknown severity"),
        pytest.param(HEAD + 'columns = [{ name = "A", length = 0 }]\n', "positive", id="no length"),
        pytest.param(HEAD + 'columns = ["A"]\ndate_formats = ["DMY"]\n', "'DMY'", id="unknown date form"),
        pytest.param(HEAD + 'columns = ["A", "B"]\nspans = [[1, 2]]\n', "1 spans for 2", id="spans and columns"),
        pytest.param(
            HEAD + 'columns = [{ name = "A", field = "a" }, "B"]\nspans = [[1, 2], [1, 2]]\n',
            "shares its span",
            id="a span of two columns",
        ),
        pytest.param(HEAD + 'columns = ["A"]\n[aliases]\nB = ["c"]\n', "no such column", id="alias of no column"),
        pytest.param(HEAD + 'columns = ["A"]\n[hints]\nmany = "x"\n', "column counts", id="hint for no count"),
        pytest.param(HEAD.replace("^", "~") + 'columns = ["A"]\n', "delimiter", id="unknown delimiter"),
        pytest.param(HEAD.replace("required", "maybe") + 'columns = ["A"]\n', "'maybe'", id="unknown header"),
        pytest.param("title = \n", "sample.toml", id="no TOML"),
    ],
)
def test_a_wrong_layout_is_refused_naming_file_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(LayoutError) as refused:
        load_layout(path)

    assert "sample.toml" in str(refused.value)
    assert complaint in str(refused.value)


def test_code_sets_that_are_not_tables_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + 'columns = ["A"]\n', codes='gender = "M"\n')

    with pytest.raises(LayoutError, match=r"codes\.toml: gender"):
        load_layout(path)


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Statewide_Student_Identifier(SSID)", "statewidestudentidentifierssid"),
        ("Non-Embedded Accommodation 1   –  Print on Demand", "nonembeddedaccommodation1printondemand"),
        ("Teacher/ Test Examiner Name", "teachertestexaminername"),
        ("Blank 12", "blank"),
        ("Blank", "blank"),
        ("Blanket2", "blanket2"),
        (' "SSID" ', "ssid"),
    ],
)
def test_column_names_are_compared_without_what_changes_between_copies(name: str, normal: str) -> None:
    assert normalise_header(name) == normal


# -- the delivered layouts ---------------------------------------------------------------------------------------------


def test_f10_column_counts_of_the_delivered_layouts() -> None:
    counts = {layout.key: layout.counts for layout in ALL_LAYOUTS}

    assert counts["calpads-ssid-download"] == (15,)
    assert counts["calpads-ela-import"] == (15,)
    assert counts["calpads-replacement-ssid"] == (5,)
    assert counts["calpads-sela"] == (16, 18, 17)
    assert counts["calpads-senr-request"] == (35,)


def test_f10_fourteen_columns_of_the_download_file_have_a_hint() -> None:
    assert "middle name" in DOWNLOAD.column_hints[14]


def test_published_lengths_are_errors_when_exceeded() -> None:
    published = {"lea": 7, "school": 7, "local_number": 16, "last_name": 50, "first_name": 30, "middle_name": 30}

    for field, length in published.items():
        assert (DOWNLOAD.fields[field].length, DOWNLOAD.fields[field].length_severity) == (length, Severity.ERROR)


def test_d6_the_ssid_column_is_text_without_limits_for_the_ssid_rules_to_judge() -> None:
    for layout in SSID_LAYOUTS.values():
        for field in {"ssid", "retired_ssid", "replacement_ssid"} & layout.fields.keys():
            assert layout.fields[field].kind is ColumnKind.TEXT
            assert layout.fields[field].length is None


def test_elas_codes_are_judged_by_the_el_rules_not_by_the_reader() -> None:
    assert DOWNLOAD.fields["elas"].codes is None
    assert set(DOWNLOAD.code_sets["elas"]) == {"EO", "IFEP", "EL", "RFEP", "TBD"}
    assert set(DOWNLOAD.code_sets["elas_legacy"]) == {"FEP", "LEP"}
    assert DOWNLOAD.code_sets["elas_alias"] == {"TVD": "TBD"}
    assert DOWNLOAD.code_sets["elas_program_status"].keys() == DOWNLOAD.code_sets["elas"].keys()


def test_every_two_digit_language_maps_to_a_known_three_letter_one() -> None:
    sets = DOWNLOAD.code_sets

    assert sets["language_2_to_3"].keys() == sets["language_2"].keys()
    assert set(sets["language_2_to_3"].values()) <= sets["language_3"].keys()
    assert set(sets["language_3_alias"].values()) <= sets["language_3"].keys()
    assert sets["language_2_to_3"]["01"] == "spa"
    assert not sets["language_3_alias"].keys() & sets["language_3"].keys()


def test_the_roster_has_the_columns_of_the_command_contract() -> None:
    promised = (
        "lea,school,local_number,ssid,last_name,first_name,middle_name,suffix,alias_last_name,alias_first_name,birth_date,"
        "gender,legal_gender,birth_country,birth_state,home_language,grade,enrollment_start,enrollment_exit,el_status,"
        "el_identified_date,el_tbd_date,el_exit_date,ethnicity,legal_last_name,legal_first_name,legal_middle_name"
    )

    assert set(ROSTER.fields) >= set(promised.split(","))
    assert ROSTER.header is Header.REQUIRED
    assert {column.field for column in ROSTER.columns if column.required} == {
        "lea",
        "school",
        "local_number",
        "last_name",
        "first_name",
        "birth_date",
    }


def test_every_layout_names_its_source_and_labels_its_fields() -> None:
    for layout in ALL_LAYOUTS:
        assert layout.source
        assert all(column.label for column in layout.fields.values())


def test_a_folder_of_layouts_is_keyed_by_file_name(tmp_path: Path) -> None:
    write(tmp_path, HEAD + 'columns = ["A"]\n')

    assert list(load_layouts(tmp_path)) == ["sample"]
