"""Writes planned scores to the score table, by COPY: the plan's one text per line is split here, while the database
writes what was split before. An INSERT would do the two in sequence, row by row."""

import tempfile
from collections.abc import Iterable

from django.db import connection

from assessments.scores.encoding import AS_TESTED, CELL, CELLS, OWN_CELLS, SCORE, side_sql
from assessments.scores.result_counts import Tally, TestScore

_BATCH = 1 << 16  # bytes of planned lines: split while the database still has as much to write
_COLUMNS = ("assessment_id", *OWN_CELLS, "as_tested", "date", "grade", "school_year", "student_id", "run_id", "line")
_OWN = len(OWN_CELLS)
_CELL, _SCORE, _TAB, _NULL = CELL.encode(), SCORE.encode(), b"\t", b"\\N"  # as in the text format of COPY
_DATE, _GRADE = (1 + CELLS.index(name) for name in ("date", "grade"))  # places in a score
_CELLS_OF_ALL = 1 + len(CELLS)
# Cells left out at the end of a score are blank, and so then is the text that says who was tested.
_MISSING = [_TAB * (_OWN + 1 - held) for held in range(_OWN + 1)]
_UNTIL_TESTED = _TAB * (AS_TESTED - _OWN)  # date, grade, run and line, blank in what a file brings


def copy_scores(run_id: int, where: str, tally: Tally) -> int:
    """Write the scores in `after` of the changes `c` that `where` selects, for the run, and count them in the tally;
    returns how many there are."""
    planned = f"SELECT p.scores, p.date, p.grade, p.school_year, p.student_id, {int(run_id)}, p.line"
    # Read to the end before the writing begins, since a connection does one thing at a time; on disk, since a plan may
    # be large.
    with tempfile.TemporaryFile() as spool, connection.cursor() as cursor:
        with cursor.copy(f"COPY ({planned} FROM ({side_sql('after', where)}) AS p) TO STDOUT") as out:
            spool.writelines(out)
        spool.seek(0)
        with cursor.copy(f"COPY assessments_score ({', '.join(_COLUMNS)}) FROM STDIN") as into:
            for lines in iter(lambda: spool.readlines(_BATCH), []):
                into.write(b"".join(_taken_apart(lines, tally)))
        return int(cursor.rowcount)


def _taken_apart(lines: Iterable[bytes], tally: Tally) -> list[bytes]:
    """Rows of the score table in COPY format, from lines in COPY format; scores of tests are counted along the way.

    No cell contains a separator (see encoding.py).
    """
    rows: list[bytes] = []
    tests: list[TestScore] = []
    for line in lines:
        scores, date, grade, rest = line.split(_TAB, 3)
        year = rest.partition(_TAB)[0]
        if grade == _NULL:
            for score in scores.split(_SCORE):
                cells = score.split(_CELL)
                rows.append(_full(cells, rest))
                tally.add(cells, year, cells[_GRADE])
            continue
        shared, counted = _TAB.join([b"", date, grade, rest]), False
        for score in scores.replace(_CELL, _TAB).split(_SCORE):
            held = score.count(_TAB)
            if held > _OWN:  # of a test itself
                own, _blank, tested = score.rpartition(_UNTIL_TESTED)
                rows.append(own + _TAB + tested + shared)
                test, scale, _raw, result, _more = own.split(_TAB, 4)
                tests.append((test, scale, result, tested, year, grade))
                counted = True
            else:
                rows.append(score + _MISSING[held] + shared)
        if not counted:  # a plan from before this was stored, or scores of parts alone
            for score in scores.split(_SCORE):
                tally.add(score.split(_CELL), year, grade)
    tally.add_tests(tests)
    return rows


def _full(cells: list[bytes], rest: bytes) -> bytes:
    """Row of a score that has its own date and grade, and perhaps the run and line that wrote it; blank means null."""
    own, day, grade = cells[:_DATE], cells[_DATE] or _NULL, cells[_DATE + 1]
    tested = cells[AS_TESTED] if len(cells) > AS_TESTED else b""
    if len(cells) > _CELLS_OF_ALL:
        wrote = [cell or _NULL for cell in cells[_CELLS_OF_ALL:AS_TESTED]]
        year, student, _run, _line = rest.split(_TAB)
        return _TAB.join([*own, tested, day, grade, year, student, *wrote]) + b"\n"
    return _TAB.join([*own, tested, day, grade, rest])
