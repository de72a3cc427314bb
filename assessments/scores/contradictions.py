"""Values of one line that exclude each other: a condition code and scores, a level and no score, halves of raw scores.

The state computes them from one another, so such a line shows that a single column was moved, sorted or emptied. It
gets a warning that names line and column. A line whose condition code says that there is no score stays out, as before.

Sources: CAASPP and ELPAC Student Data File Layouts (California Department of Education): meaning of the condition codes and the
tests that have them; raw scores, percentages and standard errors are whole numbers.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.db import models
from django.db.models import Case, CharField, F, IntegerField, Q, Value, When
from django.db.models.functions import Cast

from assessments.structure import LayoutTest, Part, own_codes, unscored_codes
from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule

WARNING = Severity.WARNING
_WHOLE: Final = r"^[0-9]{1,4}$"
_HALVES: Final = r"^[0-9]{1,4}\.0*[1-9]"
# Codes that come with a score by rule, and how far that score is above the lowest one of the grade.
ABOVE_LOWEST: Final = {"LOSS": 0, "INC0": 0, "INC1": 1}
_NONE: Final = ["0", "00", "000"]
_ONE_DOMAIN_EXEMPT: Final = "EXD"


def rules(tests: Sequence[LayoutTest], numbers: Sequence[str], live: Q, *, year: int) -> list[Rule]:
    """`numbers`: the columns of raw scores and standard errors. `year`: of the layout, by its spring."""
    return [
        _unscored_with_scores(tests),
        *(_code_of_another_test(test, live, year) for test in tests),
        _not_the_lowest(live),
        *(_nothing_exempt(test, live) for test in tests if domains(test)),
        *(_level_without_score(test, part, live) for test in tests for part in scored_with_level(test)),
        *(_large_error(test, part, live) for test in tests for part in test.parts if part.scale and part.error),
        *(rule for test in tests for part in halved(test) for rule in _halves_of_a_score(test, part, live)),
        *(_halves(column, live) for column in numbers),
    ]


def usual_codes(test: LayoutTest) -> list[str]:
    """Condition codes for which no rule here fires, whatever else is in the line."""
    return [code for code in own_codes(test.code) if code not in {*ABOVE_LOWEST, _ONE_DOMAIN_EXEMPT}]


def halved(test: LayoutTest) -> list[Part]:
    """The test and those of its parts that always have a scale score and a level together, or neither."""
    return [
        part for part in test.parts if part.scale and part.result and (part is test.parent or part.in_parents_range)
    ]


def scored_with_level(test: LayoutTest) -> list[Part]:
    """The test and its parts that may have a scale score and a level."""
    return [part for part in test.parts if part.scale and part.result]


def has_both_or_neither(test: LayoutTest) -> Q:
    """Score and level go together: nothing to be said where both are there or none; of a claim, where its level is one."""
    found = Q()
    for part in halved(test):
        no_level = {f"{part.result}__in": ["", *part.without_score()]}
        found &= Q(**{part.scale: "", part.result: ""}) | ~Q(**{part.scale: ""}) & ~Q(**no_level)
    always = halved(test)
    for part in (part for part in scored_with_level(test) if part not in always):
        found &= Q(**{part.scale: ""}) | ~Q(**{f"{part.result}__in": part.without_score()})
    return found


def has_small_errors(test: LayoutTest) -> Q:
    """Every standard error has fewer digits than its score and is not zero, or is blank."""
    found = Q()
    for part in test.parts:
        if part.scale and part.error:
            small = ~Q(NoFewerBytes(F(part.error), F(part.scale))) & ~Q(**{f"{part.error}__in": _NONE})
            found &= Q(**{part.error: ""}) | small
    return found


class NoFewerBytes(models.Func):
    """Is the first text as long as the second, or longer?"""

    template = "(octet_length(%(expressions)s))"
    arg_joiner = ") >= octet_length("
    output_field = models.BooleanField()
    conditional = True


def domains(test: LayoutTest) -> list[Part]:
    """Parts with raw scores; a student may be exempt from one of them."""
    return [part for part in test.children if part.raw and test.code.startswith("ELPAC")]


def unscored_levels(part: Part) -> list[str]:
    """Every way to write that a part has no level: blank, no score, exempt."""
    exempt = [spelling for spelling, code in part.spellings().items() if code == "E"]
    return ["", *part.without_score(), "E", *exempt]


def _of(test: LayoutTest) -> Q:
    return Q(record_type__in=list(test.record_types))


def _holds_a_score(part: Part) -> Q:
    found = Q()
    for name in (part.scale, part.raw):
        found |= ~Q(**{f"{name}__in": ["", "NS"]}) if name else Q()
    return found | ~Q(**{f"{part.result}__in": unscored_levels(part)}) if part.result else found


def _unscored_with_scores(tests: Sequence[LayoutTest]) -> Rule:
    held = Q(pk__isnull=True)
    for test in tests:
        for part in test.parts:
            held |= _of(test) & _holds_a_score(part)
    return Rule(number="CA-S-3", code="SKIP-CODED", severity=WARNING, field="condition_code", found=F("condition_code"),
                when=Q(skipped=1, condition_code__in=unscored_codes()) & held, needs_student=False)  # fmt: skip


def is_coded(tests: Sequence[LayoutTest]) -> Q:
    """The line is left out because of its code although it holds scores."""
    when: Q = _unscored_with_scores(tests).when  # type: ignore[assignment]
    return when


def _code_of_another_test(test: LayoutTest, live: Q, year: int) -> Rule:
    strange = [code for code in own_codes("", year) if code not in own_codes(test.code, year)]
    return Rule(number="CA-E-21", code="EXC-CODE-TEST", severity=WARNING, field="condition_code", found=F("condition_code"),
                when=live & _of(test) & Q(condition_code__in=strange), needs_student=False,
                expected=Value(test.parent.name))  # fmt: skip


def _not_the_lowest(live: Q) -> Rule:
    score = Case(When(scale_score__regex=_WHOLE, then=Cast("scale_score", IntegerField())), output_field=IntegerField())
    by_code = [When(condition_code=code, then=F("range__lowest") + above) for code, above in ABOVE_LOWEST.items()]
    expected = Case(*by_code, output_field=IntegerField())
    coded = Q(range__lowest__isnull=False, condition_code__in=list(ABOVE_LOWEST), scale_score__regex=_WHOLE)
    return Rule(number="CA-E-22", code="EXC-CODE-SCORE", severity=WARNING, field="condition_code", found=F("condition_code"),
                when=live & coded & Q(Differs(score, expected)), expected=Cast(expected, CharField()), needs_student=False,
                params={"score": F("scale_score")})  # fmt: skip


def _nothing_exempt(test: LayoutTest, live: Q) -> Rule:
    all_there = Q()
    for part in domains(test):
        all_there &= ~Q(**{f"{part.raw}__in": ["", "NS"]})
        all_there &= ~Q(**{f"{part.result}__in": unscored_levels(part)}) if part.result else Q()
    return Rule(number="CA-E-23", code="EXC-NONE-EXEMPT", severity=WARNING, field="condition_code", found=F("condition_code"),
                when=live & _of(test) & Q(condition_code=_ONE_DOMAIN_EXEMPT) & all_there, needs_student=False)  # fmt: skip


def _level_without_score(test: LayoutTest, part: Part, live: Q) -> Rule:
    """The level says that there is no score, and there is one."""
    both = Q(**{f"{part.result}__in": part.without_score(), f"{part.scale}__regex": _WHOLE})
    return Rule(number="CA-E-26", code="EXC-NO-SCORE", severity=WARNING, field=part.result, found=F(part.result),
                when=live & _of(test) & both, expected=F(part.scale), needs_student=False)  # fmt: skip


def _large_error(test: LayoutTest, part: Part, live: Q) -> Rule:
    """A standard error of as many digits as the score, or none at all: no test of the state is so inexact, or so exact."""
    digits = Q(**{f"{part.error}__regex": _WHOLE, f"{part.scale}__regex": _WHOLE})
    large = Q(NoFewerBytes(_bare(part.error), _bare(part.scale))) | Q(**{f"{part.error}__in": _NONE})
    return Rule(number="CA-E-27", code="EXC-ERROR", severity=WARNING, field=part.error, found=F(part.error),
                when=live & _of(test) & digits & large, expected=F(part.scale), needs_student=False)  # fmt: skip


def _bare(column: str) -> models.Func:
    return models.Func(F(column), Value("0"), function="ltrim", output_field=CharField())


def _halves_of_a_score(test: LayoutTest, part: Part, live: Q) -> list[Rule]:
    """A scale score without its level, or a level without its scale score."""
    no_level, no_scale = Q(**{part.result: ""}), Q(**{f"{part.scale}__in": ["", "NS"]})
    common: dict[str, Any] = {"number": "CA-E-24", "code": "EXC-HALF", "severity": WARNING, "needs_student": False}
    scored = Q(**{f"{part.scale}__regex": _WHOLE})
    levelled = ~Q(**{f"{part.result}__in": unscored_levels(part)})
    return [
        Rule(field=part.result, when=live & _of(test) & no_level & scored, found=F(part.scale), expected="scale score", **common),
        Rule(field=part.scale, when=live & _of(test) & no_scale & levelled, found=F(part.result), expected="level", **common),
    ]  # fmt: skip


def _halves(column: str, live: Q) -> Rule:
    return Rule(number="CA-E-25", code="EXC-WHOLE", severity=WARNING, field=column, found=F(column), needs_student=False,
                when=live & Q(**{f"{column}__regex": _HALVES}))  # fmt: skip
