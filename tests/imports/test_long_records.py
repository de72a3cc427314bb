"""Records over several lines (a line end inside a quoted cell), when single records are wanted: pages, downloads, decisions."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sisimport.files.detection import recognise
from sisimport.files.reader import Reader
from sisimport.imports.runs.decisions import ACCEPT, MATCH, Decision, decide
from sisimport.imports.runs.refused_lines import original_lines
from sisimport.imports.runs.report import data_lines
from sisimport.imports.storage.records import LinesReader, read_records
from tests.files.samples import DOWNLOAD, DOWNLOAD_HEADER, line
from tests.imports.journey import District, Report, drop_temporary_tables, finish, make_district, run_file

FIELDS = ["local_number", "last_name", "ssid", "elas_date"]


def comma(text: str) -> str:
    return text.replace("^", ",")


HEADER = comma(DOWNLOAD_HEADER)
SHORT = comma(line())
LONG = comma(line(local_number="100235", ssid="9012345679", last_name='"Smith\r\nJones"', elas_date="20150931"))
BLANK_INSIDE = comma(line(local_number="100236", last_name='"Smith\n\nJones"'))
STRAY = comma(line(local_number="100237", last_name='"Smith', elas_date="20150931"))
BROKEN = 'a,"b'

pieces = st.lists(st.sampled_from([SHORT, LONG, BLANK_INSIDE, STRAY, BROKEN, "", '"', 'x"y']), max_size=12)


@settings(deadline=None)
@given(pieces, st.booleans(), st.data())
def test_single_records_read_as_in_the_whole_file(drawn: list[str], with_header: bool, data: st.DataObject) -> None:
    text = "\n".join([*([HEADER] if with_header else []), *[SHORT] * 20, *drawn]) + "\n"
    known = recognise(io.BytesIO(text.encode()), [DOWNLOAD], expected=[DOWNLOAD])
    reader = Reader(io.BytesIO(text.encode()), known, FIELDS)
    whole = {row[0]: row for block in reader.blocks() for row in block}
    wanted = data.draw(st.lists(st.sampled_from(sorted(whole)), unique=True))

    some = LinesReader(io.BytesIO(text.encode()), known, FIELDS, line_index=reader.line_index, lines=wanted)

    assert {row[0]: row for block in some.blocks() for row in block} == {number: whole[number] for number in wanted}
    assert some.record_count == len(wanted)


@pytest.fixture
def district(db: None) -> District:
    made = make_district()
    made.student(local_number="100234")
    made.student(local_number="100235", last_name="Smith Jones")
    return made


def test_a_refused_record_over_several_lines_is_given_back_whole_in_its_original_form(district: District) -> None:
    content = f"{HEADER}\r\n{SHORT}\r\n{LONG}\r\n{SHORT}\r\n".encode()
    run = run_file("ssid-download", content).run

    given_back = b"".join(original_lines(run, [3]))

    assert given_back == f"{HEADER}\r\n{LONG}\r\n".encode()


def test_a_record_with_a_blank_line_inside_is_given_back_whole(district: District) -> None:
    run = run_file("ssid-download", f"{HEADER}\n{BLANK_INSIDE}\n{SHORT}").run

    assert b"".join(original_lines(run, [2])) == f"{HEADER}\n{BLANK_INSIDE}\n".encode()


def test_a_refused_record_with_a_stray_quotation_mark_brings_no_other_line(district: District) -> None:
    run = run_file("ssid-download", f"{HEADER}\n{STRAY}\n{SHORT}\n{SHORT}\n").run

    assert b"".join(original_lines(run, [2])) == f"{HEADER}\n{STRAY}\n".encode()


def test_the_last_line_of_a_file_gets_the_line_end_it_needs(district: District) -> None:
    run = run_file("ssid-download", f"{SHORT}\n{STRAY}").run

    assert b"".join(original_lines(run, [2])) == f"{STRAY}\n".encode()


def test_what_is_given_back_is_refused_again_for_the_same_reasons(district: District) -> None:
    run = run_file("ssid-download", f"{HEADER}\r\n{SHORT}\r\n{LONG}\r\n")
    again = run_file("ssid-download", b"".join(original_lines(run.run, [3])))

    assert again.codes(2) == run.codes(3) == ["FILE-DATE", "FILE-HIDDEN"]


def test_the_report_shows_the_whole_record(district: District) -> None:
    run = run_file("ssid-download", f"{HEADER}\n{LONG}\n{SHORT}\n").run

    assert data_lines(run, [2])[2] == LONG.replace("\r\n", "\n")


def test_a_late_accent_in_windows_1252_is_shown_as_it_was_read(district: District) -> None:
    rows = [line(local_number=f"1{n:05}", last_name="Lee", first_name="Sam") for n in range(4000)]
    run = run_file("ssid-download", "\n".join([*rows, line(last_name="García")]).encode("cp1252")).run

    assert "García" in data_lines(run, [4001])[4001]


def test_the_line_with_the_column_names_is_not_a_record(district: District) -> None:
    run = run_file("ssid-download", f"\n{HEADER}\n{SHORT}\n").run

    assert sorted(read_records(run, [1, 2, 3], FIELDS)) == [3]


def test_a_match_in_a_record_over_several_lines_joins_the_plan(district: District) -> None:
    student = district.another(local_number="100300", last_name="Smith Jones")
    unknown = comma(line(local_number="100999", last_name='"Smith\nJones"'))
    content = f"{HEADER}\n{unknown}\n{SHORT}\n"
    run = run_file("ssid-download", content).run
    decision = Decision(line=2, subject=MATCH, answer=ACCEPT, student_id=student.pk)

    run = decide(run_id=run.pk, decisions=[decision], user=None, schools=None)
    drop_temporary_tables()

    report = finish(run)
    assert "MATCH-ACCEPTED" in report.codes(2)
    assert sum(run.outcome_counts.values()) == run.record_count == 2


def test_lines_that_share_a_student_are_found_where_the_number_is_in_a_later_line(district: District) -> None:
    student = district.another(local_number="100300")
    stranger = comma(line(local_number="100999", ssid="9012345679"))
    own = comma(line(ssid='"90123\n45680"', local_number="100300"))
    run = run_file("ssid-download", f"{HEADER}\n{stranger}\n{own}\n").run
    decision = Decision(line=2, subject=MATCH, answer=ACCEPT, student_id=student.pk)

    run = decide(run_id=run.pk, decisions=[decision], user=None, schools=None)
    drop_temporary_tables()

    report = Report(run)
    assert "DUP-DIFFERS" in report.codes(2)
    assert "DUP-DIFFERS" in report.codes(3)
    assert report.codes(4) == []
