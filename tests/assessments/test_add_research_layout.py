"""Adding a year of the state's research files, by command and on the page: columns that changed their names are asked for."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from assessments.models import AddedLayout, PublicPlace, PublicResult
from assessments.new_year import services
from sisimport.files.layouts import parse_layout
from sisimport.imports.definition import registry
from tests.assessments.test_research_files import ALTERNATE, COUNTY, ELPAC, FILES, NEW, STATE, entities, result, unasked
from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import make_district, run_file

pytestmark = pytest.mark.django_db
KEY = "research-caaspp-2025-26"
# Next summer's names: one without which no line is read, one of a level, and one that nobody has heard of.
RENAMED = {
    "Student Group ID": "Student Group Code",
    "Percentage Standard Exceeded": "Percent Advanced",
    "Mean Scale Score": "Average Score of All Students",
}
ANSWERS = ("--column", "level_4=Percent Advanced", "--column", "mean=Average Score of All Students")


def of_next_year(*lines: str, head: str = NEW) -> str:
    names = head.split("^")
    return "\n".join(["^".join(RENAMED.get(name, name) for name in names), *lines]) + "\n"


NEXT = of_next_year(result(STATE, year="2026"), result(COUNTY, year="2026"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    make_district()
    return CommandLine(capsys)


def written(folder: Path, text: str = NEXT) -> Path:
    path = folder / "sb_ca2026_all_csv_v1.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_whose_columns_changed_is_refused_until_its_year_is_added(command: CommandLine, tmp_path: Path) -> None:
    refused = run_file("research-results", NEXT)
    assert refused.run.status == "rejected"
    assert "Student Group ID" in refused.run.message

    asked = command("add_layout", written(tmp_path), "--school-year", "2025-26", "--json")
    assert asked.code == 2
    assert {one["to"] for one in asked.json["renamed"]} >= {"Student Group Code"}
    assert any("Mean Scale Score" in text for text in asked.json["questions"])
    assert not AddedLayout.objects.exists()

    done = command(
        "add_layout", written(tmp_path), "--school-year", "2025-26", "--accept-suggestions", *ANSWERS, "--json"
    )
    assert done.code == 0, done.out
    assert (done.json["layout"], done.json["import_type"], done.json["questions"]) == (KEY, "research-results", [])

    read = run_file("research-results", NEXT, work="update")
    assert (read.run.status, read.json["layout"], read.issues) == ("completed", KEY, [])
    state = PublicResult.objects.get(place="0" * 14)
    assert (state.school_year, state.student_group, state.level_4, state.mean) == (2026, "1", "25.00", "2510.4")
    assert unasked(NEXT) == "research-results"


def test_files_of_earlier_years_and_of_other_tests_are_read_as_before(command: CommandLine, tmp_path: Path) -> None:
    command("add_layout", written(tmp_path), "--school-year", "2025-26", "--accept-suggestions", *ANSWERS)
    for name, (content, _test, _level) in FILES.items():
        assert run_file("research-results", content).json["layout"] == name.partition(" ")[0], name
    # Another test of the new year has levels by number, and columns of which the added file had none.
    alternate = of_next_year(
        "00^00000^^0000000^^04^^2026^A^3^1^13^90^88^80^845.1^30.0^10^40.0^20^30.0^30^100", head=ALTERNATE
    )
    found = run_file("research-results", alternate, work="update")
    assert (found.json["layout"], found.issues) == (KEY, [])
    row = PublicResult.objects.get(test="CAAELA")
    assert (row.level_3, row.level_1, row.mean) == ("30.0", "30.0", "845.1")


def test_a_column_of_percents_is_not_read_from_one_of_counts(command: CommandLine, tmp_path: Path) -> None:
    head = NEW.replace("^Percentage Standard Exceeded^Count Standard Exceeded^", "^Share A^Level 4 Total^")
    path = written(tmp_path, "\n".join([head, result(STATE, year="2026")]).replace("^100^", "^1000^") + "\n")
    asked = command("add_layout", path, "--school-year", "2025-26", "--column", "level_4=Level 4 Total", "--json")
    assert asked.code == 2
    assert "do not have percents. Choose another column" in asked.json["questions"][0]
    asked = command("add_layout", path, "--school-year", "2025-26", "--json")
    assert asked.code == 2
    assert not any("Level 4 Total" in text for text in asked.json["questions"])


def test_the_year_of_the_file_and_columns_that_are_known_are_reported(command: CommandLine, tmp_path: Path) -> None:
    path = written(tmp_path)
    other = command("add_layout", path, "--school-year", "2026-27", "--accept-suggestions", *ANSWERS)
    assert other.code == 2
    assert "The test years of the first records are mostly in 2025-26, not in 2026-27." in other.err
    known = command("add_layout", written(tmp_path, f"{NEW}\n"), "--school-year", "2025-26")
    assert known.code == 2
    assert "Every column is known already, by CAASPP Research File since 2023-24 (research-caaspp)." in known.err


@pytest.mark.parametrize(
    ("head", "old", "new", "key"),
    [
        (ELPAC, "TotalStudentsTestedWithScores", "StudentsTestedWithScores", "research-elpac-2025-26"),
        (entities().strip(), "County Name", "Name of County", "research-entities-2025-26"),
    ],
)
def test_of_each_kind_of_research_file_a_year_can_be_added(
    head: str, old: str, new: str, key: str, command: CommandLine, tmp_path: Path
) -> None:
    path = written(tmp_path, head.replace(old, new) + "\n")
    done = command("add_layout", path, "--school-year", "2025-26", "--accept-suggestions", "--json")
    assert done.code == 0, done.out
    assert done.json["layout"] == key
    found = registry.find_layout(key)
    assert found is not None
    layout, import_type = found
    assert new in {column.name for column in layout.fields.values()}
    assert (
        import_type.key
        == done.json["import_type"]
        == ("research-entities" if "entities" in key else "research-results")
    )
    if "entities" in key:
        text = entities(("12", "00000", "0000000", "Lake", "", "")).replace(old, new)
        assert run_file("research-entities", text, work="update").json["layout"] == key
        assert PublicPlace.objects.get().name == "Lake"


def test_a_second_set_of_columns_of_a_year_is_next_to_the_first(command: CommandLine, tmp_path: Path) -> None:
    command("add_layout", written(tmp_path), "--school-year", "2025-26", "--accept-suggestions", *ANSWERS)
    head = of_next_year(head=NEW.replace("^Grade^", "^Grade Tested^"))
    done = command("add_layout", written(tmp_path, head), "--school-year", "2025-26", "--accept-suggestions", "--json")
    assert done.json["layout"] == f"{KEY}-other-columns", done.out
    titles = {layout.title for layout in services.known_layouts().values()}
    assert titles >= {"CAASPP Research File 2025-26", "CAASPP Research File 2025-26 (other columns)"}


# ---- the page ----


@pytest.fixture
def admin(client: Client) -> Client:
    make_district()
    client.force_login(UserFactory(import_admin=True, all_schools=True))
    return client


def test_the_page_asks_and_adds_and_removes_while_no_run_used_it(admin: Client) -> None:
    file = SimpleUploadedFile("sb_ca2026.txt", NEXT.encode())
    sent: Any = admin.post(reverse("added_layouts"), {"file": file, "school_year": "2025-26", "like": ""})
    page = admin.get(sent.url)
    text = page.content.decode()
    assert 'CAASPP Research File <span class="unbroken">2025-26</span>' in text
    assert "<h2>Levels</h2>" not in text, "names of levels are asked of scores alone"
    form = page.context["form"]
    typed = {name: form[name].initial or "" for name in form.fields}
    assert typed["column-student_group"] == "Student Group Code"
    missing = admin.post(sent.url, typed | {"column-student_group": ""})
    assert missing.status_code == 422
    named = {"column-level_4": "Percent Advanced", "column-mean": "Average Score of All Students"}
    added = admin.post(sent.url, typed | named, follow=True).content.decode()
    assert "CAASPP Research File 2025-26 was added: Research file: results now reads its files." in added
    assert f"{reverse('upload', args=['state-results'])}?type=research-results" in added

    row = AddedLayout.objects.get()
    layout = parse_layout(row.key, row.text)
    assert (row.key, layout.fields["mean"].name, row.draft) == (KEY, "Average Score of All Students", {})
    run_file("research-results", NEW.replace("^Grade^", "^Grade^") + f"\n{result(STATE)}\n")  # by another layout
    removed = admin.post(reverse("added_layout_remove", args=[row.pk]), follow=True).content.decode()
    assert f"{KEY} was removed." in removed
    assert registry.find_layout(KEY) is None


def test_a_layout_that_a_run_used_stays(admin: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = CommandLine(capsys)
    command("add_layout", written(tmp_path), "--school-year", "2025-26", "--accept-suggestions", *ANSWERS)
    run_file("research-results", NEXT)
    page = admin.post(reverse("added_layout_remove", args=[AddedLayout.objects.get().pk]), follow=True).content.decode()
    assert "1 run uses" in page
    assert AddedLayout.objects.exists()
