"""What a finding says about the rest of its line is left out where another error refuses the line, and added when it is
planned again."""

import pytest

from sisimport.imports.models import ImportIssue, ImportRun
from sisimport.imports.runs.report import issue_message
from tests.assessments.damaged_columns import score_file, students_of
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db
LAYOUT, TEST = "caaspp-2023-24", "SBELA"


def said(run: ImportRun) -> dict[int, str]:
    issues = ImportIssue.objects.filter(run=run, code="EXC-CONDITION")
    return {issue.line: issue_message(issue, None) for issue in issues}


def test_a_refused_line_is_not_called_imported() -> None:
    file = score_file(LAYOUT, students_of(district(), LAYOUT, TEST, 4), TEST)
    refused, kept = file.of(file.tests[0])[:2]
    for record in (refused, kept):
        record[file.at["condition_code"]] = "ZZZ"
    refused[file.at["birth_date"]] = "2001-01-01"
    lines = [2 + file.records.index(record) for record in (refused, kept)]

    run = start(TYPES[LAYOUT], file.text(), work="import")

    messages = said(run)
    assert run.refused_count == 1
    assert "imported" not in messages[lines[0]]
    assert messages[lines[0]].endswith(".")
    assert messages[lines[1]].endswith("The score is imported with it anyway.")
