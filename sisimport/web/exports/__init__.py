"""Downloads: tables as CSV or workbook, and refused lines in their original form."""
