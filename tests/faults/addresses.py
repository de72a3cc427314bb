"""Every address there is, with the records, queries and forms that a walk over all of them takes.

An address that is not known fails the walk: say at ARGUMENTS whose records it takes, or at ELSEWHERE why it has none.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.urls import reverse

from sisimport.imports.definition.registry import tools
from sisimport.imports.models import RunStatus, Work
from sisimport.imports.runs.scope import matching_types
from ssid.imports.match_results import SSIDRequest
from tests.faults.two_schools import TwoSchools
from tests.web.test_access import all_patterns

TOKEN = re.compile(r'(csrfmiddlewaretoken" value=|X-CSRFToken": )"[^"]+"')  # of any letters
Arguments = Callable[[TwoSchools], Iterable[dict[str, Any]]]


def runs(made: TwoSchools) -> list[dict[str, Any]]:
    return [{"pk": run.pk} for run in made.runs]


def reports(made: TwoSchools) -> list[dict[str, Any]]:
    """Runs with a report; the others answer as the pages of `runs` do."""
    return [{"pk": run.pk} for run in made.runs if run.status == RunStatus.COMPLETED]


def parts_of_reports(made: TwoSchools) -> list[dict[str, Any]]:
    return [{**report, "part": part} for report in reports(made) for part in ("issues", "changes", "absent")]


def runs_of_desk(made: TwoSchools) -> list[dict[str, Any]]:
    types = [*matching_types(), SSIDRequest.key]
    return [{"run_id": run.pk} for run in made.runs if run.work == Work.TEST and run.import_type in types]


def lines_of_desk(made: TwoSchools) -> list[dict[str, Any]]:
    tested = [run for run in made.runs if run.work == Work.TEST and run.import_type in matching_types()]
    return [{"run_id": run.pk, "line": line} for run in tested for line in range(1, min(run.record_count, 14) + 1)]


def students(made: TwoSchools) -> list[dict[str, Any]]:
    return [{"pk": student.pk} for student in made.students]


def schools(made: TwoSchools) -> list[dict[str, Any]]:
    return [{"pk": pk} for pk in made.both_ids]


def screens(_made: TwoSchools) -> list[dict[str, Any]]:
    return [{"tool": tool.key} for tool in tools()]


def senr(made: TwoSchools) -> list[dict[str, Any]]:
    assert made.senr
    return [{"pk": made.senr.pk}]


def utah_requests(made: TwoSchools) -> list[dict[str, Any]]:
    assert made.utah
    return [{"pk": made.utah.pk}]


def matches(made: TwoSchools) -> list[dict[str, Any]]:
    assert made.match
    return [{"match_id": made.match.pk}]


# Addresses with arguments -> whose records they are asked for.
ARGUMENTS: dict[str, Arguments] = {
    **dict.fromkeys(
        (
            "run", "run_status", "start_update", "test_again", "retest_lines", "start_revert", "cancel_run", "decide_held",
            "choose_words", "convert_workbook", "start_converted",
        ),
        runs,
    ),
    **dict.fromkeys(
        ("correct_lines", "correct_many", "filter_issues", "run_changes", "run_absent", "run_print", "export"), reports
    ),
    **dict.fromkeys(
        ("run_matches", "run_matches_accept", "run_candidates", "run_candidates_choose"),
        runs_of_desk,
    ),
    "file_layout": lambda _made: [{"import_type": "ssid-request", "layout": "calpads-ssid-request-results"}],
    "layout_sample": lambda _made: [{"import_type": "ssid-request", "layout": "calpads-ssid-request-results"}],
    "help_code": lambda _made: [{"code": "DEMO-MISMATCH"}],
    "help_rule": lambda _made: [{"number": "D-9"}],
    "help_type": lambda _made: [{"key": "ssid-download"}],
    "help_screen": screens,
    "practice_sample": lambda _made: [{"name": "students-roster.csv"}],
    "run_match_line": lines_of_desk,
    "match_forget": matches,
    **dict.fromkeys(
        (
            "revoke_api_token", "webhook", "change_webhook", "pick_up_place", "change_pick_up_place", "delivery",
            "change_delivery", "column_mapping", "rename_mapping", "remove_mapping",
        ),
        lambda _made: [{"pk": 1}],
    ),
    "mapping_file": lambda _made: [{"pk": 1, "ending": "toml"}],
    "person": lambda made: [{"pk": made.both.pk}],
    "kept_mail": lambda _made: [{"number": 1}],
    **dict.fromkeys(("added_layout", "added_layout_remove"), lambda _made: [{"pk": 1}]),
    **dict.fromkeys(
        (
            "student", "student_looks", "erase_student", "undo_student_edit", "show_ssid", "record", "enrollment",
            "enrollment_paper", "family_accounts", "family_student", "family_ssid", "family_enroll",
        ),
        students,
    ),
    "shown_results_preview": lambda _made: [{"tests": "caaspp", "year": year} for year in (2024, 2025, 2026)],
    "show_run_ssids": parts_of_reports,
    **dict.fromkeys(("school_list", "school_letters", "school_renew"), schools),
    "upload": screens,
    "recognise": screens,
    "senr_request": senr,
    "senr_file": senr,
    "utah_request": utah_requests,
    "utah_request_file": utah_requests,
    "utah_withdraw": utah_requests,
}  # fmt: skip
# No student stands behind these: signing in, their own account, the machines' question. The REST API, which a session does not
# open, is walked in tests/api/test_walk.py.
ELSEWHERE = {
    "health",
    "metrics",
    "set_language",
    "family_join",
    "staff_join",
    "api_openapi",
    "api_docs",
    "api_not_found",
}
OWN_ACCOUNT = ("account_", "mfa_", "sso_", "saml_", "emergency_", "usersessions_", "stay_")
ADMIN_PAGES = {"changelist", "add", "history", "delete", "change"}
ADMIN_ELSEWHERE = {
    "index", "login", "logout", "password_change", "password_change_done", "jsi18n", "app_list", "view_on_site", None,
}  # fmt: skip
# On record for more students than those who can be told from others there: the page names one by the internal number or by
# the name of all of them, redirects with a message about one, reads one more than it shows, or warns of what depends on a school.
TOLD_WIDER = (
    " search", " record_find", " run_changes", " school_letters", " match_forget", " undo_student_edit", "_delete", "_history",
    "rememberedmatch_changelist", "rememberedmatch_change", " show_run_ssids", " export", " enrollment", " family_accounts",
    " match_desk", " run_matches",
)  # fmt: skip
SEARCHED = ("Zqqz", "886601", "ssid")
ADMIN_KNOWN = {"autocomplete", "auth_user_password_change", "search", "toggle_sidebar"}


def queries(name: str, made: TwoSchools) -> list[dict[str, Any]]:
    """What is asked in the address, beside nothing."""
    school = {"school": str(made.b.pk)}
    return {
        "run": [school, {"severity": "error"}, {"severity": "all"}, {"page": "2"}],
        "run_changes": [{"line": "7"}, {"page": "2"}, school, {"outcome": "changed"}],
        "run_absent": [{"el": "yes"}],
        "run_status": [{"seen": "x"}],
        "runs": [{"sort": "file"}],
        "collection": [{"sort": "school"}],
        "senr_requests": [{"sort": "school"}, {"made": "sent"}],
        "run_matches": [{"state": state} for state in ("open", "accepted", "refused")],
        "run_candidates": [{"state": state} for state in ("open", "chosen", "refused", "none")],
        "students": [school, {"ssid": "missing"}],
        "record_next": [school],
        "record": [school],
        "enrollments": [school],
        "senr_check": [school],
        "senr_changes": [{"since": "2000-01-01", **school}],
        "el_differences": [school],
        **{name: [school] for name in ("english_learners", "english_learners_csv", "english_learners_xlsx")},
        "english_learner_students": [{"what": what, **school} for what in ("el", "tbd", "years-0", "rfep-0", "eo")],
        "utah_create": [
            {"school": str(made.utah_b.pk)},
            {"school": [str(pk) for pk in (made.utah_a.pk, made.utah_b.pk)]},
        ],
        "utah_changed": [{"school": str(made.utah_b.pk)}],
    }.get(name, [])


def forms(name: str, made: TwoSchools) -> list[dict[str, Any]]:
    """What is sent, beside nothing."""
    b, utah_b = str(made.b.pk), str(made.utah_b.pk)
    what = [
        "correct",
        "correct-xlsx",
        "lines-refused",
        "lines-success",
        "lines-unprocessed",
        *(f"{table}-{form}" for table in ("issues", "changes", "absent") for form in ("csv", "xlsx")),
    ]
    return {
        "export": [{"what": one} for one in what],
        "exports": [
            *(
                {"kind": "changes", **asked}
                for asked in ({"since": "2020-01-01"}, *({"run": run.pk} for run in made.runs))
            ),
            *({"kind": "oneroster", **more} for more in ({}, {"school": b})),
            {"kind": "edfi", "namespace": "uri://example.org", "student_id": "local"},
            *(
                {"what": what, "file_type": form, **more}
                for what in ("scores", "students", "ssids")
                for form in ("csv", "xlsx")
                for more in ({}, {"school": b}, {"shape": "wide"})
            ),
        ],
        "filter_issues": [{"text": "98765"}, {"school": b}],
        "group_report": [
            {**picked, **shown}
            for picked in ({"school": b}, {"grade": "05"}, {"numbers": "886601"})
            for shown in ({"shape": "pages"}, {"shape": "table"}, {"file": "csv"}, {"file": "xlsx"})
        ],
        "students": [
            *({"text": text} for text in ("Zqqz", "9876500001", "886601")),
            *({"export": form} for form in ("csv", "xlsx")),
        ],
        "search": [{"text": text} for text in ("Zqqz", "9876500001", "886601", "ssid", "high")],
        **{
            listed: [{"export": "csv"}, {"export": "xlsx"}, {"text": "Zqqz"}]
            for listed in (
                "runs",
                "collection",
                "senr_requests",
                "el_differences",
                "enrollments",
                "english_learner_students",
                "run_absent",
                "run_changes",
                "match_desk",
                "utah_board",
                "utah_changed",
                "utah_requests",
            )
        },
        "run_match_line": [{"words": "Zqqz"}, {"words": "886601"}],
        "run_matches": [
            {f"line-{line}": f"accept-{made.students[0].pk}" for line in range(1, 15)},
            {"export": "csv"},
            {"text": "Zqqz"},
        ],
        "choose_words": [{"words": "screen"}],
        "run_matches_accept": [{"threshold": "50"}],
        "run_candidates_choose": [{"score": "0"}],
        "record_find": [{"text": "Zqqz"}, {"text": "886601"}],
        "record": [{"ssid": "9876500123", "save": "1"}, {"ssid": "9876500001", "save": "1"}],
        "senr_make": [{"school": b, "delimiter": "^"}],
        "senr_changes_file": [{"school": b, "since": "2000-01-01"}],
        "utah_create": [
            {"function": "retrieve", "school": utah_b, "schools": utah_b, "do": "preview"},
            {"function": "retrieve", "school": utah_b, "schools": utah_b, "do": "create"},
        ],
        "school_list": [
            {"columns": ["Local Student Number", "Last Name"], form: "1"} for form in ("csv", "xlsx", "print")
        ],
        "family_accounts": [{"invite": "1", "language": "en"}],
        "school_letters": [{"language": "own"}],
        "utah_withdraw": [{"reason": "Never sent"}],
    }.get(name, [])


def own_addresses(made: TwoSchools) -> Iterator[tuple[str, str]]:
    """Name and address of everything that is ours, with the records of school B."""
    for path, pattern, namespaces in all_patterns():
        name = str(pattern.name)
        if namespaces or name in ELSEWHERE or name.startswith(OWN_ACCOUNT):
            continue
        if "<" not in path:
            yield name, reverse(name)
            continue
        assert name in ARGUMENTS, f"say in ARGUMENTS whose records {name} takes: the walk does not know it"
        for values in ARGUMENTS[name](made):
            yield name, reverse(name, kwargs=values)


def admin_addresses() -> Iterator[tuple[str, str]]:
    """Name and address of every page of the admin, for every object there is."""
    for _path, pattern, namespaces in all_patterns():
        if namespaces != ["admin"] or pattern.name in ADMIN_ELSEWHERE | ADMIN_KNOWN:
            continue
        kind, _under, what = str(pattern.name).rpartition("_")
        assert what in ADMIN_PAGES, f"the walk does not know the admin's page {pattern.name}"
        model = next(m for m in admin.site._registry if f"{m._meta.app_label}_{m._meta.model_name}" == kind)
        name = f"admin:{pattern.name}"
        if what in ("changelist", "add"):
            yield name, reverse(name)
            for text in SEARCHED if what == "changelist" else ():
                yield name, f"{reverse(name)}?q={text}"
            continue
        keys = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
        for pk in dict.fromkeys([*keys[:5], *keys[-5:]]):
            yield name, reverse(name, args=[pk])
    yield from autocompletes()


def autocompletes() -> Iterator[tuple[str, str]]:
    for model, page in admin.site._registry.items():
        inlines = [(inline.model, inline) for inline in page.inlines]
        for owner, where in [(model, page), *inlines]:
            for field in where.autocomplete_fields:
                asked = f"app_label={owner._meta.app_label}&model_name={owner._meta.model_name}&field_name={field}"
                for term in ("", "Zqqz", "886601"):
                    yield "admin:autocomplete", f"{reverse('admin:autocomplete')}?{asked}&term={term}"


def shown(answer: Any) -> str:
    """Everything that an answer holds, of a workbook the text of its cells too, and where it leads."""
    body = b"".join(answer) if answer.streaming else answer.content
    text = body.decode(errors="replace")
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            text = "".join(book.read(part).decode(errors="replace") for part in book.namelist())
    return f"{TOKEN.sub('', text)} {answer.headers.get('Location', '')} {answer.headers.get('Content-Disposition', '')}"
