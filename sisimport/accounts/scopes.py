"""What a token may do: its scopes, each a part of what its user may do. A token never gives more than its user has."""

from collections.abc import Collection
from enum import StrEnum

from sisimport.accounts.access import Capability, narrow
from students.access import User, narrow_schools


class Scope(StrEnum):
    """One thing a token may be for."""

    IMPORTS_TEST = "imports:test"
    IMPORTS_WRITE = "imports:write"
    RUNS_READ = "runs:read"
    STUDENTS_READ = "students:read"
    SCORES_READ = "scores:read"
    RESULTS_READ = "results:read"
    APPROVE = "approve"


SCOPES: dict[Scope, str] = {
    Scope.IMPORTS_TEST: "Send files and test them; nothing is written to student records.",
    Scope.IMPORTS_WRITE: "Send files, test, update, import, revert and cancel runs.",
    Scope.RUNS_READ: "Read runs with their issues, changes and refused lines, which name students.",
    Scope.STUDENTS_READ: "Read students and their SSIDs.",
    Scope.SCORES_READ: "Read scores.",
    Scope.RESULTS_READ: "Read results by school, grade and group, small groups hidden.",
    Scope.APPROVE: "Decide on held runs of others. For tokens of a person only, never of a service.",
}
C = Capability
_READ = frozenset({C.READ, C.EXPORT, C.SHOW_SSID})
_CAPABILITIES: dict[Scope, frozenset[C]] = {
    Scope.IMPORTS_TEST: frozenset({C.READ, C.UPLOAD, C.TEST}),
    Scope.IMPORTS_WRITE: frozenset({C.READ, C.UPLOAD, C.TEST, C.UPDATE, C.REVERT_OWN, C.REVERT_ANY}),
    Scope.RUNS_READ: _READ | {C.REVIEW_RUNS},
    Scope.STUDENTS_READ: _READ,
    Scope.SCORES_READ: _READ,
    Scope.RESULTS_READ: _READ,
    Scope.APPROVE: frozenset({C.READ, C.REVIEW_RUNS, C.APPROVE}),
}


def restrict(user: User, scopes: Collection[str], schools: Collection[int] | None) -> None:
    """From here on this user object has what the scopes allow, for these schools (None: all of the user's)."""
    narrow(user, frozenset().union(*(_CAPABILITIES[Scope(scope)] for scope in scopes if scope in SCOPES)))
    if schools is not None:
        narrow_schools(user, schools)
