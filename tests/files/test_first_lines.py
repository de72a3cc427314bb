"""What is worked out once of a file's first lines is what each layout would work out by itself."""

from sisimport.files.first_lines import FirstLines

LINES = ['Student ID,"Last, First",#Grade', "1,Lee,05"]


def test_cells_and_names_are_those_of_the_asked_delimiter() -> None:
    lines = FirstLines.of(LINES)

    assert lines == LINES
    for _time in range(2):
        assert lines.cells(0, ",") == ["Student ID", "Last, First", "#Grade"]
        assert lines.cells(0, "\t") == [LINES[0]]
        assert lines.rows(",")[1] == ["1", "Lee", "05"]
        assert lines.names(",") == ("studentid", "last,first", "grade")


def test_lines_are_looked_at_once_and_other_lines_are_others() -> None:
    lines = FirstLines.of(LINES)

    assert FirstLines.of(lines) is lines
    assert lines.cells(1, ",") is lines.cells(1, ",")
    assert FirstLines.of(lines[1:]).names(",") == ("1", "lee", "05")
