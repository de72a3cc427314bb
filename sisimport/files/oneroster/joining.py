"""Students of a OneRoster zip as one table: each user who is a student, with demographics and schools.

Line n of the text is line n of users.csv, so that every message about a line leads there; lines of users who are not students
are blank. A student's second school, and lines of other tables that lead to no user, come after the last line of users.csv; the
column `lines` says where each came from.
"""

import csv
import io
import re
import tempfile
import zipfile
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from sisimport.files.foreign_codes import foreign_codes
from sisimport.files.issues import Problem, Severity
from sisimport.files.members import too_large
from sisimport.files.oneroster.contents import Contents
from sisimport.files.oneroster.loading import ROLES_OF_OTHERS, STATUSES, STUDENT, Loaded
from sisimport.files.oneroster.places import (
    DELETED,
    ORG_COLUMNS,
    SESSION_COLUMNS,
    Orgs,
    Stay,
    Terms,
    by_rank,
    counts_in_words,
    read_orgs,
    read_terms,
)
from sisimport.files.oneroster.tables import Table, listed

MEMBER: Final = "users.csv"
HEADER: Final = (
    "district", "school", "identifier", "sourcedId", "SSID", "familyName", "givenName", "middleName", "preferredFamilyName",
    "preferredGivenName", "birthDate", "sex", "countryOfBirthCode", "stateOfBirthAbbreviation", "grades", "beginDate", "endDate",
    "primary", "mode", "marked", "problem", "detail", "lines",
)  # fmt: skip
_SSID_TYPES: Final = {"ssid", "stateid", "state id", "sasid", "statestudentid", "stateuniqueid"}
# Values of `problem`; the import type has a rule for each.
LOST, TWICE, SCHOOL, ROLE, NO_ROLE, TWO_PRIMARY = "lost", "twice", "school", "role", "no-role", "two-primary"
STATUS: Final = "status"
_PAIRS: Final = re.compile(r"\{([^:{}]+):([^{}]*)\}")
_FLUSH: Final = 4000


@dataclass(slots=True)
class _User:
    """One line of users.csv with its demographics."""

    line: int
    sid: str
    status: str
    modified: str
    role: str
    orgs: str
    ids: str
    number: str
    family: str
    given: str
    middle: str
    preferred_family: str
    preferred_given: str
    grades: str
    primary_org: str
    state_id: str
    demographics_line: int | None
    birth: str | None
    sex: str | None
    country: str | None
    state: str | None


_USER_WIDTH: Final = 21


def join(archive: zipfile.ZipFile, contents: Contents, out: IO[bytes], *, max_bytes: int) -> list[Problem]:
    """Write the students of a OneRoster archive to `out` as text; returns the findings about the whole file.

    Raises FileError for tables that cannot be read.
    """

    def table(name: str, wanted: Sequence[str], needed: Sequence[str], *, extra: Sequence[str] = ()) -> Table:
        made = Table(archive, contents.members[name], name, wanted, needed, max_bytes, extra)
        tables.append(made)
        return made

    tables: list[Table] = []
    orgs_table = table("orgs", ORG_COLUMNS, ("sourcedId", "type")) if "orgs" in contents.members else None
    sessions = (
        table("academicSessions", SESSION_COLUMNS, ("endDate",)) if "academicSessions" in contents.modes else None
    )
    orgs, terms = read_orgs(orgs_table, whole=contents.is_whole("orgs")), read_terms(sessions)
    with tempfile.TemporaryDirectory(prefix="sisimport-") as folder:
        loaded = Loaded(Path(folder), contents, table)
        with closing(loaded):
            for small in (orgs_table, sessions):
                for line, what in small.broken if small is not None else ():
                    loaded.lose(small.name, line, what)  # type: ignore[union-attr]
            joiner = _Joiner(loaded, orgs, terms, out, max_bytes)
            joiner.write()
    problems = [*contents.notices, *(notice for made in tables for notice in made.notices)]
    return [*problems, *joiner.notices()]


class _Joiner:
    def __init__(self, loaded: Loaded, orgs: Orgs, terms: Terms, out: IO[bytes], max_bytes: int) -> None:
        self._loaded, self._orgs, self._terms = loaded, orgs, terms
        self._contents = loaded.contents
        self._out = _Lines(out, max_bytes)
        self._grades = foreign_codes("oneroster", "grade")
        self._genders = foreign_codes("oneroster", "gender")
        self._grade_of: dict[str, str] = {}
        self._gender_of: dict[str, str] = {}
        self._mode = "delta" if self._contents.is_delta else "bulk"
        self._others: Counter[str] = Counter()
        self._classes_gone = 0
        self._twice: Mapping[str, tuple[int, ...]] = {}

    def write(self) -> None:
        loaded = self._loaded
        self._twice = loaded.differing_users()
        self._out.write(loaded.users.head_line, HEADER)
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="", prefix="sisimport-") as spill:
            behind = csv.writer(spill, lineterminator="\n")
            broken = deque(loaded.users.broken)
            for line, rows in _by_line(loaded.students()):
                while broken and broken[0][0] < line:
                    self._write_broken(*broken.popleft())
                usual = self._usual_line(rows[0]) if len(rows) == 1 else None
                if usual is not None:
                    self._out.write(line, usual)
                    continue
                first, *second = self._lines_of(_User(*rows[0][:_USER_WIDTH]), rows)
                if first is not None:
                    self._out.write(line, first)
                behind.writerows(second)
            while broken:
                self._write_broken(*broken.popleft())
            behind_users = loaded.users.line_count + 1
            spill.seek(0)
            for row in csv.reader(spill):
                self._out.write(max(self._out.at, behind_users), row)
        for table, line, what in loaded.lost:
            self._write_lost(max(self._out.at, behind_users), table, line, what)
        self._out.flush()

    def notices(self) -> list[Problem]:
        """Findings reported once for the file."""
        problems = []
        if self._others:
            total = sum(self._others.values())
            problems.append(Problem("ONE-OTHERS", Severity.NOTICE, None, f"{total:,}", counts_in_words(self._others)))
        if self._classes_gone:
            problems.append(Problem("ONE-CLASSES", Severity.NOTICE, None, f"{self._classes_gone:,}"))
        for table, count in self._loaded.lost_count.items():
            shown = sum(name == table for name, _line, _what in self._loaded.lost)
            if count > shown:
                problems.append(Problem("ONE-MORE-LOST", Severity.WARNING, None, f"{count - shown:,}", f"{table}.csv"))
        for what, above in self._orgs.elsewhere():
            problems.append(Problem("ONE-DISTRICT", Severity.WARNING, None, what, above))
        if not self._contents.is_delta and "demographics" not in self._contents.members:
            problems.append(Problem("ONE-NO-BIRTHS", Severity.WARNING, None, "demographics.csv"))
        return problems

    def _write_broken(self, line: int, what: str) -> None:
        self._write_lost(line, "users", line, what)

    def _write_lost(self, at: int, table: str, line: int, what: str) -> None:
        cells = {"problem": LOST, "detail": f"{table}.csv line {line:,}: {what}", "lines": f"{table}.csv {line}"}
        self._out.write(at, _row(cells | {"mode": self._mode}))

    def _usual_line(self, row: tuple[Any, ...]) -> Sequence[str] | None:
        """The line of a student with one school and nothing odd, as nearly all are; None for all others."""
        (
            line, sid, status, _modified, role, orgs, ids, number, family, given, middle, pfamily, pgiven, grades, primary_org,
            state_id, demographics_line, birth, sex, country, state, org, active, _gone, begin, end, main, role_line,
            class_line, _other,
        ) = row  # fmt: skip
        if (
            status.lower() not in ("", "active")
            or not active
            or primary_org
            or (orgs and orgs != org)
            or sid in self._twice
        ):
            return None
        if role_line is None and role != STUDENT:
            return None
        place = self._orgs.place(org)
        if place.problem or not place.school:
            return None
        if end is not None and not self._terms.is_exit(end):
            end = ""
        lines = f"users.csv {line}"
        if demographics_line is not None:
            lines += f"; demographics.csv {demographics_line}"
        if role_line is not None:
            lines += f"; roles.csv {role_line}"
        if class_line is not None:
            lines += f"; enrollments.csv {class_line}"
        return (
            place.lea, place.school, number, sid, _ssid(ids, state_id) if ids or state_id else "", family, given, middle, pfamily,
            pgiven, birth or "", self._gender(sex) if sex else "", country or "", state or "", self._grade(grades), begin or "",
            end or "", "true" if main else "", self._mode, "", "", "", lines,
        )  # fmt: skip

    def _lines_of(self, user: _User, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The user's own line (None if not a student), and those for additional schools."""
        problem, detail = self._role(user, rows)
        if problem is None:
            return [None]
        stays = self._stays(user, rows)
        if user.sid in self._twice:
            lines = ", ".join(f"{line:,}" for line in self._twice[user.sid])
            problem, detail = TWICE, f"{user.sid[:60]} in lines {lines}"
        elif user.status.lower() not in STATUSES and not problem:
            problem, detail = STATUS, user.status[:60]
        base = self._base(user)
        if user.status.lower() == DELETED:
            return [
                _row(base | {"marked": DELETED, "endDate": user.modified[:10], "problem": problem, "detail": detail})
            ]
        primary = [stay.org for stay in stays if stay.primary and not stay.end and not stay.gone]
        if len(primary) > 1 and not problem:
            problem, detail = TWO_PRIMARY, ", ".join(self._orgs.place(org).school or org[:40] for org in primary[:4])
        return [
            _row(base | self._of_stay(stay, problem, detail) | {"lines": base["lines"] + stay.where})
            for stay in stays or [Stay("")]
        ]

    def _role(self, user: _User, rows: Sequence[tuple[Any, ...]]) -> tuple[str | None, str]:
        """What is wrong with a user's role, "" for a student; None for a user who is not a student."""
        in_roles = any(row[_USER_WIDTH + 6] is not None for row in rows)
        role = STUDENT if in_roles else user.role.lower() or rows[0][_USER_WIDTH + 8] or ""
        if role == STUDENT:
            return "", ""
        if role in ROLES_OF_OTHERS:
            self._others[role] += 1
            return None, ""
        if not role and self._contents.is_delta:
            return NO_ROLE, ""  # unchanged, so that the file does not name it
        return ROLE, f"the role {role[:60]}" if role else "no role"

    def _of_stay(self, stay: Stay, problem: str, detail: str) -> dict[str, str]:
        place = self._orgs.place(stay.org) if stay.org else None
        values = {"district": self._orgs.only_lea, "problem": problem, "detail": detail}
        if place is not None:
            if place.problem and problem in {"", TWO_PRIMARY}:
                values |= {"problem": SCHOOL, "detail": place.problem}
            values |= {"district": place.lea or self._orgs.only_lea, "school": place.school}
        end = stay.end if self._terms.is_exit(stay.end) else ""
        values |= {"beginDate": stay.begin, "endDate": end, "primary": "true" if stay.primary else ""}
        if stay.gone:
            values |= {"marked": DELETED, "endDate": stay.gone.strip("?")}
        return values

    def _stays(self, user: _User, rows: Sequence[tuple[Any, ...]]) -> list[Stay]:
        """Where the student is: every school that users, roles or enrollments name."""
        stays: dict[str, Stay] = {}
        named = set(listed(user.orgs))
        for row in rows:
            org, active, gone, begin, end, main, role_line, class_line = row[_USER_WIDTH : _USER_WIDTH + 8]
            if not org:
                continue
            where = "".join(
                [
                    f"; roles.csv {role_line}" if role_line else "",
                    f"; enrollments.csv {class_line}" if class_line else "",
                ]
            )
            if active:
                stays[org] = Stay(org, begin or "", end or "", bool(main), where=where)
            elif role_line is not None or (named and org not in named):
                stays[org] = Stay(org, gone=gone, where=where)
            else:  # a class is over; nothing says that the student left the school
                self._classes_gone += 1
        for org in named:
            stays.setdefault(org, Stay(org))
        if user.primary_org in stays:
            stays[user.primary_org].primary = True
        schools = {org: stay for org, stay in stays.items() if not self._is_above(org)}
        return by_rank(list(schools.values())) or list(stays.values())[:1]

    def _is_above(self, org: str) -> bool:
        """Is this a district or similar, which says nothing next to its schools?"""
        place = self._orgs.place(org)
        return not place.school and not place.problem

    def _base(self, user: _User) -> dict[str, str]:
        lines = [f"users.csv {user.line}"]
        if user.demographics_line:
            lines.append(f"demographics.csv {user.demographics_line}")
        return {
            "district": self._orgs.only_lea,
            "identifier": user.number,
            "sourcedId": user.sid,
            "SSID": _ssid(user.ids, user.state_id),
            "familyName": user.family,
            "givenName": user.given,
            "middleName": user.middle,
            "preferredFamilyName": user.preferred_family,
            "preferredGivenName": user.preferred_given,
            "birthDate": user.birth or "",
            "sex": self._gender(user.sex or ""),
            "countryOfBirthCode": user.country or "",
            "stateOfBirthAbbreviation": user.state or "",
            "grades": self._grade(user.grades),
            "mode": self._mode,
            "lines": "; ".join(lines),
        }

    def _grade(self, text: str) -> str:
        """Our code; an ambiguous one stays unchanged, as words that are not a code."""
        if text not in self._grade_of:
            codes = {self._grades.read(one) or f"{one} ({self._grades.unclear_choices(one)})" for one in listed(text)}
            self._grade_of[text] = codes.pop() if len(codes) == 1 else text if codes else ""
        return self._grade_of[text]

    def _gender(self, text: str) -> str:
        if text not in self._gender_of:
            code = self._genders.read(text)
            self._gender_of[text] = text if code is None else code
        return self._gender_of[text]


def _by_line(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """Rows of one line together."""
    group: list[tuple[Any, ...]] = []
    for row in rows:
        if group and group[0][0] != row[0]:
            yield group[0][0], group
            group = []
        group.append(row)
    if group:
        yield group[0][0], group


def _ssid(ids: str, state_id: str) -> str:
    """The state's number in a metadata column or among the userIds; if two differ, both are returned, which is not a valid
    number."""
    found = {state_id} if state_id else set()
    for kind, value in _PAIRS.findall(ids):
        if kind.strip().casefold() in _SSID_TYPES and value.strip():
            found.add(value.strip())
    return " or ".join(sorted(found))


def _row(values: Mapping[str, str]) -> list[str]:
    return [values.get(name, "") for name in HEADER]


class _Lines:
    """Writes records at requested physical lines; the lines between them are blank."""

    def __init__(self, out: IO[bytes], max_bytes: int) -> None:
        self._out, self._left, self._most = out, max_bytes, max_bytes
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self.at = 1
        self._rows = 0

    def write(self, line: int, values: Sequence[str]) -> None:
        if line > self.at:
            self._text.write("\n" * (line - self.at))
            self.at = line
        self.at += 1
        joined = "".join(values)
        if "\n" in joined or "\r" in joined:
            values = [value.replace("\r\n", "\n").replace("\r", "\n") for value in values]
            self.at += sum(value.count("\n") for value in values)
        self._writer.writerow(values)
        self._rows += 1
        if self._rows >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        data = self._text.getvalue().encode("utf-8", "replace")
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._most)
        self._out.write(data)
        self._rows = 0
        self._text.seek(0)
        self._text.truncate()
