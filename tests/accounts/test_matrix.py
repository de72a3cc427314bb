"""Every address and operation, asked as everybody, answers as the table of who may open what says (accounts/matrix.py)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts.access import GROUPS
from sisimport.accounts.matrix import ADDRESSES, ADMIN, EVERYBODY, OPERATIONS, ROLES, SIGNED_IN, Address, Operation
from sisimport.accounts.scopes import SCOPES
from sisimport.api.openapi import document
from sisimport.imports.models import ImportRun
from sisimport.web.queries.diagnosis import BULK
from students.models import FamilyMember, RecordEdit, School
from tests import results
from tests.api.client import Program
from tests.browser import district as its_district
from tests.browser.district import (
    District,
    _held,
    _kept_mail,
    _place,
    _webhook,
)
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.longer import first_of
from tests.made_once import for_this_test
from tests.web.test_access import all_patterns
from tests.web.test_guessed_ids import somebody_elses

pytestmark = pytest.mark.django_db
district_once = its_district.district_once  # a fixture

NO_RECORD = 999_999_999
ELSEWHERE = "7654321"  # code of another school
# Forms of an address that opens for what is in them only.
SENT: dict[str, dict[str, str]] = {
    "export": {"what": "issues-csv"},
    "correct_many": {"pattern": next(iter(BULK))},
    "recognise": {"import_type": "ssid-download", "name": "a.txt", "size": "9"},
}
OTHER = {"ending": "toml", "part": "issues", "line": 2, "key": "x", "uidb36": "x"}
# Addresses of no school's record: what is put for their arguments.
WORDS: dict[str, list[Any]] = {
    "file_layout": ["ela", "calpads-sela"],
    "layout_sample": ["ela", "calpads-sela"],
    "help_code": ["DEMO-MISMATCH"],
    "help_rule": ["D-9"],
    "help_type": ["ssid-download"],
    "help_screen": ["calpads-ssid"],
    "upload": ["calpads-ssid"],
    "recognise": ["calpads-ssid"],
    "practice_sample": ["students-roster.csv"],
    "shown_results_preview": ["caaspp", 2024],
    "account_confirm_email": ["x"],
    "mfa_edit_webauthn": [1],
    "mfa_remove_webauthn": [1],
    "account_reset_password_from_key": ["x", "y"],
}
# Answered with 404 to those who get through too: there is none of it here.
NOT_THERE = {
    "practice", "practice_sample", "practice_reset", "practice_empty", "added_layout", "added_layout_remove", "api_not_found",
    "revoke_api_token", "person", "record_next", "results_csv", "results_xlsx", "english_learners_csv", "english_learners_xlsx",
    "column_mapping", "mapping_file", "rename_mapping", "remove_mapping", "metrics", "sso_again", "map_columns",
    "mfa_edit_webauthn", "mfa_remove_webauthn", "mfa_reauthenticate_webauthn", "choose_words",
    "recognise", "match_forget", "webhook", "change_webhook", "delivery", "change_delivery",
    "sso_callback", "saml_finish_acs", "saml_metadata",
    "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_download_recovery_codes", "correct_many",
}  # fmt: skip


def addresses() -> Iterator[str]:
    for _path, pattern, namespaces in all_patterns():
        if not namespaces and pattern.name:
            yield str(pattern.name)


def test_every_address_is_in_the_table_once() -> None:
    listed = [one.name for one in ADDRESSES]
    assert len(listed) == len(set(listed))
    assert set(addresses()) - set(listed) == set(), "add it to ADDRESSES in sisimport/accounts/matrix.py"
    assert set(listed) - set(addresses()) == set(), "no such address any more"


def test_every_operation_of_the_api_is_in_the_table_with_its_scopes() -> None:
    offered = {
        told["operationId"]: set(told["x-scopes"]) for path in document()["paths"].values() for told in path.values()
    }
    assert {one.name: set(one.scopes) for one in OPERATIONS} == offered


def test_the_table_names_every_role() -> None:
    assert set(GROUPS) | {"family", "no role"} == set(ROLES.values())


# ---- pages, forms and downloads ----


@pytest.fixture(autouse=True)
def district(district_once: tuple[District, Path], db: None) -> District:
    made = for_this_test(district_once)
    edit = {"what": "Student", "field": "grade", "before": "04", "after": "05", "reason": "Moved up"}
    RecordEdit.objects.create(student=made.known, user=made.staff, **edit)
    return made


def person(role: str, district: District, *, here: bool = True) -> Any:
    """Somebody of a role who sees the schools of the district, as an import admin all there are; or another school only."""
    other = School.objects.filter(code=ELSEWHERE).first() or SchoolFactory(code=ELSEWHERE)
    schools = list(School.objects.exclude(code=ELSEWHERE)) if here else [other]
    user = UserFactory(
        is_staff=role in "SA", schools=schools if role in "VRSA" else None, all_schools=role == "A" and here
    )
    if role in "VRSA":
        user.groups.add(Group.objects.get(name=ROLES[role]))
    if role == "F":
        students = (district.student, district.new_student, district.known) if here else (StudentFactory(),)
        for student in students:
            FamilyMember.objects.create(user=user, student=student)
    return user


def made_numbers(district: District) -> dict[str, int]:
    """Records of the installation that some addresses name."""
    hook, place = _webhook(district), _place()
    return {
        "decide_held": _held(district),
        "webhook": hook,
        "change_webhook": hook,
        "pick_up_place": place,
        "change_pick_up_place": place,
        "kept_mail": _kept_mail(),
    }


class Asking:
    """Asks each address as one person; everything that is done is taken back."""

    def __init__(self, district: District) -> None:
        self.district, self.numbers = district, made_numbers(district)
        self.edits = list(RecordEdit.objects.values_list("pk", flat=True))

    def address(self, row: Address) -> str:
        pattern = next(p for _path, p, namespaces in all_patterns() if p.name == row.name and not namespaces)
        if row.name == "api_not_found":
            return "/api/nothing/"
        if row.name in WORDS:
            return reverse(row.name, args=WORDS[row.name])
        number = self.numbers.get(row.name) or (somebody_elses(self.district, row.name) if row.record else NO_RECORD)
        return reverse(row.name, kwargs={key: OTHER.get(key, number) for key in pattern.pattern.converters})

    def outcome(self, client: Client, row: Address) -> str:
        """in, refused (403), not there (404), sign in."""
        data = SENT.get(row.name, {}) | ({"edit": self.edits} if row.name == "undo_student_edit" else {})
        with transaction.atomic():
            answer = client.post(self.address(row), data) if row.sends else client.get(self.address(row))
            self.runs = list(ImportRun.objects.order_by("pk").values_list("pk", "status"))
            transaction.set_rollback(True)
        if answer.status_code == 302 and answer["Location"].startswith(reverse("account_login")):
            return "sign in"
        if answer.status_code == 302 and answer["Location"] == reverse("mfa_index"):
            return "second factor"
        return {403: "refused", 404: "not there", 401: "sign in"}.get(answer.status_code, "in")


def expected(row: Address, role: str, *, here: bool) -> set[str]:
    if row.who == EVERYBODY:
        return {"in", "sign in"} | ({"not there"} if row.name in NOT_THERE else set())
    if role == "P":
        return {"sign in"}
    if role not in row.who:
        return {"refused"}
    if not here and row.run and role == "A":
        return {"in", "not there"}  # which lines are there asks tests/faults/test_foreign_lines.py
    if not here and (row.record or row.all_schools):
        return {"not there"} if row.record else {"refused", "not there"}
    return {"in", "not there"} if row.name in NOT_THERE else {"in"}


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def everybody(district: District) -> Iterator[tuple[str, str, bool, Client]]:
    """Name, role, whether of this school, and a client."""
    yield "not signed in", "P", True, Client()
    disabled = person("A", district)
    client = signed_in(disabled)
    type(disabled).objects.filter(pk=disabled.pk).update(is_active=False)
    yield "disabled", "P", True, client
    for letter, name in ROLES.items():
        yield name, letter, True, signed_in(person(letter, district))
        if letter != "N":
            yield f"{name} of another school", letter, False, signed_in(person(letter, district, here=False))


STRONGEST_FIRST = "ASRVFN"


def is_telling(row: Address, role: str, *, here: bool) -> bool:
    """Whether a person tells most of an address: not signed in, the weakest who may open it, the strongest who may not, and of
    another school the strongest who may but sees some schools only."""
    may = [letter for letter in STRONGEST_FIRST if row.who != EVERYBODY and letter in row.who]
    if not here:
        return role == next((letter for letter in may if letter != "A"), "A")
    may_not = [letter for letter in STRONGEST_FIRST if letter not in may and row.who != EVERYBODY]
    return role in ["P", *may[-1:], *may_not[:1], *("N" if row.who == EVERYBODY else "")]


# Everybody at every address in `script/test faults`, where the figure of the scoreboard comes from.
@pytest.mark.parametrize("everywhere", first_of([False, True]), ids=["those who tell most", "everybody"])
@pytest.mark.long
def test_every_address_answers_everybody_as_the_table_says(everywhere: bool, district: District) -> None:
    asking, wrong, cases = Asking(district), [], 0
    for name, role, here, client in everybody(district):
        user_id = client.session.get("_auth_user_id")
        with transaction.atomic():
            # Runs are one's own: what each person may do with those of others is asked in tests of runs.
            of_others = [asking.numbers["decide_held"]]
            ImportRun.objects.update(schools=[district.school.pk])
            if here:
                ImportRun.objects.exclude(pk__in=of_others).update(created_by=user_id)
            before = list(ImportRun.objects.order_by("pk").values_list("pk", "status"))
            for row in ADDRESSES:
                if not here and not (row.record or row.all_schools):
                    continue  # as from their own school
                if not everywhere and (name == "disabled" or not is_telling(row, role, here=here)):
                    continue
                cases += 1
                got = asking.outcome(client, row)
                if got not in expected(row, role, here=here):
                    wrong.append(
                        f"{name}, {row.name}: {got}, not {' or '.join(sorted(expected(row, role, here=here)))}"
                    )
                if not here and asking.runs != before:
                    wrong.append(f"{name}, {row.name}: did something with a run of another school")
            transaction.set_rollback(True)

    if everywhere:
        results.write("access-addresses", {"cases": cases, "right": cases - len(wrong), "open": wrong})
    assert wrong == []


def test_somebody_disabled_is_asked_to_sign_in(district: District) -> None:
    """The session counts for nothing; `script/test faults` asks so at every address."""
    disabled = person("A", district)
    client = signed_in(disabled)
    assert client.get(reverse("runs")).status_code == 200
    type(disabled).objects.filter(pk=disabled.pk).update(is_active=False)

    for name in ("runs", "people", "access_record"):
        assert client.get(reverse(name))["Location"].startswith(reverse("account_login"))


def test_of_each_address_somebody_who_may_and_somebody_who_may_not_are_asked() -> None:
    for row in ADDRESSES:
        asked = {letter for letter in ROLES if is_telling(row, letter, here=True)}
        assert row.who == EVERYBODY or asked & set(row.who)
        assert row.who in (EVERYBODY, SIGNED_IN) or asked - set(row.who), row.name


def test_without_the_second_factor_that_is_required_nothing_opens_but_setting_it_up(
    district: District, settings: Any
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    asking, client, open_to_them = Asking(district), signed_in(person("A", district)), []
    for row in ADDRESSES:
        if row.who == EVERYBODY or row.name in NOT_THERE or row.name.startswith(("account_", "mfa_", "sso_", "saml_")):
            continue
        if asking.outcome(client, row) != "second factor":
            open_to_them.append(row.name)

    assert open_to_them == []


# ---- the API ----


def of_path(path: str, district: District) -> str:
    """The path with records of the district's; of nobody's where a test of its own says whose they are."""
    number = district.known.local_number
    path = path.replace("{run_id}", str(district.test.pk)).replace("{local_number}", number)
    return re.sub(r"{(webhook_id|mapping_id)}", "1", path)


ONE_DECISION = {
    "decisions": [{"line": 1, "answer": "refuse"}]
}  # a body that cannot be read is said before anything is looked up


def asked(program: Program, method: str, address: str) -> tuple[int, str]:
    """Status and code of the problem; everything is taken back."""
    sent = (
        {"data": json.dumps(ONE_DECISION), "content_type": "application/json"} if address.endswith("/decisions") else {}
    )
    with transaction.atomic():
        answer = getattr(program.client, method)(address, headers=program.headers(), **sent)
        transaction.set_rollback(True)
    return answer.status_code, "" if answer.status_code < 400 else json.loads(answer.content)["code"]


def operations(district: District) -> Iterator[tuple[Operation, str, str]]:
    rows = {one.name: one for one in OPERATIONS}
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            yield rows[told["operationId"]], method, of_path(path, district)


@pytest.mark.long
def test_every_operation_asks_for_one_of_its_scopes_and_for_the_role(district: District, settings: Any) -> None:
    """Each scope alone, of somebody who may do everything; and all scopes, of each role."""
    settings.API_REQUESTS_PER_MINUTE = 10_000
    wrong, cases = [], 0
    every = UserFactory(is_superuser=True)
    programs = [(str(scope), "A", Program(str(scope), user=every)) for scope in SCOPES]
    programs += [("", letter, Program(*map(str, SCOPES), user=person(letter, district))) for letter in "VRSAN"]
    for scope, letter, program in programs:
        for row, method, address in operations(district):
            cases += 1
            _status, code = asked(program, method, address)
            lacks_scope = bool(scope and row.scopes and (scope not in row.scopes or (row.each and len(row.scopes) > 1)))
            expected = "SCOPE" if lacks_scope else "ROLE" if letter not in row.who else ""
            if (code in ("SCOPE", "ROLE") or expected) and code != expected:
                wrong.append(
                    f"{row.name} with {scope or ROLES[letter]}: {code or 'let in'}, not {expected or 'let in'}"
                )

    results.write("access-api", {"cases": cases, "right": cases - len(wrong), "open": wrong})
    assert wrong == []


def test_no_operation_opens_a_record_of_another_school_or_without_a_good_token(district: District) -> None:
    wrong = []
    elsewhere = Program(schools=[SchoolFactory(code=ELSEWHERE)])
    disabled = Program(user=UserFactory(is_superuser=True, is_active=False))
    revoked = Program(name="revoked")
    type(revoked.token).objects.filter(pk=revoked.token.pk).update(revoked_at=timezone.now())
    for row, method, address in operations(district):
        for name, program in (("disabled", disabled), ("revoked", revoked)):
            if (got := asked(program, method, address)) != (401, "TOKEN-INVALID"):
                wrong.append(f"{row.name}, {name}: {got}")
        if row.record and not set(row.scopes) <= {"approve"} and (got := asked(elsewhere, method, address))[0] != 404:
            wrong.append(f"{row.name}, another school: {got}")

    assert wrong == []


# ---- the admin ----


def test_the_admin_gives_each_role_what_the_table_says(district: District) -> None:
    listed = {f"{model._meta.app_label}.{model._meta.model_name}" for model in admin.site._registry}
    assert listed == set(ADMIN), "add the model to ADMIN in sisimport/accounts/matrix.py"
    wrong, cases = [], 0
    for letter in ROLES:
        user = person(letter, district)
        type(user).objects.filter(pk=user.pk).update(is_staff=True)  # else no page of the admin is theirs
        user = type(user).objects.get(pk=user.pk)
        client = signed_in(user)
        for name, rights in ADMIN.items():
            app, model = name.split(".")
            given = rights.get(letter, "")
            for sign, action in zip("vacd", ("view", "add", "change", "delete"), strict=True):
                cases += 1
                if user.has_perm(f"{app}.{action}_{model}") != (sign in given):
                    wrong.append(f"{ROLES[letter]}: {action} {name}")
            status = client.get(reverse(f"admin:{app}_{model}_changelist")).status_code
            if (status == 200) != bool(given):
                wrong.append(f"{ROLES[letter]}: list of {name}: {status}")

    results.write("access-admin", {"cases": cases, "right": cases - len(wrong), "open": wrong})
    assert wrong == []
