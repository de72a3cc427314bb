"""Write the students of the district to a file."""

from sisimport.reporting.management.export_command import TableCommand


class Command(TableCommand):
    help = "Write students to a file: CSV, workbook or Parquet. Exit code: 0 written, 2 refused, 3 not written."
    what = "students"
