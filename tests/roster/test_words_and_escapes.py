"""Words, codes and quotation marks that programs put into names and grades (kinds 2 and 3), in the roster."""

import pytest

from sisimport.imports.models import Work
from tests.imports.journey import District, give_el
from tests.longer import one_in
from tests.roster.test_roster import JOSE, roster


@pytest.mark.combinations
@pytest.mark.parametrize("word", ["Null", "None", "nan", "FALSE"])
@pytest.mark.parametrize("field", ["last_name", "first_name"])
def test_a_word_that_means_blank_in_place_of_a_name_is_kept_with_a_warning(
    district: District, word: str, field: str
) -> None:
    report = roster(JOSE | {field: word})

    assert (report.issue("NAME-WORD")["severity"], report.issue("NAME-WORD")["field"]) == ("warning", field)
    assert report.written("student")[field] == word


@pytest.mark.combinations
@pytest.mark.parametrize("word", ["N/A", "#N/A", "(null)", "<NA>", "-", "."])
@pytest.mark.parametrize("field", ["last_name", "first_name"])
def test_nobody_is_made_who_is_called_a_word_that_is_not_a_name(district: District, word: str, field: str) -> None:
    report = roster(JOSE | {field: word})

    assert report.issue("FILE-REQUIRED")["field"] == field
    assert report.counts == {"refused": 1}


@pytest.mark.combinations
@pytest.mark.parametrize("word", ["N/A", "Null", "none", "nan", ".", "-", "Unknown", "LNU", "NA", "123"])
@pytest.mark.parametrize("field", ["last_name", "first_name"])
def test_a_word_that_means_blank_never_replaces_a_name_on_record(district: District, word: str, field: str) -> None:
    district.student()

    report = roster(JOSE | {field: word, "grade": "09"}, work=Work.UPDATE)

    said = report.issue("NAME-WORD")
    assert (said["severity"], said["field"], said["expected"]) == ("error", field, JOSE[field])
    assert [change for change in report.changes if change["field"] == field] == []


@pytest.mark.combinations
@pytest.mark.parametrize("word", ["Unknown", "n.a.", "NA"])
@pytest.mark.parametrize("field", ["middle_name", "legal_last_name", "alias_first_name"])
def test_a_word_that_means_blank_never_replaces_another_name_on_record(
    district: District, word: str, field: str
) -> None:
    district.student(**{field: "Reyes"})

    report = roster(JOSE | {field: word}, work=Work.UPDATE)

    assert report.issue("NAME-WORD")["severity"] == "error"
    assert [change for change in report.changes if change["field"] == field] == []


def test_a_name_of_a_word_may_be_written_another_way(district: District) -> None:
    district.student(last_name="NULL")

    report = roster(JOSE | {"last_name": "Null"}, work=Work.UPDATE)

    assert report.issue("NAME-WORD")["severity"] == "warning"
    assert [change["after"] for change in report.changes if change["field"] == "last_name"] == ["Null"]


def test_a_student_on_record_who_is_called_null_passes_silently(district: District) -> None:
    district.student(last_name="Null", local_number="55")
    report = roster(JOSE | {"local_number": "55", "last_name": "Null"})

    assert "NAME-WORD" not in report.codes()


@pytest.mark.parametrize(
    "word",
    one_in(2, ["(null)", "<null>", "\\N", "NaT", "<NA>", "''", "“”", "#REF!", "#VALUE!", "--", "undefined", "(blank)"]),
)
def test_more_words_for_nothing_leave_an_optional_name_blank(district: District, word: str) -> None:
    report = roster(JOSE | {"middle_name": word})

    assert "middle_name" not in report.written("student")
    said = "FILE-LOST" if word.startswith("#") else "FILE-PLACEHOLDER"
    assert said in [issue["code"] for issue in report.issues]


@pytest.mark.parametrize("sign", ["_", "*", "#", "~"])
def test_a_sign_of_the_keyboard_in_place_of_a_letter_with_accent_is_an_error(district: District, sign: str) -> None:
    district.student(local_number="55", last_name="García")
    report = roster(JOSE | {"local_number": "55", "last_name": f"Garc{sign}a"})

    assert report.issue("FILE-DAMAGED")["severity"] == "error"
    assert report.written("student") == {}


@pytest.mark.parametrize(("grade", "code"), [("9.0", "09"), ("'09", "09"), ('="11"', "11")])
def test_a_grade_with_marks_of_a_spreadsheet_is_read(district: District, grade: str, code: str) -> None:
    assert roster(JOSE | {"grade": grade}).written("student")["grade"] == code


def test_an_older_status_from_before_birth_is_not_said_to_be_written(district: District) -> None:
    give_el(district.student(local_number="55"), "EL", identified_date="2015-09-03")
    report = roster(
        JOSE | {"local_number": "55", "el_status": "TBD", "el_identified_date": "", "el_tbd_date": "2001-01-01"}
    )

    assert "ELA-BIRTH" in report.codes()
    assert "ELA-OLDER" not in report.codes()


@pytest.mark.parametrize("word", ["N/A", "#N/A", "-", "NULL", "'"])
def test_no_student_is_made_whose_number_is_a_word_that_means_blank(district: District, word: str) -> None:
    report = roster(JOSE | {"local_number": word})

    assert (report.issue("FILE-REQUIRED")["field"], report.issue("FILE-REQUIRED")["found"]) == ("local_number", word)
    assert report.counts == {"refused": 1}


@pytest.mark.parametrize("number", ["000", "5001.5", "-5001", "TRUE", "50 01"])
def test_a_number_that_is_seldom_one_is_a_warning(district: District, number: str) -> None:
    assert roster(JOSE | {"local_number": number}).issue("NUMBER-ODD")["severity"] == "warning"


@pytest.mark.parametrize("number", ["5.0E+05", "5.0e+05", "1-May", "5-Jan-24", "May-01", "=A2&B2"])
def test_no_student_is_made_whose_number_a_spreadsheet_rounded_or_took_for_a_day(
    district: District, number: str
) -> None:
    report = roster(JOSE | {"local_number": number})

    assert report.issue("NUMBER-LOST")["severity"] == "error"
    assert report.counts == {"refused": 1}


@pytest.mark.parametrize("word", ["NMN", "No Middle Name", "none given", "Ninguno"])
def test_that_there_is_no_middle_name_is_reported_where_it_is_written(district: District, word: str) -> None:
    assert roster(JOSE | {"middle_name": word}).issue("NAME-WORD")["severity"] == "warning"


@pytest.mark.parametrize("given", ["O’Neil", "O`Neil", "O´Neil", "O''Neil"])
def test_another_apostrophe_never_replaces_a_plain_one(district: District, given: str) -> None:
    district.student(local_number="55", last_name="O'Neil")
    report = roster(JOSE | {"local_number": "55", "last_name": given})

    assert report.issue("NAME-KEPT")["expected"] == "O'Neil"
    assert "last_name" not in report.written("student")


@pytest.mark.parametrize(
    ("given", "record"),
    [("Peńa", "Peña"), ("Gonzßlez", "González"), ("Ra·l", "Raúl"), ("PeÑa", "Peña"), ("Mu<oz", "Muñoz")],
)
def test_a_letter_of_another_encoding_never_replaces_the_one_on_record(
    district: District, given: str, record: str
) -> None:
    district.student(local_number="55", last_name=record)
    report = roster(JOSE | {"local_number": "55", "last_name": given})

    assert "last_name" not in report.written("student")


def test_an_exit_before_the_identification_is_an_error_of_the_english_learner_data(district: District) -> None:
    report = roster(JOSE | {"el_status": "RFEP", "el_identified_date": "2020-01-08", "el_exit_date": "2019-01-08"})

    assert (report.issue("ELA-EXIT")["severity"], report.issue("ELA-EXIT")["field"]) == ("error", "el_exit_date")
    assert report.written("student")
    assert not [change for change in report.changes if change["what"] == "el"]


def test_an_exit_before_the_identification_that_is_on_record_is_not_an_error(district: District) -> None:
    """Files of the state put the start of a status in place of the Identified Date; our own list comes back so."""
    give_el(district.student(), "Exited EL", identified_date="2020-01-08", exit_date="2019-01-08")
    days = {"el_identified_date": "2020-01-08", "el_exit_date": "2019-01-08"}
    report = roster(JOSE | {"el_status": "Exited EL"} | days)

    assert "ELA-EXIT" not in report.codes()


def test_commas_at_thousands_never_become_part_of_a_new_number(district: District) -> None:
    report = roster(JOSE | {"local_number": '"200,004"'})

    assert report.written("student")["local_number"] == "200004"
    assert report.codes() == ["NUMBER-READ"]


def test_commas_at_thousands_are_taken_off_the_number_of_a_student_on_record(district: District) -> None:
    district.student()
    report = roster(JOSE | {"local_number": '"100,234"'})

    assert (report.codes(), report.counts) == (["NUMBER-READ"], {"unchanged": 1})


def test_a_rounded_ssid_says_what_happened_to_it_as_in_the_files_of_the_state(district: District) -> None:
    district.student()

    issue = roster(JOSE | {"ssid": "9.0E+09"}).issue("SSID-FORMAT")

    assert "A spreadsheet turned the number into a rounded one" in issue["message"]


@pytest.mark.parametrize(("given", "code"), [("01", "spa"), ("Spanish", "spa"), ("VIE", "vie"), ("99", "mis")])
def test_a_home_language_is_written_with_three_letters(district: District, given: str, code: str) -> None:
    assert roster(JOSE | {"home_language": given}).written("student")["home_language"] == code


@pytest.mark.parametrize("given", ["ZZ", "1", "x1", "?"])
def test_what_is_not_a_language_code_never_replaces_one(district: District, given: str) -> None:
    district.student(home_language="spa")
    report = roster(JOSE | {"home_language": given})

    assert report.issue("LANG-CODE")["found"] == given
    assert report.written("student") == {}


def test_a_language_that_is_on_no_list_is_a_warning_until_it_is_on_record(district: District) -> None:
    report = roster(JOSE | {"home_language": "qqq"}, work=Work.UPDATE)

    assert (report.codes(), report.issue("LANG-ODD")["severity"]) == (["LANG-ODD"], "warning")
    assert roster(JOSE | {"home_language": "qqq"}).codes() == []
