"""Rules of score lines, in the three families of the screen: Ambiguity, Discrepancy, Exception; and the reasons to skip.

Source: CAASPP Import (vendor help page, 2025), Error and Warning Descriptions and Data Matching Errors.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Case, CharField, F, Func, IntegerField, Q, Value, When
from django.db.models.functions import Cast, Concat

from assessments.scores import contradictions, doubts, years
from assessments.scores.as_tested import FACTS, ODD_INCLUDE
from assessments.structure import (
    HIGHEST,
    LOWEST,
    LayoutTest,
    Part,
    condition_codes,
    grades,
    kept_ranges,
    no_score,
    other_grades,
    school_year,
    structure,
    tested_grades,
    tests_of,
)
from sisimport.files.issues import Severity
from sisimport.files.numbers import CODE_LENGTH, is_short_code
from sisimport.files.remembered import Remembered
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.names import is_far
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.accepted_matches import ACCEPTED, REMEMBERED
from sisimport.imports.engine.identifiers import full_code
from students.models import School
from students.patterns import ten_digits

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE
_SCALE = r"^[0-9]{1,4}$"
_RAW = r"^[0-9]{1,4}(\.[0-9]{1,2})?$"
_UNGRADED = {"UE", "US"}
LIVE = Q(skipped=0)
_AS_GIVEN = ~Q(accepted__in=[REMEMBERED, ACCEPTED])  # no one has said whose line it is


def rules(context: RunContext) -> Sequence[Rule]:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    tests = tests_of(context.layout)
    return [
        *_skip_rules(tests),
        *_match_rules(context),
        *years.rules(context, LIVE),
        *_identity_rules(),
        *_school_rules(context),
        *_repeat_rules(),
        *_rules_of_layout(tests, school_year(context.layout.key)),
    ]


_layout_rules: Remembered[list[Rule]] = Remembered(most=64)


def _rules_of_layout(tests: tuple[LayoutTest, ...], year: int) -> list[Rule]:
    """Those that depend on the layout alone, a few hundred: made once for its tests (`tests_of` gives the same ones)."""
    found = _layout_rules.get((year,), [tests])
    if found is None:
        found = [
            *_record_type_rules(tests),
            *_value_rules(tests),
            *_range_rules(tests, year),
            *doubts.rules(tests, columns_read(tests), LIVE),
            *contradictions.rules(tests, whole_numbers(tests), LIVE, year=year),
        ]
        _layout_rules.keep((year,), [tests], found)
    return found


def _of(test: LayoutTest) -> Q:
    return Q(record_type__in=list(test.record_types))


def _skip_rules(tests: Sequence[LayoutTest]) -> list[Rule]:
    names = Case(
        *(When(_of(test), then=Value(test.parent.name)) for test in tests), default=Value(""), output_field=CharField()
    )
    found = Case(
        When(~Q(condition_code=""), then=F("condition_code")), default=Value("blank scores"), output_field=CharField()
    )
    return [
        Rule(number="CA-S-1", code="SKIP-UNSCORED", severity=NOTICE, field="condition_code", found=found,
             when=Q(skipped=1) & ~contradictions.is_coded(tests), needs_student=False),
        Rule(number="CA-S-2", code="SKIP-OPTION", severity=NOTICE, field="record_type", when=Q(skipped=2),
             found=F("record_type"), expected=names, needs_student=False),
    ]  # fmt: skip


def _match_rules(context: RunContext) -> list[Rule]:
    valid = ten_digits("ssid")
    nobody = LIVE & valid & ~context.matched
    return [
        Rule(number="CA-E-1", code="EXC-SSID", severity=ERROR, field="ssid", when=LIVE & ~valid & _AS_GIVEN, found=F("ssid"),
             expected="ten digits", needs_student=False),
        Rule(number="CA-A-1", code="AMB-STUDENTS", severity=ERROR, field="ssid", when=nobody & Q(candidates__gte=2),
             found=F("ssid"), params={"candidates": F("candidate_text")}, needs_student=False),
        Rule(number="CA-D-2", code="DIS-PARTIAL", severity=ERROR, field="ssid", when=nobody & Q(candidates=1),
             found=F("ssid"), params={"candidates": F("candidate_text")}, needs_student=False),
        Rule(number="CA-D-1", code="DIS-NOTFOUND", severity=ERROR, field="ssid", when=nobody & Q(candidates=0),
             found=F("ssid"), needs_student=False),
        Rule(number="CA-D-6", code="DIS-RETIRED", severity=NOTICE, field="ssid",
             when=LIVE & (Q(holder__retired_at__isnull=False) | ~Q(replaced_ssid="")),
             found=Case(When(~Q(replaced_ssid=""), then=F("replaced_ssid")), default=F("ssid"), output_field=CharField())),
    ]  # fmt: skip


def _identity_rules() -> list[Rule]:
    """Names are compared with those on record, first names also with everyday and alias names."""
    last = ("student__match_last_name", "student__last_name", "student__alias_last_name")
    first = ("student__match_first_name", "student__first_name", "student__alias_first_name")
    birth = Q(birth_date__isnull=False) & Q(Differs(F("birth_date"), F("student__birth_date")))
    return [
        *_name_rules("CA-D-4", "last_name", last),
        *_name_rules("CA-D-3", "first_name", first),
        Rule(number="CA-D-5", code="DIS-BIRTH", severity=ERROR, field="birth_date", when=LIVE & birth,
             found=F("birth_date"), expected=F("student__birth_date"), forgivable=True),
    ]  # fmt: skip


def _name_rules(number: str, field: str, records: Sequence[str]) -> list[Rule]:
    differs, far = LIVE & ~Q(**{field: ""}), Q()
    for record in records:
        differs &= Q(Differs(F(field), F(record)))
        far &= is_far(field, record, middle="student__match_middle_name" if field == "first_name" else "")
    both: dict[str, Any] = {"field": field, "found": F(field), "expected": F(records[0])}
    return [
        Rule(number=number, code="DIS-NAME", severity=ERROR, when=differs & far, forgivable=True, **both),
        Rule(number=number, code="DIS-NEAR", severity=NOTICE, when=differs & ~far, **both),
    ]


def _school_rules(context: RunContext) -> list[Rule]:
    chosen = chosen_schools(context)
    if not chosen:
        return []
    ids = list(School.objects.filter(code__in=chosen).values_list("pk", flat=True))
    outside = Q(student__school_id__isnull=True) | ~Q(student__school_id__in=ids)
    return [
        Rule(number="CA-E-2", code="EXC-SCHOOL", severity=ERROR, field="school_code", when=LIVE & outside,
             found=F("student__school__code"), expected=", ".join(chosen)),
    ]  # fmt: skip


def chosen_schools(context: RunContext) -> list[str]:
    """Codes of the schools whose students the import is limited to; empty: all."""
    codes = [code.strip() for code in context.option("schools").split(",") if code.strip()]
    short = list(filter(is_short_code, codes))
    if not short:
        return codes
    full = [code.zfill(CODE_LENGTH) for code in short]
    school_codes = set(School.objects.filter(code__in=[*short, *full]).values_list("code", flat=True))
    return [full_code(code, school_codes) or code for code in codes]


def _repeat_rules() -> list[Rule]:
    other = {"other_line": F("repeated_line")}
    return [
        Rule(number="CA-A-2", code="AMB-RECORDS", severity=ERROR, field="ssid", when=LIVE & Q(repeated=2), found=F("ssid"),
             params=other, needs_student=False),
        Rule(number="CA-A-3", code="AMB-REPEAT", severity=NOTICE, field="ssid", when=LIVE & Q(repeated=1), found=F("ssid"),
             params=other, needs_student=False),
        Rule(number="CA-A-5", code="AMB-REPEAT-OTHER", severity=WARNING, field="ssid", when=LIVE & Q(repeated=4),
             found=F("repeat_differs"), params=other, needs_student=False),
        Rule(number="CA-A-6", code="AMB-NOT-COUNTED", severity=WARNING, field="ssid", when=LIVE & Q(repeated=5),
             found=_include_indicator(), params=other, needs_student=False),
        Rule(number="CA-A-4", code="AMB-REFUSED", severity=ERROR, field="ssid", when=LIVE & Q(repeated=3), found=F("ssid"),
             params=other, needs_student=False),
    ]  # fmt: skip


def _include_indicator() -> Any:
    """What the line says about whether it counts."""
    place = [fact.name for fact in FACTS].index("include") + 1
    held = Func(F("as_tested"), Value(","), Value(place), function="split_part", output_field=CharField())
    return Case(When(~Q(Differs(held, Value(ODD_INCLUDE))), then=Value("not one of the state's")), default=held)


def _record_type_rules(tests: Sequence[LayoutTest]) -> list[Rule]:
    types = [code for test in tests for code in test.record_types]
    expected = ", ".join(f"{test.record_types[0]} ({test.parent.name})" for test in tests)
    return [
        Rule(number="CA-E-3", code="EXC-RECORD-TYPE", severity=ERROR, field="record_type",
             when=~Q(record_type__in=types) & ~Q(record_type=""), found=F("record_type"), expected=expected, needs_student=False),
        Rule(number="CA-E-8", code="EXC-CONDITION", severity=WARNING, field="condition_code",
             when=LIVE & ~Q(condition_code__in=["", *condition_codes()]), found=F("condition_code"),
             expected=", ".join(condition_codes()), needs_student=False),
        Rule(number="CA-E-9", code="EXC-GRADE", severity=WARNING, field="grade_assessed",
             when=LIVE & ~Q(grade_assessed__in=["", *grades(), *other_grades()]), found=F("grade_assessed"),
             expected=", ".join(structure()["grades"]), needs_student=False),
    ]  # fmt: skip


ScoreUses = dict[str, list[tuple[LayoutTest, str]]]
LevelUses = dict[str, list[tuple[LayoutTest, Part]]]


def column_uses(tests: Sequence[LayoutTest]) -> tuple[ScoreUses, LevelUses]:
    """Score columns with the tests that use them and the pattern of their values; level columns with their parts."""
    scores: ScoreUses = {}
    levels: LevelUses = {}
    for test in tests:
        for part in test.parts:
            numbers = ((part.scale, _SCALE), (part.raw, _RAW), (part.error, _RAW))
            for column, pattern in (pair for pair in numbers if pair[0]):
                scores.setdefault(column, []).append((test, pattern))
            if part.result:
                levels.setdefault(part.result, []).append((test, part))
    return scores, levels


def columns_read(tests: Sequence[LayoutTest]) -> list[str]:
    """All columns of scores and levels."""
    scores, levels = column_uses(tests)
    return [*scores, *levels]


def whole_numbers(tests: Sequence[LayoutTest]) -> list[str]:
    """The columns of raw scores and standard errors, which may be written with a decimal point."""
    return [name for name, uses in column_uses(tests)[0].items() if uses[0][1] == _RAW]


def known_levels(part: Part) -> list[str]:
    """Every way a level of this part may be written, upper case."""
    return sorted({*(code.upper() for code in part.results or {}), *part.spellings(), *no_score()})


def _value_rules(tests: Sequence[LayoutTest]) -> list[Rule]:
    """One rule per column of the file: what the tests that use it expect there."""
    scores, levels = column_uses(tests)
    found: list[Rule] = []
    for column, uses in scores.items():
        pattern = uses[0][1]
        types = [code for test, _pattern in uses for code in test.record_types]
        wrong = (
            LIVE & ~Q(**{f"{column}__in": ["", "NS"]}) & Q(record_type__in=types) & ~Q(**{f"{column}__regex": pattern})
        )
        expected = "a whole number of at most four digits" if pattern == _SCALE else "a number"
        found.append(Rule(number="CA-E-4", code="EXC-SCORE", severity=ERROR, field=column, when=wrong, found=F(column),
                          expected=expected, needs_student=False))  # fmt: skip
    for column, parts in levels.items():
        level_listed = Q()
        for test, part in parts:
            level_listed |= _of(test) & Q(**{f"{column}__in": known_levels(part)})
        types = [code for test, _part in parts for code in test.record_types]
        odd = LIVE & ~Q(**{column: ""}) & Q(record_type__in=types) & ~level_listed
        of_its_test = Case(
            *(When(_of(test), then=Value(", ".join(part.results or {}))) for test, part in parts),
            default=Value(""),
            output_field=CharField(),
        )
        found.append(Rule(number="CA-E-5", code="EXC-LEVEL", severity=ERROR, field=column, when=odd,
                          found=F(column), expected=of_its_test, needs_student=False))  # fmt: skip
    return found


def _range_rules(tests: Sequence[LayoutTest], year: int) -> list[Rule]:
    raws = sorted({part.raw for test in tests for part in test.parts if part.raw})
    return [
        *(_score_range_rule(column) for column in ranged_columns(tests)),
        *(_other_score_rule(test, part, year) for test in tests for part in test.parts if has_widest_range(test, part)),
        *map(_raw_range_rule, raws),
        _level_range_rule(tests),
        *(_test_grade_rule(test) for test in tests),
        *(_part_grade_rule(test, part) for test in tests for part in test.children if part.grades),
    ]


def odd_grade(test: LayoutTest) -> Q:
    """The line is of this test, and of a valid grade that never takes it. Ungraded students may take any test."""
    fitting = {*(tested_grades(test.ranges) or grades()), *_UNGRADED}
    odd = [grade for grade in (*grades(), *other_grades()) if grade.zfill(2) not in fitting]
    return _of(test) & Q(grade_assessed__in=odd)


def _test_grade_rule(test: LayoutTest) -> Rule:
    given = tested_grades(test.ranges) or structure()["grades"]
    return Rule(number="CA-E-14", code="EXC-TEST-GRADE", severity=WARNING, field="grade_assessed", when=LIVE & odd_grade(test),
                found=F("grade_assessed"), expected=", ".join(given), needs_student=False,
                params={"test": Value(test.parent.name)})  # fmt: skip


def _part_grade_rule(test: LayoutTest, part: Part) -> Rule:
    held = Q()
    for name in part.fields:
        held |= ~Q(**{f"{name}__in": ["", "NS"]})
    fitting = {*part.grades, *_UNGRADED}
    odd = [grade for grade in (*grades(), *other_grades()) if grade.zfill(2) not in fitting]
    return Rule(number="CA-E-16", code="EXC-PART-GRADE", severity=WARNING, field=part.fields[-1], needs_student=False,
                when=LIVE & _of(test) & held & Q(grade_assessed__in=odd), found=F("grade_assessed"),
                expected=", ".join(part.grades), params={"part": Value(f"{part.name} of {test.parent.name}")})  # fmt: skip


def ranged_columns(tests: Sequence[LayoutTest]) -> list[str]:
    """Columns whose scale scores must be in the range of the line's test and grade."""
    return ["scale_score", *(part.scale for test in tests for part in test.children if part.in_parents_range)]


def _number(column: str) -> Any:
    """A score as a number; null if it is not one."""
    return Case(When(**{f"{column}__regex": _SCALE}, then=Cast(column, IntegerField())), output_field=IntegerField())


def _inside(score: Any) -> Q:
    return _at_least(score, "range__lowest") & ~_at_least(score, "range__highest", plus=1)


def _score_range_rule(column: str) -> Rule:
    published = LIVE & Q(range__lowest__isnull=False) & Q(**{f"{column}__regex": _SCALE})
    return Rule(number="CA-E-6", code="EXC-RANGE", severity=WARNING, field=column, when=published & ~_inside(_number(column)),
                found=F(column), needs_student=False,
                expected=Concat("range__lowest", Value(" to "), "range__highest", output_field=CharField()))  # fmt: skip


_MOST_PERCENT, _MOST_RAW = 100, 99  # a raw score has two digits (Student Data File Layouts)


def has_widest_range(test: LayoutTest, part: Part) -> bool:
    """Whether the part's score is on the scale of the state's scores. Composites of a test without ranges may have another."""
    return bool(part.scale) and (has_parents_range(test, part) or bool(test.ranges))


def widest_range(test: LayoutTest, part: Part, year: int) -> tuple[int, int]:
    """The lowest and the highest scale score that the part can have in any grade."""
    if not has_parents_range(test, part):
        return LOWEST, HIGHEST
    ranges = kept_ranges(test.ranges, year, test.edition.comparable_from)
    return (
        min((one.lowest for one in ranges), default=LOWEST),
        max((one.highest for one in ranges), default=HIGHEST),
    )


def has_parents_range(test: LayoutTest, part: Part) -> bool:
    """Whether a range published for the test is that of the part too."""
    return part is test.parent or part.in_parents_range


def in_widest_range(test: LayoutTest, part: Part, score: Any, year: int) -> Q:
    """The score, as a number, is one that the part can have in any grade."""
    lowest, highest = widest_range(test, part, year)
    return Q(AtLeast(score, Value(lowest))) & ~Q(AtLeast(score, Value(highest + 1)))


def _other_score_rule(test: LayoutTest, part: Part, year: int) -> Rule:
    """Of a part without a published range, at least in the grade of the line."""
    lowest, highest = widest_range(test, part, year)
    column = part.scale
    unpublished = Q(range__lowest__isnull=True) if has_parents_range(test, part) else Q()
    number = Case(When(**{f"{column}__regex": _SCALE}, then=Cast(column, IntegerField())), default=Value(lowest))
    inside = in_widest_range(test, part, number, year)
    return Rule(number="CA-E-6", code="EXC-RANGE", severity=WARNING, field=column, found=F(column), needs_student=False,
                when=LIVE & _of(test) & unpublished & ~inside,
                expected=Value(f"{lowest:,} to {highest:,}"))  # fmt: skip


def _raw_range_rule(column: str) -> Rule:
    most = _MOST_RAW if column.startswith("raw") else _MOST_PERCENT
    number = Case(When(**{f"{column}__regex": _SCALE}, then=Cast(column, IntegerField())), default=Value(0))
    return Rule(number="CA-E-28", code="EXC-RAW", severity=WARNING, field=column, found=F(column), needs_student=False,
                when=LIVE & Q(AtLeast(number, Value(most + 1))), expected=Value(f"0 to {most}"))  # fmt: skip


def levels_by_number(tests: Sequence[LayoutTest]) -> dict[str, list[str]]:
    """How levels 1 to 4 of a test may be written: as a number, or in words, best first."""
    found = {f"{n}": [f"{n}", f"0{n}"] for n in range(1, 5)}
    for test in tests:
        spellings = test.parent.spellings()
        words = [code for code in test.parent.results or {} if not code.isdigit() and code not in no_score()]
        for number, word in enumerate(reversed(words[:4]), 1):
            found[f"{number}"] += [word.upper(), *(spelling for spelling, code in spellings.items() if code == word)]
    # The digit first, as nearly all are written: such lists are gone through in their order, for every line.
    return {number: sorted(set(written), key=lambda text: (len(text), text)) for number, written in found.items()}


def words_by_number(tests: Sequence[LayoutTest]) -> dict[str, list[str]]:
    """Other ways to write levels 1 to 4 where the state writes a number: "STANDARD MET", "LEVEL 3"."""
    pairs = {(word, code) for test in tests for word, code in test.parent.spellings().items() if code.isdigit()}
    words = [word for word, _code in pairs]  # of another level in another test: no word for either
    return {
        f"{n}": sorted(word for word, code in pairs if code == f"{n}" and words.count(word) == 1) for n in range(1, 5)
    }


def _level_range_rule(tests: Sequence[LayoutTest]) -> Rule:
    score = _number("scale_score")
    published = LIVE & Q(range__lowest__isnull=False) & Q(scale_score__regex=_SCALE)
    level = Case(
        When(Q(range__level_2__isnull=True), then=Value("")),
        When(_at_least(score, "range__level_4"), then=Value("4")),
        When(_at_least(score, "range__level_3"), then=Value("3")),
        When(_at_least(score, "range__level_2"), then=Value("2")),
        default=Value("1"),
        output_field=CharField(),
    )
    other = Q(pk__isnull=True)
    words = words_by_number(tests)
    for number, written in levels_by_number(tests).items():
        other |= Q(achievement_level__in=[*written, *words[number]]) & Q(Differs(Value(number), level))
    return Rule(number="CA-E-7", code="EXC-LEVEL-RANGE", severity=WARNING, field="achievement_level",
                when=published & _inside(score) & Q(range__level_2__isnull=False) & other,
                found=F("achievement_level"), expected=level, needs_student=False,
                params={"score": F("scale_score")})  # fmt: skip


class AtLeast(models.Func):
    template = "(%(expressions)s)"
    arg_joiner = " >= "
    output_field = models.BooleanField()
    conditional = True


def _at_least(score: Any, bound: str, *, plus: int = 0) -> Q:
    """score >= bound + plus, false where the bound is unknown."""
    limit: Any = F(bound) + plus if plus else F(bound)
    return Q(**{f"{bound}__isnull": False}) & Q(AtLeast(score, limit))
