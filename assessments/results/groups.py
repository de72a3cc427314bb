"""Student groups as pages name them, in order."""

from collections.abc import Mapping

from assessments.scores.result_counts import ALL, GROUPS

# Prefix of a group (see result_counts.py) -> the attribute that the groups are based on.
DIVISIONS: Mapping[str, str] = {
    "g": "Gender",
    "e": "Race and ethnicity",
    "l": "English learner status",
    "s": "Economic disadvantage",
    "d": "Disability",
    "h": "Homeless",
    "f": "Foster",
    "m": "Migrant",
    "a": "Military family",
}
NAMES: Mapping[str, str] = {
    ALL: "All students",
    "g:F": "Female",
    "g:M": "Male",
    "g:X": "Nonbinary",
    "e:100": "American Indian or Alaska Native",
    "e:200": "Asian",
    "e:300": "Native Hawaiian or Pacific Islander",
    "e:400": "Filipino",
    "e:500": "Hispanic or Latino",
    "e:600": "Black or African American",
    "e:700": "White",
    "e:800": "Two or more races, or none reported",
    "l:EO": "English only",
    "l:IFEP": "Initial fluent English proficient",
    "l:EL": "English learner",
    "l:RFEP": "Reclassified fluent English proficient",
    "l:TBD": "To be determined",
    "l:ADEL": "Adult English learner",
    "s:Y": "Socioeconomically disadvantaged",
    "s:N": "Not socioeconomically disadvantaged",
    "d:Y": "Students with disability",
    "d:N": "Students without disability",
    "h:Y": "Homeless",
    "f:Y": "Foster youth",
    "m:Y": "Migrant",
    "a:Y": "Military family",
}


def groups_of(division: str) -> list[str]:
    return [f"{division}:{value}" for value in GROUPS[division][1]]


ORDER: tuple[str, ...] = (ALL, *(group for division in DIVISIONS for group in groups_of(division)))
