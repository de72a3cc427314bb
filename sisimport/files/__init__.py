"""Reading a file: pure Python that knows no Django. Archives, recognition of the layout, then blocks of records."""

from sisimport.files import issue_codes  # noqa: F401 - the reader's codes have words wherever it is used
from sisimport.files.oneroster import issue_codes as oneroster_issue_codes  # noqa: F401
