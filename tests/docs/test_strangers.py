"""What somebody new asks is answered by ARCHITECTURE.md and at most one file more."""

import re

import pytest
from django.conf import settings

# Row of the table in ARCHITECTURE.md -> a file that it names, and what the answer there looks like.
ANSWERS = {
    "a layout, next year's as well": ("docs/how-to/add-next-years-layout.md", r"assessments/layouts/.*"),
    "the wording of a message": ("ssid/rules/issue_codes.py", r"ELA-STATUS"),
    "a rule by its number": ("docs/reference/issue-codes.md", r"`SSID-TAKEN`.*D-7"),
    "who may do what, who may revert": ("sisimport/accounts/access.py", r"def may_revert"),
    "how often a run is tried again": ("sisimport/imports/runs/execution.py", r"MAX_ATTEMPTS = \d"),
    "a new tool with its screen": ("docs/how-to/add-an-import-type.md", r"register_tool\(Tool\("),
    "colors": ("static/css/1-tokens.css", r"--[a-z-]+: *#[0-9a-f]{3,6}"),
    "a new field of the student": ("docs/how-to/add-a-student-field.md", r"students/models/people\.py"),
    "why a run failed": ("docs/how-to/handle-a-failed-run.md", r"stopped its worker"),
}


@pytest.mark.parametrize("question", sorted(ANSWERS))
def test_a_question_of_a_stranger_is_answered_with_one_file_more(question: str) -> None:
    file, answer = ANSWERS[question]
    table = (settings.BASE_DIR / "ARCHITECTURE.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| {re.escape(question)} \| (.*) \|$", table, re.MULTILINE)
    assert file in row or f"`{file.rsplit('/', 1)[1].removesuffix('.py')}`" in row, row
    assert re.search(answer, (settings.BASE_DIR / file).read_text(encoding="utf-8"), re.IGNORECASE)
