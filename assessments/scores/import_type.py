"""Import types of CAASPP and ELPAC results: one class, one instance per import type; everything else is data.

    wide file -> the columns this layout makes scores of -> match by SSID -> rules -> scores of each line as one change

Source: CAASPP Import (vendor help page, 2025); layouts by the California Department of Education.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.db import models
from django.db.models import Case, CharField, F, FilteredRelation, Q, Value, When

from assessments.models import Assessment, ScoreRow
from assessments.scores import as_tested, columns, fast_path, some_lines, staging, statuses
from assessments.scores import plan as score_plan
from assessments.scores import rules as score_rules
from assessments.scores.setups import NEW, SKIP, default_in_words, fits, setups_of, targets
from assessments.scores.year_tables import make_room
from assessments.scores.years import score_date
from assessments.structure import Edition, TypeFacts, family_of, offered_tests, school_year, structure, tests_of
from sisimport.files.issues import FileError
from sisimport.files.layouts import Layout, normalise_header
from sisimport.files.together import Together
from sisimport.imports.definition.change_kinds import EL_KIND
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.options import Choice, Option, checkbox
from sisimport.imports.definition.parts import Matching, Screen, Speed
from sisimport.imports.definition.registry import folder_layouts
from sisimport.imports.definition.rules import PlannedChange, PlannedCreate, Rule
from sisimport.imports.models import ImportRun, Work
from students.school_years import year_label

TOOL = "caaspp"
LAYOUTS = Path(__file__).parents[1] / "layouts"
EL_PART = "el"
# First columns of files from the state's reporting site for educators.
_OTHER_SITE = ["studentidentifier", "firstname", "lastorsurname"]
STATUS_OF = {"EL": "EL", "IFEP": "Not EL"}
ELA_STATUS = checkbox(
    "ela_status",
    "Import Initial ELPAC with ELA Status",
    hint="A student without English learner status gets the one calculated from the test; an existing one stays as it is.",
)
SCHOOLS = Option(
    name="schools",
    label="Schools",
    hint="School codes separated by commas; empty: all schools.",
    pattern=r"\s*[0-9]{1,7}(\s*,\s*[0-9]{1,7})*\s*",
    picks_schools=True,
)
_STAGED = tuple(
    f.name
    for f in ScoreRow._meta.concrete_fields
    if f.name
    not in {
        "line",
        "lea_id",
        "state",
        "refused",
        "candidates",
        "candidate_text",
        "skipped",
        "replaced_ssid",
        "repeated",
        "repeated_line",
        "repeat_differs",
        "told_date",
        "told_by",
        "local_student_id",
        "accepted",
        "given_number",
        "student_pk",
        "plain",
        "repeat_key",
        "uin_key",
        "packed",
        "as_tested",
    }
)


class ScoreImport(ImportType):
    """One import type of the CAASPP Import screen."""

    works = (Work.TEST, Work.IMPORT)
    row_model = ScoreRow
    fields = _STAGED
    gathered_fields = as_tested.FIELDS
    gathered_column = "as_tested"
    matching = Matching(
        lea_field=None,
        school_field=None,
        remembers_matches=True,
        number_field="ssid",
        related_fields=("ssid", "uin"),
        near_codes=("DIS-NOTFOUND", "DIS-PARTIAL", "DIS-NAME", "DIS-BIRTH", "AMB-STUDENTS", "EXC-SSID"),
    )
    speed = Speed(
        collect_values_of="record_type",
        analyze_columns=("line", "state", "ssid", "record_type", "grade_assessed", "skipped", "refused", "repeated"),
    )
    years_page = "added_layouts"
    years_codes = frozenset({"EXC-FILE-YEAR", "FILE-COLUMN-MISSING"})
    converts_workbooks = True
    brings_everyone = True
    part_of_field = {"calculated_elas": EL_PART}

    def __init__(
        self,
        type_facts: TypeFacts,
        *,
        folder: Path = LAYOUTS,
        listed: bool = True,
        added: Mapping[str, Layout] = MappingProxyType({}),
    ) -> None:
        self.key = type_facts.key
        self.layouts = type_facts.layouts
        self.layout_folder = folder
        self.family = family_of(type_facts.layouts[0])
        self.added_layouts = added
        loaded = {**folder_layouts(folder), **added}
        self.tests = offered_tests(loaded[key] for key in type_facts.layouts)
        names = [str(structure()["tests"][code]["name"]) for code in self.tests]
        years = " and ".join(dict.fromkeys(year_label(school_year(key)) for key in type_facts.layouts))
        what = f"{len(names)} assessments" if len(names) > 1 else next(iter(names), "scores")
        self.screen = Screen(
            tool=TOOL,
            label=type_facts.label,
            order=type_facts.order,
            listed=listed,
            description=f"Brings the scores of {years} into the student records: {what}, with their parts.",
            file_hint=".csv, .dat or .zip",
        )

    @property
    def options(self) -> tuple[Option, ...]:  # type: ignore[override]
        """One list per assessment, with the current set-ups."""
        return self._options(setups_of(list(self.tests)))

    @property
    def reference_options(self) -> tuple[Option, ...]:
        return self._options({})

    def _options(self, there: Mapping[str, list[Assessment]]) -> tuple[Option, ...]:
        lists = [assessment_option(code, editions, there.get(code, [])) for code, editions in self.tests.items()]
        extra = [ELA_STATUS] if self.family == "elpac-initial" else []
        return (*lists, *extra, SCHOOLS)

    def explain(self, error: FileError, head: bytes) -> FileError:
        if error.code == "FILE-TYPE" and "Excel" in error.found:
            return FileError("EXC-EXCEL", found=error.found, expected="the text file as downloaded, or its zip")
        first = head.decode("utf-8", "replace").lstrip("\ufeff").split("\n", 1)[0]
        names = [normalise_header(name) for name in re.split(r"[,^\t]", first)[:3]]
        if names == _OTHER_SITE:
            return FileError("EXC-OTHER-SITE", found="the columns StudentIdentifier, FirstName, LastOrSurname")
        return error

    def rows(self, context: RunContext) -> models.QuerySet[Any]:
        # A student for whom a line was accepted may have no SSID.
        way = "accepted_student" if context.accepted_rows else "holder__student"
        return ScoreRow.objects.annotate(student=FilteredRelation(way))

    def generated_columns(self, context: RunContext) -> Mapping[str, Any]:
        return columns.generated_columns(context)

    def unnamed_fields(self, context: RunContext) -> frozenset[str]:
        return columns.unnamed_fields(context)

    def read_together(self, context: RunContext, fields: Sequence[str]) -> Sequence[Together]:
        return as_tested.read_together(fields, as_tested.noted(context.notes))

    def gather(self, columns: Sequence[Sequence[str]]) -> Sequence[str]:
        return as_tested.gathered(columns)

    def makes_places(self, context: RunContext) -> bool:
        return any(target.missing for target in targets(context))

    def make_room(self) -> None:
        make_room(school_year(key) for key in self.layouts)

    def prepare(self, context: RunContext) -> None:
        staging.prepare(context)

    def rules(self, context: RunContext) -> Sequence[Rule]:
        return score_rules.rules(context)

    def skips_rules_when(self, context: RunContext) -> Q:
        return fast_path.skips_rules_when(context)

    def second_pass(self, context: RunContext, refusing: Collection[int]) -> Q | None:
        return staging.second_pass(context, refusing)

    def plan_alone(self, run: ImportRun, lines: Collection[int]) -> dict[str, Any] | None:
        return some_lines.before(self, run, lines)

    def kept_columns(self, context: RunContext) -> Mapping[str, Any]:
        return score_plan.kept_columns(context)

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        """Scores are planned by `after_plan`, a line at a time; this is what else a line may change."""
        if context.option("ela_status") != "1" or "calculated_elas" not in context.fields:
            return []
        status = Case(
            *(When(calculated_elas=code, then=Value(status)) for code, status in STATUS_OF.items()),
            default=Value(""),
            output_field=CharField(),
        )
        date = score_date(context)
        return [
            PlannedCreate(
                kind=EL_KIND,
                part=EL_PART,
                when=Q(
                    calculated_elas__in=list(STATUS_OF), student__el__student_id__isnull=True, skipped__lt=2, repeated=0
                ),
                object_id=F("student__id"),
                values={
                    "program_status": status,
                    "identified_date": date,
                    "state_elas": F("calculated_elas"),
                    "state_elas_date": date,
                },
            )
        ]

    def column_notes(self, layout: Layout) -> Mapping[str, str]:
        """Scores are planned a line at a time: the columns of each part, by the structure of its layout."""
        notes: dict[str, list[str]] = {}
        for test in tests_of(layout):
            for part in test.parts:
                held = {"Scale score": part.scale, "Raw score": part.raw, "Result": part.result, "Error": part.error}
                for what, name in held.items():
                    if name:
                        notes.setdefault(name, []).append(f"{what}: {part.name}")
        texts = {name: "; ".join(dict.fromkeys(parts)) for name, parts in notes.items()}
        return {name: f"Score – {text}" for name, text in texts.items()}

    def after_plan(self, context: RunContext) -> None:
        if context.option("ela_status") == "1":
            statuses.settle_statuses(context)
        score_plan.plan_scores(context)


def assessment_option(code: str, editions: Sequence[Edition], there: Sequence[Assessment]) -> Option:
    """The list of one assessment: the set-ups for its years, a new set-up, or not importing it.

    The first choice says which set-up it stands for.
    """
    fitting = [setup for setup in there if any(fits(setup, edition) for edition in editions)]
    names = " or ".join(dict.fromkeys(default_in_words(edition, there) for edition in editions))
    marked = any(setup.preferred for setup in fitting)
    newest = len(fitting) > 1 and not marked
    automatic = f"Automatic (the newest: {names})" if newest else f"Automatic ({names})"
    return Option(
        name=code,
        label=editions[0].label,
        group="Assessments",
        choices=(
            Choice(value="", label=automatic),
            *(Choice(value=str(setup.pk), label=setup.name) for setup in fitting),
            Choice(value=NEW, label="Import to newly created test setup"),
            Choice(value=SKIP, label="Do not import these assessments"),
        ),
        hint=_said_of_several(len(fitting), names, marked=marked) if len(fitting) > 1 else "",
    )


def _said_of_several(number: int, names: str, *, marked: bool) -> str:
    """In a sentence of its own, since a narrow list cuts its choices off."""
    start = f"{number} test set-ups are on record. Automatic uses "
    if marked:
        return f"{start}{names}, marked “Use this from now on”."
    return f"{start}the newest, {names}. An import admin can mark one “Use this from now on”."
