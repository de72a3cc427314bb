"""Import types of the state's public research files: results, and the names of counties, districts and schools.

Lines contain no student data. Stored are the state, the counties of our districts, and these districts with their
schools; a file of the whole state has a thousand others. Values hidden by the state (`*`) are stored as they are and
shown as hidden.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.db.models import Case, CharField, F, Func, IntegerField, Q, TextField, Value, When
from django.db.models.functions import Cast

from assessments.models import PublicPlace, PublicPlaceRow, PublicResult, PublicResultRow
from assessments.research import sense, together
from assessments.research.change_kinds import NUMBERS, PUBLIC_PLACE_KIND, PUBLIC_RESULT_KIND
from assessments.research.headings import COUNTS, refuse_exchanged_headings
from sisimport.files.issues import FileError, Severity
from sisimport.files.layouts import Layout
from sisimport.imports.definition.expressions import NextId
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.parts import Matching, Screen
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from students.models import LEA, StateProfile

TOOL = "state-results"
FOLDER = Path(__file__).parent / "layouts"
# Test ID of the state's files -> code of the test's set-ups.
TESTS = {
    "1": "SBELA", "2": "SBMATH", "3": "CAAELA", "4": "CAAMATH", "17": "CAST", "18": "CAASCI", "39": "CSA", "21": "ELPACS",
    "22": "ELPACI", "23": "ELPACSA", "24": "ELPACIA",
}  # fmt: skip
_PLACE = ("county", "district", "school")
_DIGITS = {"county": 2, "district": 5, "school": 7}
_GRADES = r"^(0?[1-9]|1[0-4]|KN|0)$"
_YEAR = r"^20[0-9]{2}$"
_HIDDEN = r"\*|N/A|"
_NUMBER = rf"^({_HIDDEN}|[0-9]{{1,8}}(\.[0-9]{{1,4}})?)$"
_PERCENT = rf"^({_HIDDEN}|100(\.0{{1,4}})?|[0-9]{{1,2}}(\.[0-9]{{1,4}})?)$"
_COUNT = rf"^({_HIDDEN}|[0-9]{{1,8}}(\.0{{1,4}})?)$"
_COUNTS = ("enrolled", "tested", "scored")


class _Joined(Func):
    """Texts of a row, concatenated."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


def _padded(name: str) -> Func:
    return Func(F(name), Value(_DIGITS[name]), Value("0"), function="lpad", output_field=TextField())


def _bare(name: str) -> Func:
    """A number without leading zeros."""
    return Func(F(name), Value("0"), function="ltrim", output_field=TextField())


class ResearchFile(ImportType):
    """What both types share: which lines are kept, and the valid codes of a place."""

    layout_folder = FOLDER

    def __init__(self, added: Mapping[str, Layout] = MappingProxyType({})) -> None:
        self.added_layouts = added
        self.layouts = (*type(self).layouts, *added)

    may_create_students = True  # creates none, but lets lines without a student be planned
    duplicates = (DuplicateCheck(name="dup_key", key=("key",), compared=()),)
    matching = Matching(lea_field=None, school_field=None, number_field="key", near_codes=())

    def prepare(self, context: RunContext) -> None:
        if context.run.schools is not None:
            raise FileError("RES-SCOPE")

    def makes_places(self, context: RunContext) -> bool:  # noqa: ARG002
        return True

    def after_plan(self, context: RunContext) -> None:
        """Lines planned again belong to a file that was already looked at as a whole."""
        if context.lines is None:
            together.warn_of_other_places(context, self.row_model._meta.db_table)
            self.look_at_lines(context)

    def look_at_lines(self, context: RunContext) -> None:
        raise NotImplementedError

    def generated_columns(self, context: RunContext) -> Mapping[str, Any]:  # noqa: ARG002
        return {
            "place": _Joined(*map(_padded, _PLACE)),
            "lea_code": _Joined(_padded("county"), _padded("district")),
            "key": self.key_of_row(),
        }

    def key_of_row(self) -> Any:
        raise NotImplementedError

    def reference_rules(self, context: RunContext) -> Sequence[Rule]:
        return self._rules(context, Q(lea_code__in=["0000000"]))

    def rules(self, context: RunContext) -> Sequence[Rule]:
        return self._rules(context, kept_places())

    def _rules(self, context: RunContext, kept: Q) -> list[Rule]:  # noqa: ARG002
        first_line = {"first_line": F("dup_key_line")}
        return [
            *(_code_rule(name, rf"^[0-9]{{1,{n}}}$", f"up to {n} digits") for name, n in _DIGITS.items()),
            *(_no_whole(part, whole) for part, whole in (("school", "district"), ("district", "county"))),
            _code_rule("test_year", _YEAR, "a year"),
            sense.year_rule(),
            _rule("PR-2", "DUP-SAME", Severity.WARNING, "test_year", Q(dup_key=1), params=first_line),
            _rule("PR-2", "DUP-DIFFERS", Severity.ERROR, "test_year", Q(dup_key=2), params=first_line),
            _rule("PR-3", "RES-ELSEWHERE", Severity.NOTICE, "district", ~kept, found=F("lea_code")),
        ]


def _rule(number: str, code: str, severity: Severity, field: str, when: Q, **more: Any) -> Rule:
    more.setdefault("found", F(field))
    return Rule(number=number, code=code, severity=severity, field=field, when=when, needs_student=False, **more)


def _code_rule(field: str, pattern: str, expected: str) -> Rule:
    wrong = ~Q(**{f"{field}__regex": pattern})
    return _rule("PR-1", "RES-CODE", Severity.ERROR, field, wrong, expected=expected)


def _no_whole(part: str, whole: str) -> Rule:
    """A school without a district, or a district without a county."""
    lost = Q(**{f"{part}__regex": "^[0-9]*[1-9]", f"{whole}__regex": "^0+$"})
    return _rule("PR-1", "RES-CODE", Severity.ERROR, part, lost, expected=f"zeros, because the line has no {whole}")


def kept_places() -> Q:
    """Lines of the state, of our counties and districts, and of the schools of these."""
    return Q(lea_code__in=kept_codes())


def kept_codes() -> list[str]:
    codes = [code.zfill(7) for code in LEA.objects.filter(state=StateProfile.CALIFORNIA).values_list("code", flat=True)]
    return sorted({"0000000", *codes, *(f"{code[:2]}00000" for code in codes)})


class ResultsFile(ResearchFile):
    """Results by county, district, school, grade and student group."""

    key = "research-results"
    screen = Screen(
        tool=TOOL,
        label="Research file: results",
        order=10,
        description=(
            "What the state published about a test: percent at each level by county, district, school, grade and student group. "
            "The Compare page shows state and county beside the district."
        ),
        file_hint=".txt or .csv, or the .zip as it was downloaded",
    )
    layouts = ("research-caaspp", "research-caaspp-2023", "research-elpac", "research-caaspp-2019")
    row_model = PublicResultRow
    fields = (*_PLACE, "test_year", "test_id", "student_group", "grade", *NUMBERS, *COUNTS)
    duplicates = (
        DuplicateCheck(name="dup_key", key=("key",), compared=("tested", "scored", "mean", "met", "level_1")),
    )

    options = (sense.FIGURES,)
    remedies: Mapping[str, tuple[str, str]] = sense.REMEDY

    def prepare(self, context: RunContext) -> None:
        super().prepare(context)
        codes = kept_codes()
        sense.note_nonsense(codes)
        refuse_exchanged_headings(context, codes)
        sense.refuse_other_figures(context, codes)

    def look_at_lines(self, context: RunContext) -> None:
        together.warn_of_figures(context, kept_codes())

    def key_of_row(self) -> Any:
        parts = (_bare("test_id"), _bare("student_group"), _bare("grade"))
        dashed = [part for one in parts for part in (Value("-"), one)]
        return _Joined(*map(_padded, _PLACE), Value("-"), F("test_year"), *dashed)

    def generated_columns(self, context: RunContext) -> Mapping[str, Any]:
        whens = (When(test_id__in=[number, f"0{number}"], then=Value(code)) for number, code in TESTS.items())
        return {
            **super().generated_columns(context),
            "test": Case(*whens, default=Value(""), output_field=TextField()),
            "group_code": _bare("student_group"),
            "grade_code": _bare("grade"),
        }

    def _rules(self, context: RunContext, kept: Q) -> list[Rule]:
        found = super()._rules(context, kept)
        found += [
            _code_rule("test_id", r"^[0-9]{1,3}$", "a number"),
            _code_rule("student_group", r"^0*[1-9][0-9]{0,2}$", "a number"),
            _code_rule("grade", _GRADES, "a grade, 13 for all"),
            _rule("PR-4", "RES-TEST", Severity.NOTICE, "test_id", Q(test="", test_id__regex=r"^[0-9]{1,3}$")),
        ]
        for name in NUMBERS:
            pattern, expected = _PERCENT, "0 to 100 or a star"
            if name in _COUNTS:
                pattern, expected = _COUNT, "a whole number or a star"
            elif name == "mean":
                pattern, expected = _NUMBER, "a number or a star"
            wrong = ~Q(**{f"{name}__regex": pattern})
            found.append(_rule("PR-5", "RES-NUMBER", Severity.ERROR, name, wrong, expected=expected))
        return [*found, *sense.rules(kept)]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:  # noqa: ARG002
        kept = Q(dup_key=0) & ~Q(test="") & kept_places()
        numbers = {name: F(name) for name in NUMBERS}
        named = {"key": F("key"), "place": F("place"), "test": F("test"), "school_year": _year()}
        named |= {"student_group": F("group_code"), "grade": F("grade_code")}
        return [
            PlannedCreate(
                kind=PUBLIC_RESULT_KIND,
                part="record",
                when=kept & Q(held__id__isnull=True),
                object_id=NextId(PublicResult),
                values=named | numbers,
            ),
            PlannedUpdate(
                kind=PUBLIC_RESULT_KIND,
                part="record",
                when=kept & Q(held__id__isnull=False),
                object_id=F("held__id"),
                fields={name: (F(f"held__{name}"), F(name)) for name in NUMBERS},
            ),
        ]


def _year() -> Cast:
    """The year as a number; lines without a valid one are refused before."""
    return Cast(
        Case(When(test_year__regex=_YEAR, then=F("test_year")), default=Value("0"), output_field=CharField()),
        IntegerField(),
    )


class EntitiesFile(ResearchFile):
    """Names of counties, districts and schools."""

    key = "research-entities"
    screen = Screen(
        tool=TOOL,
        label="Research file: entities",
        order=20,
        description="The state's names for the counties, districts and schools in its research files.",
        file_hint=".txt or .csv, or .zip with only this file",
    )
    layouts = ("research-entities",)
    row_model = PublicPlaceRow
    fields = (*_PLACE, "test_year", "county_name", "district_name", "school_name")
    duplicates = (
        DuplicateCheck(name="dup_key", key=("key",), compared=("county_name", "district_name", "school_name")),
    )

    def look_at_lines(self, context: RunContext) -> None:
        together.warn_of_names(context)

    def key_of_row(self) -> Any:
        return _Joined(*map(_padded, _PLACE))

    def generated_columns(self, context: RunContext) -> Mapping[str, Any]:
        name = Case(
            When(~Q(school_name=""), then=F("school_name")),
            When(~Q(district_name=""), then=F("district_name")),
            default=F("county_name"),
            output_field=TextField(),
        )
        return {**super().generated_columns(context), "name": name}

    def _rules(self, context: RunContext, kept: Q) -> list[Rule]:
        older = kept & Q(test_year__regex=_YEAR, held__school_year__gt=_year())
        found = Cast(F("test_year"), TextField())
        return [
            *super()._rules(context, kept),
            *sense.name_rules(kept, older),
            _rule(
                "PR-6",
                "RES-OLDER",
                Severity.NOTICE,
                "test_year",
                older,
                found=found,
                expected=Cast(F("held__school_year"), TextField()),
            ),
        ]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:  # noqa: ARG002
        kept = Q(dup_key=0) & kept_places()
        return [
            PlannedCreate(
                kind=PUBLIC_PLACE_KIND,
                part="record",
                when=kept & Q(held__id__isnull=True),
                object_id=NextId(PublicPlace),
                values={"place": F("place"), "name": F("name"), "school_year": _year()},
            ),
            PlannedUpdate(
                kind=PUBLIC_PLACE_KIND,
                part="record",
                when=kept & Q(held__school_year__lte=_year()),
                object_id=F("held__id"),
                fields={"name": (F("held__name"), F("name")), "school_year": (F("held__school_year"), _year())},
            ),
        ]
