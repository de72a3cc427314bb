"""Two districts in one installation: someone who works for one sees nothing of the other, and changes nothing that both share."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment
from sisimport.accounts.access import IMPORT_ADMIN, visible_runs
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from ssid.models import UtahDueDate
from students.access import sees_schools_of, visible_lea_ids, whole_leas
from students.models import LEA, DistrictSettings, School, StaffAccess
from tests.factories import SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db

SHARED = ("collection_policy", "shown_results", "added_layouts")
OURS, THEIRS = "Ourtown", "Theirville"


@dataclass
class Apart:
    ours: School
    theirs: School
    admin: User  # import admin of all schools of ours
    county: User  # of all schools there are
    client: Client


def person(**values: Any) -> Any:
    return UserFactory(**values)


def school_of(**values: Any) -> Any:
    return SchoolFactory(**values)


@pytest.fixture
def apart() -> Apart:
    ours = school_of(lea=LEA.objects.create(code="1000001", name=OURS), code="0000001", name=f"{OURS} High")
    theirs = school_of(lea=LEA.objects.create(code="1000002", name=THEIRS), code="0000002", name=f"{THEIRS} High")
    admin = person(username="ann", group=IMPORT_ADMIN, schools=[ours])
    county = person(username="cora", group=IMPORT_ADMIN, all_schools=True)
    for one in (admin, county):
        one.is_staff = True
        one.save()
    client = Client()
    client.force_login(admin)
    return Apart(ours, theirs, admin, county, client)


def made(starter: Any = None, **values: Any) -> ImportRun:
    file = ImportFile.objects.create(name="a.txt", sha256="0" * 64, size=5, file="imports/none")
    given = {"import_type": "ssid-download", "work": Work.TEST, "status": RunStatus.COMPLETED, "file": file}
    return ImportRun.objects.create(created_by=starter, **(given | values))


# ---- runs ----


def test_an_import_admin_of_one_district_meets_no_run_of_another(apart: Apart) -> None:
    registrar = person(username="rob", registrar=True, schools=[apart.theirs])
    theirs = [
        made(registrar, schools=[apart.theirs.pk]),
        made(apart.county, lea_ids=[apart.theirs.lea.pk]),
        made(apart.county, status=RunStatus.QUEUED),  # nobody knows yet whose it is
        made(apart.county, status=RunStatus.REJECTED),
    ]
    test = made(apart.county, lea_ids=[apart.ours.lea.pk])
    ours = [
        test,
        made(apart.county, work=Work.UPDATE, test_run=test, status=RunStatus.QUEUED),
        made(schools=[apart.ours.pk]),
        made(apart.county, lea_ids=[apart.ours.lea.pk, apart.theirs.lea.pk]),  # without the others' lines, as always
    ]

    assert set(visible_runs(apart.admin)) == set(ours)
    assert set(visible_runs(apart.county)) == {*ours, *theirs}
    for run in theirs:
        assert apart.client.get(reverse("run", args=[run.pk])).status_code == 404
        assert apart.client.post(reverse("cancel_run", args=[run.pk])).status_code == 404
    listed = apart.client.get(reverse("runs")).content.decode()
    shown = apart.client.get(reverse("admin:imports_importrun_changelist")).content.decode()
    for run in theirs:
        assert reverse("run", args=[run.pk]) not in listed
        assert f"Run {run.pk}<" not in shown


def test_in_an_installation_of_one_district_reviewers_continue_to_see_runs_of_everybody() -> None:
    school = school_of()
    other = school_of(lea=school.lea)
    admin = person(group=IMPORT_ADMIN, schools=[school])
    run = made(person(username="zed"), schools=[other.pk])

    assert visible_lea_ids(admin) is None
    assert list(visible_runs(admin)) == [run]


def test_whoever_has_no_school_works_for_no_district(apart: Apart) -> None:
    nobody = person(username="nemo", group=IMPORT_ADMIN)

    assert visible_lea_ids(nobody) == frozenset()
    made(apart.county, lea_ids=[apart.ours.lea.pk])
    assert not visible_runs(nobody).exists()


# ---- what is of a district ----


def test_the_admin_shows_districts_settings_and_people_of_ones_own_only(apart: Apart) -> None:
    for school in (apart.ours, apart.theirs):
        DistrictSettings.objects.create(lea=school.lea)
        UtahDueDate.objects.create(lea=school.lea, name=f"Due in {school.lea.name}", month=5, day=1)
    theirs = person(username="tess-of-theirs", registrar=True, schools=[apart.theirs])
    their_access = StaffAccess.objects.get(user=theirs)
    pages = {
        "students_lea": apart.theirs.lea.pk,
        "students_districtsettings": apart.theirs.lea.pk,
        "students_school": apart.theirs.pk,
        "ssid_utahduedate": UtahDueDate.objects.get(lea=apart.theirs.lea).pk,
        "students_staffaccess": their_access.pk,
    }
    for name, pk in pages.items():
        listed = apart.client.get(reverse(f"admin:{name}_changelist"))
        assert listed.status_code == 200, name
        text = listed.content.decode()
        assert THEIRS not in text, name
        assert "tess-of-theirs" not in text, name
        one = apart.client.get(reverse(f"admin:{name}_change", args=[pk]))
        assert one.status_code == 302, f"{name}: the admin sends away from what is not there"


def test_nothing_is_given_to_a_district_that_is_not_ones_own(apart: Apart) -> None:
    values = {"name": "Due", "lea": str(apart.theirs.lea.pk), "month": "5", "day": "1", "shown": "on", "lead_days": "7"}
    answer = apart.client.post(reverse("admin:ssid_utahduedate_add"), values)
    assert answer.status_code == 200
    assert not UtahDueDate.objects.exists()
    school = {"lea": str(apart.theirs.lea.pk), "code": "0000009", "name": "Ours"}
    assert apart.client.post(reverse("admin:students_school_add"), school).status_code == 200
    assert not School.objects.filter(code="0000009").exists()
    assert apart.client.get(reverse("admin:students_lea_add")).status_code == 403


def test_an_admin_of_all_schools_of_a_district_chooses_its_import_defaults_and_no_others(apart: Apart) -> None:
    page = reverse("import_defaults")

    assert THEIRS not in apart.client.get(page).content.decode()
    assert apart.client.get(f"{page}?lea={apart.theirs.lea.pk}").status_code == 404
    assert (
        apart.client.post(
            f"{page}?lea={apart.ours.lea.pk}", {"option-rfep_date": "exit", "report_words": "own"}
        ).status_code
        == 302
    )
    assert list(DistrictSettings.objects.values_list("lea", flat=True)) == [apart.ours.lea.pk]

    school_of(lea=apart.ours.lea)  # one that the admin does not see
    assert apart.client.get(page).status_code == 404
    assert not whole_leas(User.objects.get(pk=apart.admin.pk)).exists()


# ---- what all districts share ----


def test_what_all_districts_share_is_changed_by_those_who_work_for_all(apart: Apart) -> None:
    county = Client()
    county.force_login(apart.county)
    for name in SHARED:
        assert apart.client.get(reverse(name)).status_code == 404, name
        assert county.get(reverse(name)).status_code == 200, name
    home = apart.client.get(reverse("home")).content.decode()
    for name in ("shown_results", "added_layouts"):
        assert reverse(name) not in home
        assert reverse(name) in county.get(reverse("home")).content.decode()
    assert reverse("collection_policy") not in apart.client.get(reverse("collection")).content.decode()


def test_set_ups_of_scores_which_all_districts_share_are_only_shown(apart: Apart) -> None:
    row = Assessment.objects.create(name="ELA", state_code="01", score_type="n")
    address = reverse("admin:assessments_assessment_change", args=[row.pk])
    county = Client()
    county.force_login(apart.county)

    assert 'name="_save"' not in apart.client.get(address).content.decode()
    assert 'name="_save"' in county.get(address).content.decode()
    assert apart.client.get(reverse("admin:assessments_assessment_add")).status_code == 403


def test_someone_who_looks_after_settings_of_one_district_is_mailed_about_no_place_of_another(apart: Apart) -> None:
    ours, theirs, all_there_are = (
        person(username=name, registrar=True, **seen)
        for name, seen in (
            ("of-ours", {"schools": [apart.ours]}),
            ("of-theirs", {"schools": [apart.theirs]}),
            ("of-all", {"all_schools": True}),
        )
    )

    assert [sees_schools_of(apart.admin, one) for one in (ours, theirs, all_there_are)] == [True, False, False]
    assert all(sees_schools_of(apart.county, one) for one in (ours, theirs, all_there_are))


def test_with_one_district_its_import_admins_change_what_is_shared() -> None:
    admin = person(group=IMPORT_ADMIN, schools=[school_of()])
    client = Client()
    client.force_login(admin)

    assert [client.get(reverse(name)).status_code for name in SHARED] == [200, 200, 200]
