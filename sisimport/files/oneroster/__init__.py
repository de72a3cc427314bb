"""OneRoster 1.1 and 1.2 files (CSV binding, bulk and delta): a zip of tables becomes one text with a line for each student.

zip -> contents.py   which tables, by manifest.csv
    -> tables.py     a table's rows with their physical lines, for any encoding and order of columns
    -> loading.py    rows into a temporary database on disk, so that memory stays flat at any size
    -> places.py     which school an id stands for, and from when to when a student is there
    -> joining.py    students with demographics and schools, line n being line n of users.csv
"""

from sisimport.files.oneroster.contents import Contents, find_contents, is_table
from sisimport.files.oneroster.joining import HEADER, MEMBER, join

__all__ = ["HEADER", "MEMBER", "Contents", "find_contents", "is_table", "join"]
