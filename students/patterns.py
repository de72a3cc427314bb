"""Regular expressions that mean the same in Python and PostgreSQL, each written once: rules, constraints and services
all use these.

The package that reads files may not import this one, so sisimport/files/workbook_process.py has its own; a test checks
that they agree.
"""

from django.db.models import Q

TEN_DIGITS = r"^[0-9]{10}$"  # an SSID of California (rule ID-1)
UP_TO_TEN_DIGITS = r"^[0-9]{1,10}$"  # of Utah (rule ID-8): ten characters wide, seven digits common in practice
_COMMON = r"jr|sr|ii|iii|iv|v"
NAME_SUFFIX = rf"[\s,]+({_COMMON})\.?$"  # after a last name, in any case
# Alone in its field, in any case.
KNOWN_SUFFIX = rf"^({_COMMON}|i|vi|vii|viii|ix|x|1st|2nd|3rd|4th|5th|esq|m\.?d|ph\.?d|d\.?d\.?s|ed\.?d|ret)\.?$"


def ten_digits(*fields: str) -> Q:
    """Each of these fields is an SSID of California."""
    return Q(**{f"{field}__regex": TEN_DIGITS for field in fields})


def well_formed(field: str = "ssid", *, state: str = "state") -> Q:
    """The field is an SSID of the state that another field names."""
    california = Q(**{state: "CA"})
    return (california & ten_digits(field)) | (~california & Q(**{f"{field}__regex": UP_TO_TEN_DIGITS}))
