"""Grades that mean different things in different systems (0, -1, T1, 8th), read as a person defined them once for the
district.

Undefined, they are refused with the possible choices. Defined, they are read with the usual notice for the file.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sisimport.files.detection import Recognition
from sisimport.files.grade_forms import plain_grade
from sisimport.imports.definition.options import Choice, Option, Question

GRADE_WORDS: Final = Option(
    name="grade_words",
    label="Grades written as 0, -1, T1 or 8th",
    default="ask",
    district_default=True,
    choices=(
        Choice(value="ask", label="Are refused, with what they may mean"),
        Choice(
            value="tk",
            label="-1 is transitional kindergarten, 0 kindergarten",
            hint="As Aeries writes them. -2 is preschool, T1 transitional kindergarten, 8th grade 8.",
        ),
        Choice(
            value="ps",
            label="-1 is preschool, 0 kindergarten",
            hint="As many districts number them in PowerSchool. T1 is transitional kindergarten, 8th grade 8.",
        ),
    ),
)
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
                    "twelfth")  # fmt: skip
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}
_IN_BOTH: Final = {
    "0": "KN",
    "00": "KN",
    "t1": "TK",
    **{word: f"{number:02}" for number, word in enumerate(_ORDINALS, 1)},
    **{f"{number}{_ENDINGS.get(number, 'th')}": f"{number:02}" for number in range(1, 13)},
}
_MEANT: Final[Mapping[str, Mapping[str, str]]] = {
    "tk": {**_IN_BOTH, "-1": "TK", "-2": "PS"},
    "ps": {**_IN_BOTH, "-1": "PS"},
}


def _is_explained(text: str) -> bool:
    return not _MEANT["tk"].keys().isdisjoint({text.casefold().strip(), plain_grade(text.strip())})


QUESTION: Final = Question(option=GRADE_WORDS, field="grade", settles=_is_explained)


def with_grades_read(recognition: Recognition, options: Mapping[str, str]) -> Recognition:
    """The file, its grades read as the option says."""
    meant, layout = _MEANT.get(options.get(GRADE_WORDS.name, "")), recognition.layout
    if meant is None or layout is None or "grade" not in layout.fields:
        return recognition
    column = layout.fields["grade"]
    read = replace(
        column,
        spellings={**column.spellings, **meant},
        unclear={text: choices for text, choices in column.unclear.items() if text not in meant},
    )
    columns = tuple(read if one is column else one for one in layout.columns)
    return replace(recognition, layout=replace(layout, columns=columns, fields={**layout.fields, "grade": read}))
