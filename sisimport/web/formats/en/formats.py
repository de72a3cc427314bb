"""How Django itself writes and reads dates in English: the admin, forms and letters (see moments.py for our own pages)."""

DATE_FORMAT = SHORT_DATE_FORMAT = "n/j/Y"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "n/j/Y, g:i A"
TIME_FORMAT = "g:i A"
DATE_INPUT_FORMATS = ["%m/%d/%Y", "%Y-%m-%d", "%m/%d/%y"]
TIME_INPUT_FORMATS = ["%I:%M %p", "%I:%M:%S %p", "%H:%M", "%H:%M:%S"]
DATETIME_INPUT_FORMATS = ["%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]
