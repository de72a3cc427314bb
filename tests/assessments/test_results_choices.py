"""Several schools, grades, groups and years at once, side by side and for programs; and that no choice tells a hidden number."""

import json
import sys
from itertools import chain, combinations
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment, HiddenResults, ResultCount, ResultVersion, Score
from assessments.results.asking import choice_of, reader_of, what_is_held
from assessments.results.shapes import Choice, Reader, Results
from assessments.results.tables import build, build_cells
from assessments.scores.as_tested import FACTS
from assessments.scores.result_counts import Tally, recount_all
from sisimport.audit.models import AuditEntry
from students.models import LEA, DistrictSettings, School, Student
from tests.api.client import Program
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
LEA_CODE = "1234567"
SHARED = Reader(None, sees_each=False, shared=True)
SEES = Reader(None, sees_each=True)


def district(*names: str, lea: str = LEA_CODE) -> list[School]:
    home = LEA.objects.create(code=lea, name="Valley")
    return [School.objects.create(lea=home, code=f"{n:07}", name=name) for n, name in enumerate(names, 1)]


def count(school: School, grade: str, year: int = 2024, code: str = "SBELA", **groups: int) -> None:
    """Students of a school and grade, all at level 3 with 2500 points; `groups`: how many of them are `s_Y` and so on."""
    test, _made = Assessment.objects.get_or_create(
        state_code=code,
        name=code,
        parent=None,
        ranged=True,
        results=[{"code": f"{n}", "name": f"Level {n}", "passing": n > 2} for n in (4, 3, 2, 1)],
    )
    for group, n in groups.items():
        ResultCount.objects.create(
            assessment_id=test.pk, school_year=year, student_group=group.replace("_", ":"), lea=school.lea.code,
            school=school.code, grade=grade, tested=n, scored=n, level_1=0, level_2=0, level_3=n, level_4=0, level_5=0,
            scale_count=n, scale_sum=2500 * n,
        )  # fmt: skip


def staff(**facts: Any) -> Any:
    return UserFactory(**facts)


def key(school: School) -> tuple[str, str]:
    return school.lea.code, school.code


def numbers(found: Results) -> dict[str, int | None]:
    return {row.label: row.sums.tested if row.sums else None for row in found.all_rows}


def made(reader: Reader = SEES, **choice: Any) -> Results:
    return build(Choice("SBELA", 2024, **choice), what_is_held(), reader)


def test_several_schools_and_grades_are_taken_together() -> None:
    oak, elm, fir = district("Oak", "Elm", "Fir")
    for school, n in ((oak, 20), (elm, 30), (fir, 40)):
        count(school, "05", all=n)
        count(school, "06", all=n + 1)
    assert numbers(made(schools=(key(oak), key(elm)))) == {"2 schools": 102, "Grade 5": 50, "Grade 6": 52}
    assert numbers(made(by="school", grades=("05",), schools=(key(oak), key(fir)))) == {
        "2 schools": 60, "Oak": 20, "Fir": 40,
    }  # fmt: skip


def test_schools_groups_and_years_stand_side_by_side() -> None:
    oak, elm = district("Oak", "Elm")
    for year in (2023, 2024):
        count(oak, "05", year, all=40, s_Y=15, s_N=25)
        count(elm, "05", year, all=50, s_Y=20, s_N=30)
    by_school = made(beside="school")
    assert by_school.columns == ["Elm", "Oak"]
    assert [
        (line.label, [cell and cell.sums and cell.sums.tested for cell in line.cells]) for line in by_school.matrix
    ] == [
        ("District", [50, 40]),
        ("Grade 5", [50, 40]),
    ]
    groups = made(by="school", groups=("s:Y", "s:N"))
    assert groups.columns == ["Socioeconomically disadvantaged", "Not socioeconomically disadvantaged"]
    assert [line.label for line in groups.matrix] == ["District", "Elm", "Oak"]
    assert not groups.notes
    years = made(by="school", beside="year", years=(2023, 2024))
    assert years.columns == ["2022-23", "2023-24"]
    assert years.matrix[2].cells[1] is not None
    assert years.matrix[2].cells[1].met_change == 0


def test_a_sum_of_schools_is_hidden_where_one_of_them_is() -> None:
    """Whatever schools and grades are chosen: no two numbers that are shown differ by few students."""
    schools = district("Oak", "Elm", "Fir", "Ash")
    for school, sizes in zip(schools, [(30, 4), (25, 40), (60, 33), (20, 19)], strict=True):
        for grade, n in zip(("05", "06"), sizes, strict=True):
            count(school, grade, all=n)
    keys = list(map(key, schools))
    seen: dict[frozenset[tuple[Any, str]], int] = {}
    chosen = list(chain.from_iterable(combinations(keys, n) for n in range(5)))
    for of in chosen:
        for grades in ((), ("05",), ("06",), ("05", "06")):
            total = made(SHARED, schools=of, grades=grades).total
            if total is not None and total.sums is not None:
                seen[frozenset((k, g) for k in of or keys for g in grades or ("05", "06"))] = total.sums.tested
    assert len(seen) > 8
    small = frozenset({(keys[0], "06")})
    assert small not in seen
    for one, n in seen.items():
        for other, more in seen.items():
            assert not (one < other and other - one == small), (one, other, more - n)
            assert one >= other or not one < other or more - n >= 11


def test_groups_by_grade_are_shown_where_nobody_is_revealed_and_left_out_otherwise() -> None:
    oak, elm = district("Oak", "Elm")
    for school in (oak, elm):
        count(school, "05", all=40, s_Y=15, s_N=25)
        count(school, "06", all=44, s_Y=22, s_N=22)
    assert numbers(made(SHARED, groups=("s:Y",)))["Grade 5"] == 30
    every = build_cells(Choice("SBELA", 2024), what_is_held(), SHARED, ["school", "grade", "group"])
    assert len(every.rows) == 8
    assert not every.hides

    count(elm, "07", all=20, s_Y=3, s_N=17)
    _written()
    assert numbers(made(SHARED, groups=("s:Y",)))["Grade 5"] == 80, "of all students"
    cells = build_cells(Choice("SBELA", 2024), what_is_held(), SHARED, ["school", "grade", "group"])
    assert not cells.rows
    assert any("all grades together" in note for note in cells.notes)
    assert len(build_cells(Choice("SBELA", 2024), what_is_held(), SEES, ["school", "grade", "group"]).rows) == 10


def _written() -> None:
    """As the statements that write counts say it."""
    for row in ResultCount.objects.values("assessment_id", "school_year", "lea").distinct():
        version, is_new = ResultVersion.objects.get_or_create(**row, defaults={"version": 1})
        if not is_new:
            ResultVersion.objects.filter(**row).update(version=version.version + 1)


def test_what_is_hidden_is_kept_and_never_older_than_the_counts(django_assert_num_queries: Any) -> None:
    oak, elm = district("Oak", "Elm")
    count(oak, "05", all=20)
    count(elm, "05", all=30)
    assert numbers(made(SHARED, by="school")) == {"District": 50, "Elm": 30, "Oak": 20}
    assert HiddenResults.objects.count() == 1
    held = what_is_held()
    held.assessments  # noqa: B018 - read once
    with django_assert_num_queries(6):  # versions, what is hidden, numbers, versions again; schools, enrollments
        made_again = build(Choice("SBELA", 2024, by="school"), held, SHARED)
    assert made_again.rows

    tally, test = Tally(), str(Assessment.objects.get().pk).encode()
    facts = ["" for _fact in FACTS]
    facts[:4] = [LEA_CODE, oak.code, oak.code, "Y"]
    for _student in range(4):
        tally.add_test(test, (b"2500", b"3", ",".join(facts).encode()), b"2024", b"06")
    tally.store(sign=1)
    assert numbers(made(SHARED, by="grade"))["Grade 6"] is None
    assert numbers(made(SHARED, by="grade", schools=(key(oak),))) == {"Oak": None, "Grade 5": None, "Grade 6": None}
    recount_all()  # there are no scores: nothing is left
    assert not what_is_held().tests


def test_a_districts_total_is_of_the_users_own_district() -> None:
    (oak, _elm), (far,) = district("Oak", "Elm"), district("Far", lea="7654321")
    for school in School.objects.all():
        count(school, "05", all=20)
    DistrictSettings.objects.create(lea=oak.lea, shows_district_results=True)
    principal = reader_of(staff(registrar=True, schools=[oak]))
    assert numbers(made(principal, by="school")) == {"District": 40, "Oak": 20}
    assert numbers(made(reader_of(staff(registrar=True, schools=[far])), by="school")) == {
        "Your schools": 20,
        "Far": 20,
    }


def test_what_a_school_passes_on_hides_what_the_district_hides() -> None:
    oak, elm = district("Oak", "Elm")
    count(oak, "05", all=8)
    count(elm, "05", all=20)
    user = staff(registrar=True, schools=[elm])
    assert numbers(made(reader_of(user), by="school")) == {"Your schools": 20, "Elm": 20}
    assert numbers(made(reader_of(user, shared=True), by="school")) == {"Your schools": None, "Elm": None}


def test_the_same_students_are_hidden_where_the_others_would_be_told() -> None:
    oak, elm = district("Oak", "Elm")
    test = Assessment.objects.create(
        state_code="ELPACS", name="ELPAC", results=[{"code": f"{n}", "name": f"{n}"} for n in (4, 3, 2, 1)]
    )
    levels = {2023: ["1", "1", "3", "4", "4"], 2024: ["3", "2", "3", "4", "3"]}
    for at, (school, n, new) in enumerate(((oak, 20, 3), (elm, 25, 15))):
        for student in range(n):
            held = Student.objects.create(
                lea=school.lea, school=school, local_number=f"{at}-{student}", last_name="A", first_name="B",
                birth_date="2015-01-01",
            )  # fmt: skip
            for year, of_year in levels.items():
                if year == 2024 or student >= new:
                    facts = ["" for _fact in FACTS]
                    facts[:4] = [LEA_CODE, school.code, school.code, "Y"]
                    Score.objects.create(
                        student=held, assessment=test, school_year=year, grade="05", scale_score="1500",
                        result=of_year[student % 5], as_tested=",".join(facts),
                    )  # fmt: skip
    recount_all()
    choice = Choice("ELPACS", 2024, by="school")

    seen = build(choice, what_is_held(), SEES)
    assert {row.label: row.moves and round(row.moves.progress or 0) for row in seen.all_rows} == {
        "District": 59, "Oak": 59, "Elm": 60,
    }  # fmt: skip
    same = build(Choice("ELPACS", 2024, by="school", same=True), what_is_held(), SHARED)
    assert numbers(same)["Oak"] is None, "20 less 17 would tell of three"
    assert numbers(same)["Elm"] is None, "and so would the sum less the others"


def test_the_page_has_boxes_for_each_and_keeps_them_in_its_addresses(client: Client) -> None:
    oak, elm = district("Oak", "Elm")
    for year in (2023, 2024):
        for school in (oak, elm):
            count(school, "05", year, all=40, s_Y=15, s_N=25)
    client.force_login(staff(is_superuser=True, is_staff=True))
    asked = {
        "test": "SBELA", "year": "2024", "by": "school", "beside": "year", "school": ["-".join(key(oak)), "-".join(key(elm))],
        "grade": ["05"], "years": ["2023", "2024"],
    }  # fmt: skip
    page = client.get(reverse("results"), asked).content.decode()
    assert "Oak and Elm" in page or "Elm and Oak" in page
    assert f"school={LEA_CODE}-{oak.code}&amp;school={LEA_CODE}-{elm.code}" in page
    assert page.count('<svg class="lvl"') == 6
    sent = b"".join(client.get(reverse("results_csv"), asked)).decode("utf-8-sig")
    assert sent.splitlines()[0].startswith("School,School year,Tested,With a score")
    assert "Oak,2022-23,40,40" in sent
    assert (
        client.get(reverse("results"), {**asked, "school": ["9999999-0000001", "x"], "years": "1"}).status_code == 200
    )


def test_the_command_and_the_api_tell_the_same(capsys: Any) -> None:
    oak, elm, fir = district("Oak", "Elm", "Fir")
    for school in (oak, elm, fir):
        count(school, "05", all=40, s_Y=15, s_N=25)
    for school, n in ((oak, 30), (elm, 30), (fir, 5)):
        count(school, "06", all=n, s_N=n)
    call_command("results", "--assessment", "SBELA", "--school-year", "2023-24", "--by", "school,grade", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["school_year"] == "2023-24"
    rows = {(row["school"], row["grade"]): row for row in told["rows"]}
    assert rows[elm.code, "05"] | {"label": ""} == {
        "school_year": "2023-24", "lea": LEA_CODE, "school": elm.code, "grade": "05", "group": "all", "label": "",
        "hidden": False, "enrolled": None, "tested": 40, "tested_percent": None, "earlier": {}, "scored": 40,
        "levels": {"1": 0, "2": 0, "3": 40, "4": 0},
        "mean": 2500.0, "met_percent": 100.0, "distance_from_standard": -2.0, "met_change": None,
        "distance_change": None, "mean_change": None, "progress_percent": None,
    }  # fmt: skip
    assert rows[fir.code, "06"]["hidden"]
    assert rows[fir.code, "06"]["tested"] is None
    assert rows["", ""]["tested"] == 185
    answer = Program().get("results", {"assessment": "SBELA", "by": "school,grade"})
    assert answer["items"] == told["rows"]
    call_command(
        "results", "--by", "school,grade", "--show-small-groups", "--school", fir.code, "--grade", "06", "--json"
    )
    assert json.loads(capsys.readouterr().out)["rows"][1]["tested"] == 5
    call_command("results", "--group", "s:Y", "--by", "school", stdout=sys.stdout)
    assert "Oak,15,15" in capsys.readouterr().out
    assert AuditEntry.looks.filter(subject="results of SBELA 2023-24: command").count() == 3
    for wrong in (["--by", "teacher"], ["--school", "999"]):
        with pytest.raises(CommandError):
            call_command("results", *wrong)
    with pytest.raises(SystemExit) as ended:
        call_command("results", "--assessment", "CAST")
    assert ended.value.code == 2


def test_the_command_and_the_api_refuse_what_they_do_not_know(capsys: Any) -> None:
    """Numbers of all grades under the name of one would be wrong numbers."""
    (oak,) = district("Oak")
    count(oak, "05", all=40)
    for option, value, said in (
        ("--grade", "99", "grade 99"),
        ("--group", "homeless", "student group homeless"),
        ("--school-year", "2023-2024", "school year 2023-2024"),
    ):
        with pytest.raises(CommandError, match=rf"^There is no {said}\. Enter a school year as 2023-24") as refused:
            call_command("results", option, value)
        assert refused.value.returncode == 2
    assert Program().get("results", {"grade": "5"})["items"][0]["tested"] == 40
    assert (
        Program().get("results", {"grade": "99", "group": "zz"}, 404)["detail"]
        == "There is no grade 99 and no student group zz."
    )
    with pytest.raises(SystemExit) as ended:
        call_command("results", "--grade", "6")
    assert ended.value.code == 2
    assert "No results of Smarter Balanced for ELA, 2023-24, are on record for grade 6." in capsys.readouterr().err
    call_command("results", "--grade", "5")
    assert "Grade 5,40" in capsys.readouterr().out


def test_a_choice_of_an_address_takes_only_what_there_is() -> None:
    (oak,) = district("Oak")
    count(oak, "05", all=20)
    asked = {
        "school": ["9999999-0000001", "-".join(key(oak))],
        "grade": ["05", "99"],
        "group": ["s:Y", "zz"],
        "beside": ["x"],
    }
    found = choice_of(asked, what_is_held(), SEES)
    assert (found.schools, found.grades, found.groups, found.beside) == ((key(oak),), ("05",), ("s:Y",), "")
