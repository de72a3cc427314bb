"""The page English learners: each number is the length of its list, of the user's schools only, and small ones stay off paper."""

import datetime as dt
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from assessments.english_learners.asking import Asking, years_before
from assessments.english_learners.counting import TOTAL, counts_of, hidden_in
from assessments.models import Assessment, Score
from assessments.pages.english_learners_views import LEARNERS
from assessments.scores.as_tested import FACTS
from assessments.scores.result_counts import recount_all
from sisimport.audit.models import AuditEntry
from students.models import ELRecord, School, Student
from tests.factories import ELRecordFactory, EnrollmentFactory, SchoolFactory, StudentFactory, UserFactory
from tests.load.population import depopulate, populate, settle

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 3, 2)
TESTED = ",".join("Y" if fact.name == "include" else "" for fact in FACTS)


def learner(status: str, school: School, **record: Any) -> Student:
    student: Student = StudentFactory(school=school)
    facts = {"identified_date": None, "tbd_date": None, "exit_date": None, "state_elas": "", "state_elas_date": None}
    ELRecordFactory(student=student, program_status=status, **facts | record)
    return student


def elpac(student: Student, code: str, level: str, year: int = 2025, *, as_tested: str = TESTED) -> None:
    setup, _made = Assessment.objects.get_or_create(state_code=code, name=code, parent=None)
    Score.objects.create(student=student, assessment=setup, school_year=year, result=level, as_tested=as_tested)


def numbers(**asked: Any) -> dict[str, int]:
    counted = counts_of(Asking(None, today=TODAY, **asked))
    return {what: n for (school, what), n in counted.items() if school == TOTAL}


def test_each_number_is_the_length_of_its_list() -> None:
    school, day = SchoolFactory(), dt.timedelta(days=1)
    learner("Pending", school, tbd_date=TODAY - 30 * day)
    learner("Pending", school, tbd_date=TODAY - 31 * day)
    learner("Pending", school, state_elas="TBD", state_elas_date=TODAY - 200 * day)
    learner("Pending", school)
    for identified in (dt.date(2022, 3, 3), dt.date(2022, 3, 2), dt.date(2020, 3, 3), dt.date(2020, 3, 2), None):
        learner("EL", school, identified_date=identified)
    learner("EL", school, state_elas="EL", state_elas_date=dt.date(2015, 9, 1))
    for exited in (dt.date(2024, 6, 30), dt.date(2024, 7, 1), None):
        learner("Exited EL", school, exit_date=exited)
    learner("Exited EL", school, state_elas="RFEP", state_elas_date=dt.date(2025, 5, 1))
    learner("EO", school)

    counted = numbers()

    assert counted == {
        "tbd": 4, "tbd-over": 2, "el": 6, "years-0": 1, "years-4": 2, "years-6": 2, "years-unknown": 1, "rfep": 4,
        "rfep-2024": 1, "rfep-2025": 2, "rfep-0": 1, "eo": 1,
    }  # fmt: skip
    asking = Asking(None, today=TODAY)
    lists = {what: asking.students(what) for what in counted}
    assert {what: rows.count() for what, rows in lists.items() if rows is not None} == counted
    assert asking.students("nothing") is None


def test_someone_who_has_left_counts_only_among_those_who_were_reclassified() -> None:
    school = SchoolFactory()
    for status, facts in (("EL", {}), ("Exited EL", {"exit_date": dt.date(2024, 5, 1)})):
        student = learner(status, school, **facts)
        student.enrollments.all().delete()
        EnrollmentFactory(student=student, exit_date=TODAY - dt.timedelta(days=1))
    assert numbers() == {"rfep-2024": 1}


@pytest.mark.parametrize("as_tested", [TESTED, ""], ids=["as tested", "scores of before 1.1"])
def test_criterion_1_is_overall_4_or_alternate_3_of_the_year_and_still_el(as_tested: str) -> None:
    school = SchoolFactory()
    meets = [learner("EL", school), learner("EL", school)]
    elpac(meets[0], "ELPACS", "4", as_tested=as_tested)
    elpac(meets[1], "ELPACSA", "3", as_tested=as_tested)
    elpac(learner("EL", school), "ELPACS", "3", as_tested=as_tested)
    elpac(learner("EL", school), "ELPACS", "4", 2024, as_tested=as_tested)
    elpac(learner("Exited EL", school), "ELPACS", "4", as_tested=as_tested)
    recount_all()
    assert numbers(elpac_year=2025)["elpac"] == 2
    found = Asking(None, 2025, TODAY).students("elpac")
    assert found is not None
    assert {record.student_id for record in found} == {student.pk for student in meets}
    assert numbers(elpac_year=2024)["elpac"] == 1


def test_a_leap_day_has_an_anniversary() -> None:
    assert years_before(dt.date(2028, 2, 29), 6) == dt.date(2022, 2, 28)


def test_numbers_and_lists_are_of_the_users_schools(client: Client) -> None:
    oak, elm = SchoolFactory(name="Oak"), SchoolFactory(name="Elm")
    mine, other = learner("EL", oak), learner("EL", elm)
    client.force_login(UserFactory(registrar=True, schools=[oak]))
    for asked in ({}, {"school": elm.pk}):
        page = client.get(reverse("english_learners"), asked)
        assert page.context["found"].value(page.context["found"].whole, "el") == 1
        assert "Elm" not in page.content.decode()
    listed = client.get(reverse("english_learner_students"), {"what": "el"}).content.decode()
    assert mine.local_number in listed
    assert other.local_number not in listed
    assert (
        other.local_number
        not in client.get(reverse("english_learner_students"), {"what": "el", "school": elm.pk}).content.decode()
    )


def test_the_list_behind_a_number_is_printed_as_a_whole_by_those_who_may(client: Client) -> None:
    school = SchoolFactory()
    for _one in range(LEARNERS.per_page + 1):
        learner("EL", school)
    asked = {"what": "el", "print": "1"}
    client.force_login(UserFactory(registrar=True, schools=[school]))

    screen = client.get(reverse("english_learner_students"), {"what": "el"})
    assert len(screen.context["page"]) == LEARNERS.per_page
    assert 'what=el&amp;print=1">For print' in screen.content.decode()
    assert not AuditEntry.objects.filter(kind=AuditEntry.Kind.EXPORT).exists()
    assert len(client.get(reverse("english_learner_students"), asked).context["page"]) == LEARNERS.per_page + 1
    assert AuditEntry.objects.get(kind=AuditEntry.Kind.EXPORT).subject == "list english-learners: print"

    client.force_login(UserFactory(viewer=True, schools=[school]))
    looked = client.get(reverse("english_learner_students"), asked)
    assert len(looked.context["page"]) == LEARNERS.per_page
    assert "For print" not in looked.content.decode()


def test_somebody_without_a_school_gets_an_empty_page(client: Client) -> None:
    client.force_login(UserFactory(registrar=True))
    assert client.get(reverse("english_learners")).status_code == 200


@pytest.mark.long
def test_numbers_on_the_page_lead_to_their_students(client: Client) -> None:
    school = SchoolFactory()
    meets, recent = learner("EL", school), timezone.localdate().year
    elpac(meets, "ELPACS", "4", recent)
    learner("Exited EL", school, exit_date=dt.date(2024, 6, 1))
    recount_all()
    client.force_login(UserFactory(viewer=True, all_schools=True))
    page = client.get(reverse("english_learners")).content.decode()
    addresses = {address.replace("&amp;", "&") for address in re.findall(r'href="([^"]*\?what=[^"]+)"', page)}
    assert len(addresses) == 7
    for address in addresses:
        answer = client.get(address)
        assert answer.context["page"].paginator.count == 1, address
    assert (
        meets.local_number
        in client.get(reverse("english_learner_students"), {"what": "elpac", "elpac": recent}).content.decode()
    )


def make_small(count: dict[str, tuple[int, int]]) -> None:
    """Schools with so many in TBD for long, and so many more in TBD."""
    for name, (over, rest) in count.items():
        school = SchoolFactory(name=name)
        for n in range(over + rest):
            learner("Pending", school, tbd_date=dt.date(2020, 1, 1) if n < over else timezone.localdate())


@pytest.mark.long
def test_files_and_paper_hide_small_numbers_and_those_that_would_tell_them(client: Client) -> None:
    make_small({"Oak": (3, 15), "Elm": (14, 13), "Fir": (12, 12)})
    client.force_login(UserFactory(registrar=True, all_schools=True))
    shown = client.get(reverse("english_learners"))
    assert "Hidden" not in shown.content.decode()
    sent = b"".join(client.get(reverse("english_learners_csv"))).decode("utf-8-sig")  # type: ignore[arg-type]
    lines = [line.split(",") for line in sent.splitlines()]
    over = lines[0].index("In TBD for more than 30 days")
    by_school = {line[1]: line[over] for line in lines[1:]}
    assert by_school["All schools"] == "29"
    assert by_school["Oak"].startswith("hidden")
    assert by_school["Fir"].startswith("hidden"), "29 less 14 less 12 would tell the three"
    book = client.get(reverse("english_learners_xlsx"))
    rows = list(load_workbook(io.BytesIO(b"".join(book))).active.values)  # type: ignore[arg-type, union-attr]
    assert [str(value) for value in rows[1][2:]] == lines[1][2:]
    paper = client.get(reverse("english_learners"), {"print": "1"}).content.decode()
    assert "Each number opens a list" not in paper
    assert "Hidden" in paper
    assert "what=" not in paper, "paper leads nowhere"


def test_what_is_hidden_is_decided_for_all_years_of_the_elpac_at_once() -> None:
    counts = {(1, "el"): 30, (2, "el"): 40, (TOTAL, "el"): 70}
    now = {(1, "elpac"): 15, (2, "elpac"): 20, (TOTAL, "elpac"): 35}
    before = {(1, "elpac"): 4, (2, "elpac"): 20, (TOTAL, "elpac"): 24}
    assert (1, "elpac") not in hidden_in(counts | now, [now])
    assert (1, "elpac") in hidden_in(counts | now, [now, before])


def test_nothing_says_which_file_brings_it(client: Client) -> None:
    client.force_login(UserFactory(viewer=True, all_schools=True))
    assert "ELA import file" in client.get(reverse("english_learners")).content.decode()
    learner("EL", SchoolFactory())
    assert "Import the Summative ELPAC" in client.get(reverse("english_learners")).content.decode()
    assert (
        "Import the Summative ELPAC"
        in client.get(reverse("english_learner_students"), {"what": "elpac"}).content.decode()
    )
    assert client.get(reverse("english_learner_students"), {"what": "x"}).status_code == 404


def test_the_table_by_school_is_a_list_that_sorts_searches_pages_and_exports(client: Client) -> None:
    """Small numbers are hidden in its file for everybody, as in the files of the whole page."""
    schools = [SchoolFactory(name=f"School {n:02}") for n in range(30)]
    for school in schools:
        learner("EL", school)
    for _more in range(14):
        learner("EL", schools[7])
    client.force_login(UserFactory(registrar=True, all_schools=True))
    address = reverse("english_learners")

    first = client.get(address, {"sort": "-el"}).context["page"]
    assert [row.name for row in first][:2] == ["School 07", "School 00"]
    assert (first.paginator.num_pages, first.paginator.count) == (2, 30)
    rows = b"".join(client.post(f"{address}?sort=-el", {"export": "csv"})).decode("utf-8-sig").splitlines()
    assert len(rows) == 31
    assert rows[1].split(",")[1:3] == ["School 07", "15"]
    assert all("hidden" in row for row in rows[2:])
    client.post(address, {"text": "school 1"})
    assert [row.name for row in client.get(address).context["page"]] == [f"School {n}" for n in range(10, 20)]
    client.post(address, {"clear": "1"})
    assert len(client.get(address, {"print": "1"}).context["page"]) == 30


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """50,000 students at rest, every fifth an English learner with scores of three years and twenty tests."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        populate(50_000, schools=40)
        setups = [Assessment.objects.create(state_code=code, name=code).pk for code in ("ELPACS", "ELPACSA")]
        setups += [Assessment.objects.create(state_code=f"T{n}", name=f"T{n}").pk for n in range(18)]
        cursor.execute(
            """
            INSERT INTO assessments_score (student_id, assessment_id, school_year, scale_score, raw_score, result, grade, status,
              error_band, measure, uin, as_tested)
            SELECT student_id, a, y, '', '', (1 + (student_id / 5 + y) %% 4)::text, '', '', '', '', '', %s
            FROM students_elrecord, unnest(%s) AS a, generate_series(2024, 2026) y WHERE a <> %s ORDER BY student_id, a, y
            """,
            [TESTED, setups, setups[1]],
        )
        recount_all()
        settle()
        cursor.execute("VACUUM ANALYZE assessments_score")
        yield
        cursor.execute("TRUNCATE assessments_score, assessments_resultcount")
        Assessment.objects.all().delete()
        depopulate()


@pytest.mark.long
def test_the_page_reads_the_scores_of_one_year_by_an_index_however_many_there_are(many: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        counted = counts_of(Asking(None, 2026))
    assert counted[TOTAL, "elpac"] > 1_000
    assert len(queries) <= 5
    plans = []
    for query in list(queries.captured_queries):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + query["sql"].replace("%", "%%"), [])
            plans.append(cursor.fetchone()[0][0]["Plan"])
    read = [node for plan in plans for node in nodes(plan)]
    scores = [node for node in read if node.get("Relation Name", "").startswith("assessments_score")]
    assert scores
    assert all(node["Node Type"] != "Seq Scan" for node in scores)
    seen = sum((n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"] for n in scores)
    assert seen <= 10_000 * 1.1, "the scores of one test and year, of 570,000"
    assert max(node["Actual Loops"] for node in read if node.get("Relation Name") == "students_student") <= 10_000


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@pytest.mark.parametrize("what", ["el", "elpac", "years-unknown"])
@pytest.mark.long
def test_a_page_of_a_list_does_not_read_all_students(many: None, what: str) -> None:
    found = Asking(None, 2026).students(what)
    assert found is not None
    page = found.select_related("student", "student__school").order_by("student__last_key", "student__first_key", "pk")
    with CaptureQueriesContext(connection) as queries:
        assert len(page[:25]) == 25
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + queries[-1]["sql"].replace("%", "%%"), [])
        plan = cursor.fetchone()[0][0]["Plan"]
    read = [node for node in nodes(plan) if "Relation Name" in node]
    assert max(node["Actual Rows"] * node["Actual Loops"] for node in read) <= 10_000
    assert ELRecord.objects.count() == 10_000
