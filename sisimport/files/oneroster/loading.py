"""Loading rows of the large tables into a temporary database on disk: joined there, they need the same memory at any size."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from sisimport.files.oneroster.contents import Contents
from sisimport.files.oneroster.places import DELETED
from sisimport.files.oneroster.tables import Table

STUDENT: Final = "student"
# Of people who are not students.
ROLES_OF_OTHERS: Final = frozenset(
    {
        "administrator", "aide", "counselor", "districtadministrator", "guardian", "parent", "principal", "proctor", "relative",
        "siteadministrator", "systemadministrator", "teacher",
    }
)  # fmt: skip
# The standard's two values, and blank. Other systems write "inactive" or "deleted", whose meaning cannot be known here.
STATUSES: Final = frozenset({"", "active", DELETED})
_CACHE_KB: Final = 8_000  # more would make the worker grow with the file without making it faster
_PRIMARY: Final = frozenset({"primary", "true", "1"})
_MOST_TOLD: Final = 200  # lines of one kind reported one by one; beyond that, only the number

USERS: Final = (
    "sourcedId", "status", "dateLastModified", "role", "orgSourcedIds", "userIds", "identifier", "familyName", "givenName",
    "middleName", "preferredFamilyName", "preferredGivenName", "grades", "primaryOrgSourcedId",
)  # fmt: skip
DEMOGRAPHICS: Final = ("sourcedId", "birthDate", "sex", "countryOfBirthCode", "stateOfBirthAbbreviation", "status")
ENROLLMENTS: Final = (
    "userSourcedId", "schoolSourcedId", "role", "status", "dateLastModified", "beginDate", "endDate", "primary",
)  # fmt: skip
ROLES: Final = (
    "userSourcedId", "orgSourcedId", "role", "status", "dateLastModified", "beginDate", "endDate", "roleType",
)  # fmt: skip
SSID_COLUMNS: Final = (
    "metadata.stateid", "metadata.state_id", "metadata.ssid", "metadata.statestudentid", "metadata.stateuniqueid",
)  # fmt: skip

_TABLES: Final = """
CREATE TABLE users (line INTEGER PRIMARY KEY, sid TEXT, status TEXT, modified TEXT, role TEXT, orgs TEXT, ids TEXT,
  number TEXT, family TEXT, given TEXT, middle TEXT, pfamily TEXT, pgiven TEXT, grades TEXT, primary_org TEXT, state_id TEXT);
CREATE TABLE demographics (line INTEGER, sid TEXT, birth TEXT, sex TEXT, country TEXT, state TEXT);
CREATE TABLE places (line INTEGER, sid TEXT, org TEXT, of_role INTEGER, gone TEXT, begin TEXT, end TEXT, main INTEGER);
CREATE TABLE others (sid TEXT, role TEXT);
"""


class Loaded:
    """The tables of one archive in a database of their own under `folder`.

    `lost`: (table, line, what is wrong) of lines that lead to no user, at most a few hundred per kind; `lost_count` is the total.
    """

    def __init__(self, folder: Path, contents: Contents, table: Callable[..., Table]) -> None:
        self.contents = contents
        self.lost: list[tuple[str, int, str]] = []
        self.lost_count: Counter[str] = Counter()
        self._table = table
        self.database = sqlite3.connect(folder / "roster.sqlite3", isolation_level=None)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", f"cache_size=-{_CACHE_KB}"):
            self.database.execute(f"PRAGMA {setting}")
        self.database.executescript(_TABLES)
        self.database.execute("BEGIN")
        self.users = self._users()
        self._demographics()
        self._roles()
        self._enrollments()
        self._settle()

    def close(self) -> None:
        self.database.close()

    def lose(self, table: str, line: int, what: str) -> None:
        """Note a line that leads to no user."""
        self.lost_count[table] += 1
        if self.lost_count[table] <= _MOST_TOLD:
            self.lost.append((table, line, what))

    def _insert(self, table: str, rows: Iterable[tuple[object, ...]], width: int) -> None:
        marks = ", ".join("?" * width)
        self.database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def _users(self) -> Table:
        table = self._table("users", USERS, ("sourcedId", "familyName", "givenName"), extra=SSID_COLUMNS)
        self._insert("users", table.rows(), len(USERS) + 2)
        return table

    def _demographics(self) -> None:
        if "demographics" not in self.contents.members:
            return
        table = self._table("demographics", DEMOGRAPHICS, ("sourcedId",))

        def rows() -> Iterator[tuple[object, ...]]:
            for row in table.rows():
                status = row[-1].lower()
                if status not in STATUSES:
                    self._lose_status(table, row[0], row[-1])
                elif status != DELETED:  # data deleted in the other system stays on record
                    yield row[:-1]

        self._insert("demographics", rows(), len(DEMOGRAPHICS))
        self._report_broken(table)

    def _roles(self) -> None:
        if "roles" not in self.contents.members:
            return
        table = self._table("roles", ROLES, ("userSourcedId", "orgSourcedId", "role"))
        others: list[tuple[str, str]] = []
        self._insert("places", self._places(table, 1, others), 8)
        self._insert("others", others, 2)
        self._report_broken(table)

    def _enrollments(self) -> None:
        if "enrollments" not in self.contents.members:
            return
        table = self._table("enrollments", ENROLLMENTS, ("userSourcedId", "schoolSourcedId", "role"))
        self._insert("places", self._places(table, 0, None), 8)
        self._report_broken(table)

    def _places(self, table: Table, of_role: int, others: list[tuple[str, str]] | None) -> Iterator[tuple[object, ...]]:
        """Students' rows; (user, role) of all others go into `others`. A user who teaches a class is not a student, as users or
        roles show."""
        for line, sid, org, role, status, modified, begin, end, main in table.rows():
            if role != STUDENT and role.lower() != STUDENT:
                if others is not None:
                    others.append((sid, role.lower()))
                elif role.lower() not in ROLES_OF_OTHERS:
                    self.lose(
                        table.name,
                        line,
                        f"its role is {role[:40] or 'blank'}; expected a role such as student or teacher",
                    )
                continue
            if status and status.lower() not in STATUSES:
                self._lose_status(table, line, status)
                continue
            gone = (modified[:10] or "?") if status and status.lower() == DELETED else ""
            yield line, sid, org, of_role, gone, begin, end, bool(main) and main.lower() in _PRIMARY

    def _lose_status(self, table: Table, line: int, status: str) -> None:
        self.lose(table.name, line, f"its status is {status[:40]}; expected active or {DELETED}")

    def _report_broken(self, table: Table) -> None:
        for line, what in table.broken:
            self.lose(table.name, line, what)

    def _settle(self) -> None:
        """Create indexes, determine who is a student, and find lines that name no user."""
        run = self.database.execute
        run("CREATE INDEX users_sid ON users (sid)")
        run("CREATE INDEX demographics_sid ON demographics (sid)")
        run("CREATE INDEX others_sid ON others (sid)")
        run(
            """CREATE TABLE stays AS SELECT sid, org, count(*) FILTER (WHERE gone = '') AS active, max(gone) AS gone,
              coalesce(min(begin) FILTER (WHERE of_role AND gone = '' AND begin <> ''),
                min(begin) FILTER (WHERE gone = '' AND begin <> '')) AS begin,
              CASE WHEN count(*) FILTER (WHERE of_role AND gone = '' AND end <> '') > 0 THEN
                  CASE WHEN count(*) FILTER (WHERE of_role AND gone = '' AND end = '') = 0
                    THEN max(end) FILTER (WHERE of_role AND gone = '') END
                WHEN count(*) FILTER (WHERE gone = '' AND NOT of_role AND end = '') = 0
                  THEN max(end) FILTER (WHERE gone = '' AND NOT of_role) END AS end,
              max(main) FILTER (WHERE gone = '') AS main, min(line) FILTER (WHERE of_role) AS role_line,
              min(line) FILTER (WHERE NOT of_role) AS class_line
            FROM places GROUP BY sid, org"""
        )
        run("CREATE INDEX stays_sid ON stays (sid)")
        for table, of_role in (("enrollments", 0), ("roles", 1)):
            self._lose_strangers(
                table,
                f"SELECT line, sid FROM places p WHERE of_role = {of_role} AND sid NOT IN (SELECT sid FROM users)",
            )
        self._lose_strangers(
            "demographics", "SELECT line, sid FROM demographics WHERE sid NOT IN (SELECT sid FROM users)"
        )
        self._lose_second_demographics()

    def _lose_second_demographics(self) -> None:
        """Of several equal lines about one user, the first is read; of differing lines, none."""
        run = self.database.execute
        again = "EXISTS (SELECT 1 FROM demographics e WHERE e.sid = d.sid AND e.line < d.line)"
        if run(f"SELECT 1 FROM demographics d WHERE {again} LIMIT 1").fetchone() is None:
            return
        differing = """SELECT sid FROM demographics GROUP BY sid
          HAVING count(DISTINCT birth || char(31) || sex || char(31) || country || char(31) || state) > 1"""
        lines = f"SELECT line, sid, group_concat(line, ', ') OVER (PARTITION BY sid) FROM demographics WHERE sid IN ({differing})"
        for line, _sid, every in run(f"{lines} ORDER BY 1"):
            self.lose(
                "demographics", line, f"lines {every[:60]} have different data for the same user; none of them was read"
            )
        run(f"DELETE FROM demographics WHERE sid IN ({differing})")
        run(f"DELETE FROM demographics AS d WHERE {again}")

    def _lose_strangers(self, table: str, found: str) -> None:
        for line, sid in self.database.execute(f"{found} ORDER BY line"):
            self.lose(table, line, f"it names the user {str(sid)[:60] or 'without sourcedId'}, who is not in users.csv")

    def differing_users(self) -> dict[str, tuple[int, ...]]:
        """sourcedIds on several lines of users.csv with different data, with the first of these lines."""
        found = self.database.execute(
            """SELECT sid, group_concat(line) FROM users WHERE sid IN (
              SELECT sid FROM users GROUP BY sid HAVING count(*) > 1)
            GROUP BY sid HAVING count(DISTINCT number || char(31) || family || char(31) || given || char(31) || middle
              || char(31) || grades || char(31) || role || char(31) || orgs || char(31) || status) > 1"""
        )
        return {sid: tuple(int(line) for line in lines.split(",")[:4]) for sid, lines in found}

    def students(self) -> Iterator[tuple[Any, ...]]:
        """Users in the order of users.csv, each with demographics and stays: a row for each stay, at least one."""
        yield from self.database.execute(
            """SELECT u.*, d.line, d.birth, d.sex, d.country, d.state,
              s.org, s.active, s.gone, s.begin, s.end, s.main, s.role_line, s.class_line,
              (SELECT role FROM others o WHERE o.sid = u.sid AND s.sid IS NULL LIMIT 1)
            FROM users u LEFT JOIN demographics d ON d.sid = u.sid LEFT JOIN stays s ON s.sid = u.sid
            ORDER BY u.line"""
        )
