"""The admin: staff edit students and SSIDs with a reason; every edit is on the time line."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment, ListedScore, Score
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun
from sisimport.web.queries.students import Timeline
from students.models import SSID, ELRecord, Enrollment, ProgramStatus, RecordEdit, SSIDReplacement, Student
from students.paging import LISTED
from tests.browser.district import make_district
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Any:
    user = UserFactory(ssid_staff=True, schools=[SchoolFactory()])
    client.force_login(user)
    return user


@pytest.fixture
def student(staff: Any) -> Student:
    return StudentFactory(school=staff.access.schools.get())


def page_of(student: Student) -> str:
    return reverse("admin:students_student_change", args=[student.pk])


def form_of(client: Client, student: Student, **values: Any) -> dict[str, Any]:
    """What the browser would send after changing some fields."""
    context = client.get(page_of(student)).context
    data: dict[str, Any] = {}
    for bound in context["adminform"].form:
        value = bound.value()
        data[bound.html_name] = "" if value is None else value
    for inline in context["inline_admin_formsets"]:
        for form in [inline.formset.management_form, *inline.formset.forms]:
            for bound in form:
                value = bound.value()
                data[bound.html_name] = "" if value is None else value
    return data | values


def save(client: Client, student: Student, **values: Any) -> Any:
    return client.post(page_of(student), form_of(client, student, **values))


def test_an_ssid_typed_with_a_reason_is_given_and_noted(client: Client, student: Student, staff: Any) -> None:
    save(client, student, ssid="9012345678", reason="Letter of the state")

    assert SSID.objects.get(student=student).ssid == "9012345678"
    edit = RecordEdit.objects.get(student=student, field="ssid")
    assert (edit.before, edit.after, edit.reason, edit.user) == (None, "9012345678", "Letter of the state", staff)


def test_a_change_without_reason_is_asked_for_one(client: Client, student: Student) -> None:
    answer = save(client, student, ssid="9012345678")

    assert "Say why this is changed." in answer.content.decode()
    assert not SSID.objects.exists()


@pytest.mark.parametrize("number", ["901234567", "90123456789", "90123x5678"], ids=["short", "long", "letters"])
def test_id1_a_number_that_is_not_an_ssid_is_refused(client: Client, student: Student, number: str) -> None:
    answer = save(client, student, ssid=number, reason="typed")

    assert answer.status_code == 200
    assert not SSID.objects.exists()


def test_id4_the_local_number_is_not_an_ssid(client: Client, student: Student) -> None:
    answer = save(client, student, ssid=student.local_number, reason="typed")

    assert "own local number" in answer.content.decode()


def test_id5_an_ssid_of_another_student_is_refused(client: Client, student: Student) -> None:
    taken = SSIDFactory(student=StudentFactory(school=student.school))

    answer = save(client, student, ssid=taken.ssid, reason="typed")

    assert "belongs to another student" in answer.content.decode()


def test_the_old_number_is_kept_as_a_former_one(client: Client, student: Student) -> None:
    SSIDFactory(student=student, ssid="9012345600")

    save(client, student, ssid="9012345678", reason="Merged by the state", old_number="keep")

    assert SSID.objects.get(student=student, retired_at__isnull=False).ssid == "9012345600"
    assert SSID.objects.get(student=student, retired_at__isnull=True).ssid == "9012345678"


def test_an_old_number_that_was_a_mistake_is_taken_away_but_stays_on_the_time_line(
    client: Client, student: Student
) -> None:
    SSIDFactory(student=student, ssid="9012345600")

    save(client, student, ssid="9012345678", reason="Two digits swapped", old_number="mistake")

    assert [s.ssid for s in SSID.objects.filter(student=student)] == ["9012345678"]
    assert RecordEdit.objects.get(student=student, field="ssid").before == "9012345600"


def test_a_typing_error_is_what_is_marked_when_a_number_is_corrected(client: Client, student: Student) -> None:
    SSIDFactory(student=student, ssid="9012345600")
    page = client.get(reverse("admin:students_student_change", args=[student.pk]))

    assert page.context["adminform"].form["old_number"].value() == "mistake"
    assert "was a typing error" in page.content.decode()


@pytest.mark.parametrize("old_number", ["keep", "mistake"])
def test_a_correction_is_one_entry_of_the_time_line(client: Client, student: Student, old_number: str) -> None:
    """However many fields were saved together, and whatever became of the number before."""
    SSIDFactory(student=student, ssid="9012345600")

    save(
        client,
        student,
        ssid="9012345678",
        last_name="Díaz",
        grade="07",
        reason="Birth certificate",
        old_number=old_number,
    )

    [event] = Timeline(student, openable=ImportRun.objects.none())
    assert [(field.label, field.before, field.after) for _what, [field] in event.changes if field.label == "SSID"] == [
        ("SSID", "90•• ••• 600", "90•• ••• 678")
    ]
    assert len(event.changes) > 1
    assert event.reason == "Birth certificate"


def test_titles_name_the_person_and_no_internal_number(client: Client, student: Student) -> None:
    """On the student's page and in the admin, of the student and of the parts shown there."""
    ELRecord.objects.create(student=student, program_status=ProgramStatus.EL)
    Enrollment.objects.create(student=student, school=student.school, grade="05")
    for address in (
        reverse("student", args=[student.pk]),
        reverse("admin:students_student_change", args=[student.pk]),
    ):
        page = client.get(address).content.decode()
        title = page.partition("<title>")[2].partition("</title>")[0]
        assert student.full_name in unescape(title)
        assert f"of student {student.pk}" not in page
        assert not re.search(r"Enrollment \d", page)


def test_a_cleared_number_is_retired(client: Client, student: Student) -> None:
    SSIDFactory(student=student, ssid="9012345600")

    save(client, student, ssid="", reason="Withdrawn by the state")

    assert SSID.objects.get(student=student).retired_at is not None


def test_a_changed_name_is_noted_with_its_old_value(client: Client, student: Student) -> None:
    save(client, student, last_name="Díaz", reason="Birth certificate")

    student.refresh_from_db()
    edit = RecordEdit.objects.get(student=student, field="last_name")
    assert (student.last_name, edit.before, edit.after) == ("Díaz", "Diaz", "Díaz")


def test_section_10_gender_x_and_a_legal_gender_are_saved_together(client: Client, student: Student) -> None:
    save(client, student, gender="X", legal_gender="M", reason="Request of the family")

    student.refresh_from_db()
    noted = RecordEdit.objects.filter(student=student).values_list("field", "after")
    assert (student.gender, student.legal_gender) == ("X", "M")
    assert {("gender", "X"), ("legal_gender", "M")} <= set(noted)


def test_codes_are_chosen_by_words_and_what_is_on_record_stays(client: Client, student: Student) -> None:
    """Also a code that is in no set: saving something else does not change it."""
    Student.objects.filter(pk=student.pk).update(home_language="zz9", birth_country="MX")
    page = client.get(page_of(student)).content.decode()

    for chosen in (
        "Panjabi (pan)",
        "Mexico (MX)",
        "Grade 5 (05)",
        "To another California school (T160)",
        "White (700)",
    ):
        assert chosen in page
    assert '<option value="zz9" selected>zz9, as on record</option>' in page
    assert "White (W)" not in page  # a code of Utah

    save(client, student, ethnicity="700", grade="07", reason="Registration")
    student.refresh_from_db()
    assert (student.ethnicity, student.grade, student.home_language) == ("700", "07", "zz9")
    assert not RecordEdit.objects.filter(field="home_language").exists()
    answer = save(client, student, birth_country="Atlantis", reason="x")
    assert "Choose from the list" in answer.content.decode()


def test_an_el_record_is_edited_through_the_same_page(client: Client, student: Student) -> None:
    ELRecord.objects.create(student=student, program_status="EL")

    save(client, student, **{"el-0-program_status": "Exited EL", "reason": "Reclassified"})

    assert ELRecord.objects.get(student=student).program_status == "Exited EL"
    assert RecordEdit.objects.get(student=student, what="EL record").reason == "Reclassified"


def test_a_change_in_an_inline_asks_for_the_reason_too(client: Client, student: Student) -> None:
    ELRecord.objects.create(student=student, program_status="EL")

    save(client, student, **{"el-0-program_status": "Exited EL"})

    assert ELRecord.objects.get(student=student).program_status == "EL"


def test_saving_without_a_change_notes_nothing(client: Client, student: Student) -> None:
    save(client, student)

    assert not RecordEdit.objects.exists()


def test_the_students_school_follows_the_open_enrollment(client: Client, student: Student, staff: Any) -> None:
    other = SchoolFactory()
    staff.access.schools.add(other)

    save(client, student, **{"enrollments-0-school": other.pk, "reason": "Moved"})

    student.refresh_from_db()
    assert student.school == other


def new_student(client: Client, **values: Any) -> Any:
    address = reverse("admin:students_student_add")
    context = client.get(address).context
    data = {b.html_name: "" if b.value() is None else b.value() for b in context["adminform"].form}
    for inline in context["inline_admin_formsets"]:
        data |= {b.html_name: b.value() for b in inline.formset.management_form}
    return client.post(address, data | values)


def test_a_student_is_added_with_ssid_and_enrollment(client: Client, staff: Any) -> None:
    school = staff.access.schools.get()
    names = {"last_name": "Quill", "first_name": "Ann", "birth_date": "2012-03-04", "reason": "Came today"}

    new_student(client, lea=school.lea.pk, school=school.pk, local_number="555", grade="07", ssid="9012345678", **names)

    added = Student.objects.get(local_number="555")
    assert SSID.objects.get(student=added).ssid == "9012345678"
    assert added.enrollments.get().school == school


def test_a_student_without_district_is_not_added(client: Client, staff: Any) -> None:
    answer = new_student(client, last_name="Quill", ssid="9012345678", reason="Came today")

    assert answer.status_code == 200
    assert not Student.objects.exists()


def test_students_of_other_schools_are_not_in_the_admin(client: Client, staff: Any) -> None:
    stranger = StudentFactory()

    assert client.get(page_of(stranger)).status_code == 302
    assert stranger.local_number not in client.get(reverse("admin:students_student_changelist")).content.decode()


def test_opening_a_student_in_the_admin_is_logged(client: Client, student: Student, staff: Any) -> None:
    client.get(page_of(student))

    entry = AuditEntry.looks.get(place="admin:students_student_change")
    assert (entry.kind, entry.students, entry.user) == ("ssid", [student.pk], staff)


@pytest.mark.parametrize(
    "name",
    [
        "students_student",
        "students_ssid",
        "students_ssidreplacement",
        "students_school",
        "students_lea",
        "students_staffaccess",
        "students_recordedit",
        "imports_importrun",
        "imports_importfile",
        "imports_rememberedmatch",
        "auth_user",
        "auth_group",
    ],
)
def test_every_list_of_the_admin_opens_with_a_bounded_number_of_queries(
    client: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    for _n in range(5):
        StudentFactory(with_ssid=True)

    with django_assert_max_num_queries(20):
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200


LONG_LISTS = [ListedScore, RecordEdit, SSID, SSIDReplacement, Student]


def make_rows(count: int) -> None:
    """So many rows in each of the long lists."""
    school = SchoolFactory()
    user = UserFactory()
    test = Assessment.objects.create(state_code="SBELA", name="ELA")
    for at in range(count):
        student = StudentFactory(with_ssid=True, school=school)
        edit = {"what": "student", "field": "grade", "before": "1", "after": "2"}
        RecordEdit.objects.create(student=student, user=user, **edit)
        SSIDReplacement.objects.create(retired_ssid=f"{9012345600 + at}", replacement_ssid=f"{9012345700 + at}")
        Score.objects.create(student=student, assessment=test, school_year=2024)


def list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.combinations
@pytest.mark.parametrize("query", [{}, {"q": "1"}, {"_facets": "True"}], ids=["all", "search", "facets"])
@pytest.mark.parametrize("model", LONG_LISTS)
def test_a_long_list_of_the_admin_never_counts_all_its_rows(
    client: Client, model: Any, query: dict[str, str], django_assert_max_num_queries: Any
) -> None:
    make_rows(3)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    with django_assert_max_num_queries(20) as asked:
        assert client.get(list_of(model), query).status_code == 200

    statements = [query["sql"] for query in asked.captured_queries]
    counts = [sql for sql in statements if "COUNT(" in sql and f'"{model._meta.db_table}"' in sql]
    assert [f"LIMIT {LISTED + 1}" in sql for sql in counts] == [True]


@pytest.mark.parametrize("model", LONG_LISTS)
def test_a_long_list_of_the_admin_says_that_it_ends_before_the_last_row(
    client: Client, monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    make_rows(3)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    whole = client.get(list_of(model))
    monkeypatch.setattr("students.paging.LISTED", 2)
    cut = client.get(list_of(model))

    pages = [
        (page.context["cl"].result_count, "There are more: search or filter" in page.content.decode())
        for page in (whole, cut)
    ]
    assert pages == [(3, False), (2, True)]


@pytest.mark.parametrize(("listed", "said"), [(10_000, True), (1, False)], ids=["counted", "more than counted"])
def test_a_long_list_tells_how_many_were_found_where_it_counted_them(
    client: Client, monkeypatch: pytest.MonkeyPatch, listed: int, said: bool
) -> None:
    make_rows(3)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    monkeypatch.setattr("students.paging.LISTED", listed)

    everything = re.search(r"\d results?\b", client.get(list_of(Student)).content.decode())
    filtered = client.get(list_of(Student), {"ssid": "yes"}).content.decode()

    assert (everything, "3 results" in filtered) == (None, said)


def test_no_link_of_the_admin_leads_staff_to_a_closed_page(client: Client) -> None:
    """Each page of each model is opened, and each link on it followed."""
    pages = make_district()
    user = UserFactory(ssid_staff=True, all_schools=True)
    RecordEdit.objects.create(
        student=pages.student, what="student", field="last_name", before="a", after="b", user=user
    )
    client.force_login(user)
    links: dict[str, str] = {}
    for model in admin.site._registry:
        known = model._default_manager.order_by("pk").last()
        if known is not None:
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[known.pk])
            page = client.get(address)
            if page.status_code == 200:
                links |= dict.fromkeys(re.findall(r'href="(/admin/[^"?]+/change/)"', page.content.decode()), address)

    closed = {link: address for link, address in links.items() if client.get(link).status_code != 200}

    assert len(links) >= 3
    assert closed == {}


def test_markup_in_a_name_stays_text_in_the_admin(client: Client) -> None:
    """The admin's policy lets Alpine evaluate attributes: none may come out of a record."""
    student = StudentFactory(last_name='"><p x-init="alert(1)">', first_name="<script>alert(1)</script>")
    client.force_login(UserFactory(is_superuser=True, is_staff=True))

    for page in ("changelist", "change", "history"):
        args = [] if page == "changelist" else [student.pk]
        text = client.get(reverse(f"admin:students_student_{page}", args=args), follow=True).content.decode()
        assert "<p x-init" not in text, page
        assert "<script>alert" not in text, page
        assert page == "history" or "&lt;p x-init" in text, page


def test_the_parts_of_the_admin_have_the_words_of_the_pages(client: Client) -> None:
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    page = client.get(reverse("admin:index")).content.decode()
    assert "People" in page
    assert "Second factors" in page
    for jargon in ("Authentication and Authorization", "MFA<"):
        assert jargon not in page
