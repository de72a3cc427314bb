"""Downloads: tables as CSV or workbook, and refused lines as they came."""
