"""Reading a file: pure Python without Django. Archives, recognition of the layout, then blocks of records."""

from sisimport.files import issue_codes  # noqa: F401 - registers the words for the reader's codes
from sisimport.files.oneroster import issue_codes as oneroster_issue_codes  # noqa: F401
