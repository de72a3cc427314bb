"""The dbt project beside this file works on the schema `reporting`, with the rights of its reader.

dbt cannot be installed beside the product: 1.10 wants an older sqlparse than Django, 1.11 an older mypy, and 1.12 fetches a
program from another host when it is installed. `script/test setup` therefore installs it from requirements/dbt.txt in an
environment of its own and has it build the project (`DBT` names an installed program instead). The suite itself puts dbt's few
words (`source`, `ref`, the four generic tests) into SQL, and builds the models as `dbt build` does: tests of sources, then each
model with its tests.
"""

import os
import re
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.db import connection
from django.utils.crypto import get_random_string

from sisimport.reporting.schema import make_role
from sisimport.reporting.views import VIEWS
from tests.reporting.conftest import Scored

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "tests/reporting/dbt"
WORD = re.compile(r"\{\{\s*(source|ref)\(([^)]*)\)\s*\}\}")
SOURCES = yaml.safe_load((PROJECT / "models/sources.yml").read_text())["sources"]
MODELS = yaml.safe_load((PROJECT / "models/models.yml").read_text())["models"]


def relation(kind: str, arguments: str, schema: str) -> str:
    """The table that `source(…)` or `ref(…)` means."""
    names = [part.strip(" '") for part in arguments.split(",")]
    if kind == "ref":
        return f"{schema}.{names[0]}"
    (source,) = [one for one in SOURCES if one["name"] == names[0]]
    assert names[1] in {table["name"] for table in source["tables"]}, f"{names[1]} is not declared"
    return f"{source['schema']}.{names[1]}"


def rendered(text: str, schema: str) -> str:
    return WORD.sub(lambda word: relation(word[1], word[2], schema), text)


def in_order() -> list[str]:
    """Models, each behind those that it refers to."""
    waiting = {
        path.stem: set(re.findall(r"ref\('(\w+)'\)", path.read_text())) for path in (PROJECT / "models").glob("*.sql")
    }
    order: list[str] = []
    while waiting:
        ready = sorted(name for name, needs in waiting.items() if needs <= set(order))
        assert ready, f"models refer to each other indirectly: {waiting}"
        order += ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return order


def generic_tests(table: dict[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """(name, a query that must find nothing) of each test of a table."""
    for column in table.get("columns", []):
        name = column["name"]
        for test in column["data_tests"]:
            kind, options = (test, {}) if isinstance(test, str) else next(iter(test.items()))
            yield f"{kind} {where}.{name}", failing(kind, where, name, options.get("arguments", {}))


def failing(kind: str, where: str, column: str, options: dict[str, Any]) -> str:
    if kind == "not_null":
        return f"SELECT 1 FROM {where} WHERE {column} IS NULL"
    if kind == "unique":
        return f"SELECT {column} FROM {where} WHERE {column} IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    if kind == "accepted_values":
        values = ", ".join(f"'{value}'" for value in options["values"])
        return f"SELECT 1 FROM {where} WHERE {column} NOT IN ({values})"
    assert kind == "relationships", kind
    to = rendered(f"{{{{ {options['to']} }}}}", "")
    return f"SELECT 1 FROM {where} c WHERE NOT EXISTS (SELECT 1 FROM {to} p WHERE p.{options['field']} = c.{column})"


@pytest.fixture
def warehouse(transactional_db: None) -> Iterator[tuple[Any, str]]:
    """A session of the reader, with a schema of its own to build in, as a database administrator gives a data team."""
    name = f"dbt_{get_random_string(8).lower()}"
    password = make_role(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {name} AUTHORIZATION {name}")
    settings = connection.get_connection_params()
    kept = {key: settings[key] for key in ("host", "port", "dbname") if settings.get(key)}
    with psycopg.connect(**kept, user=name, password=password, autocommit=True) as session:
        session.execute("SET default_transaction_read_only = off")
        yield session, name
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA reporting REVOKE ALL ON TABLES FROM {name};"
            f" DROP OWNED BY {name} CASCADE; DROP ROLE {name}"
        )


@pytest.mark.django_db(transaction=True)
def test_the_project_builds_and_its_tests_pass(warehouse: tuple[Any, str], two_scored: Scored) -> None:
    session, schema = warehouse
    tests = [
        test
        for source in SOURCES
        for table in source["tables"]
        for test in generic_tests(table, f"{source['schema']}.{table['name']}")
    ]
    described = {model["name"]: model for model in MODELS}
    for name in in_order():
        text = rendered((PROJECT / f"models/{name}.sql").read_text(), schema)
        session.execute(f"CREATE VIEW {schema}.{name} AS {text}")
        tests += generic_tests(described[name], f"{schema}.{name}")
    assert len(tests) >= 15
    assert [name for name, query in tests if session.execute(query).fetchone()] == []
    results = session.execute(f"SELECT school, students, percent_met FROM {schema}.results_by_school").fetchall()
    assert {(school, students, float(met)) for school, students, met in results} >= {("0112345", 1, 100.0)}
    assert session.execute(f"SELECT count(*) FROM {schema}.students_today").fetchone() == (2,)


@pytest.fixture(scope="module")
def dbt_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program dbt, installed from its lock unless `DBT` names one."""
    if program := os.environ.get("DBT"):
        return program
    folder = tmp_path_factory.mktemp("dbt")
    venv.create(folder, with_pip=True)
    lock = ROOT / "requirements/dbt.txt"
    install = ["-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--require-hashes", "--requirement", lock]
    subprocess.run([folder / "bin/python", *install], check=True)
    return str(folder / "bin/dbt")


@pytest.mark.setup
@pytest.mark.django_db(transaction=True)
def test_dbt_itself_builds_the_project(
    warehouse: tuple[Any, str], two_scored: Scored, tmp_path: Path, dbt_program: str
) -> None:
    session, schema = warehouse
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER ROLE {schema} SET default_transaction_read_only = off")
    info = session.info
    about = {"HOST": info.host, "PORT": str(info.port), "DATABASE": info.dbname, "USER": info.user, "SCHEMA": schema}
    given = {f"DBT_{name}": value for name, value in (about | {"PASSWORD": info.password}).items()}
    folders = {"project-dir": PROJECT, "profiles-dir": PROJECT, "target-path": tmp_path, "log-path": tmp_path}
    done = subprocess.run(
        [dbt_program, "--no-use-colors", "build", *(f"--{name}={folder}" for name, folder in folders.items())],
        env=os.environ | given | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    told = re.search(r"Done\. PASS=(\d+) WARN=0 ERROR=0 SKIP=0", done.stdout)
    assert told is not None, done.stdout
    assert int(told[1]) >= 15 + len(MODELS)


def test_every_view_is_a_source_and_every_model_is_described() -> None:
    (source,) = SOURCES
    assert {table["name"] for table in source["tables"]} == {view.name for view in VIEWS}
    assert {model["name"] for model in MODELS} == set(in_order())
