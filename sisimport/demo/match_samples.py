"""Labeled file lines for evaluating the match desk: people of the demo district, with typical errors of files.

Every sample says which student it means (None: none on record), so that precision and recall can be computed. The same
seed makes the same samples from the same district.
"""

import datetime as dt
import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from students.matching.candidates import swap_day_and_month
from students.matching.nicknames import are_short_forms
from students.matching.scores import Identity, fold
from students.models import Student

_LETTERS = "abcdefghijklmnoprstuvz"
_SUFFIXES = (" Jr", " Jr.", " III", ", II")
_SHORT_FORMS = "Abby|Alex|Ben|Beto|Chuy|Dan|Fer|Joe|Kate|Liz|Lupe|Mari|Mateo|Memo|Nacho|Nick|Pepe|Rafa|Rosie|Sam|Will"


@dataclass(frozen=True, slots=True)
class Sample:
    """One line as in a file. `kind`: how it was made; `student_id`: the student it means."""

    kind: str
    given: Identity
    student_id: int | None


@dataclass(frozen=True, slots=True)
class _Person:
    student: Student
    identity: Identity


def make_samples(count: int, *, seed: int, lea_id: int) -> list[Sample]:
    """Up to `count` samples, about equally many of each kind, drawn from the students of one LEA."""
    dice = random.Random(seed)  # noqa: S311 - invented people, not secrets
    people = [_Person(student, _as_given(student)) for student in Student.objects.filter(lea_id=lea_id).order_by("pk")]
    dice.shuffle(people)
    families: dict[tuple[str, object], list[_Person]] = {}
    for person in people:
        families.setdefault((person.identity.last_name, person.identity.birth_date), []).append(person)
    twins = [
        pair
        for pair in families.values()
        if len(pair) > 1 and pair[0].identity.first_name != pair[1].identity.first_name
    ]
    makers = list(_makers(dice, twins, people).items())
    samples: list[Sample] = []
    turns = iter(people * 3)
    while len(samples) < count:
        for kind, make in makers:
            for person in turns:
                sample = make(person)
                if sample is not None and sample.given != person.identity:
                    samples.append(replace(sample, kind=kind))
                    break
            else:
                return samples
    return samples[:count]


def _as_given(student: Student) -> Identity:
    return Identity(
        last_name=student.match_last_name,
        first_name=student.match_first_name,
        middle_name=student.match_middle_name,
        birth_date=student.birth_date,
        gender=student.legal_gender or student.gender,
        local_number=student.local_number,
    )


Maker = Callable[[_Person], Sample | None]


def _makers(dice: random.Random, twins: list[list[_Person]], people: list[_Person]) -> dict[str, Maker]:
    """Kind of sample -> a function that makes it from a person, returning None if the person is not suitable."""

    def changed(change: Callable[[Identity], Identity | None]) -> Maker:
        def make(person: _Person) -> Sample | None:
            given = change(person.identity)
            return None if given is None else Sample("", given, person.student.pk)

        return make

    def two(first: Callable[[Identity], Identity | None], second: Callable[[Identity], Identity | None]) -> Maker:
        def both(given: Identity) -> Identity | None:
            once = first(given)
            return None if once is None else second(once)

        return changed(both)

    number_off = _number_off(dice)
    typo_last, typo_first = _typo(dice, "last_name"), _typo(dice, "first_name")
    return {
        "typo in last name": changed(typo_last),
        "typo in first name": changed(typo_first),
        "case": changed(lambda g: replace(g, last_name=g.last_name.upper(), first_name=g.first_name.upper())),
        "diacritics": changed(_without_accents),
        "hyphen": changed(lambda g: _respelled(g, "-", dice.choice(["", " "]))),
        "apostrophe": changed(lambda g: _respelled(g, "'", dice.choice(["", " ", "’"]))),
        "spaces": changed(lambda g: _respelled(g, " ", dice.choice(["", "  "]))),
        "suffix": changed(lambda g: replace(g, last_name=g.last_name + dice.choice(_SUFFIXES))),
        "middle name in first name field": changed(_middle_in_first),
        "nickname": changed(_nickname),
        "half of a double name": changed(_half_name),
        "names swapped": changed(lambda g: replace(g, last_name=g.first_name, first_name=g.last_name)),
        "day and month swapped": changed(_swapped_date),
        "digit of birth date": changed(lambda g: _date_digit(dice, g)),
        "local number off": changed(number_off),
        "number missing": changed(lambda g: replace(g, local_number="")),
        "diacritics, number off": two(_without_accents, number_off),
        "typo, number off": two(typo_last, number_off),
        "typo in both names": two(typo_last, typo_first),
        "typo, day and month swapped": two(typo_first, _swapped_date),
        "suffix, number off": two(lambda g: replace(g, last_name=g.last_name + dice.choice(_SUFFIXES)), number_off),
        "twin with a typo": _twin(dice, twins, typo_first),
        "twin, number off": _twin(dice, twins, number_off),
        "twin with the other's number": _twins_number(dice, twins),
        "new twin": _new_twin(dice, people),
        "new twin of nearly the same name": _new_like_twin(dice, typo_first),
        "new sibling": _new_sibling(dice, people),
        "namesake": _namesake(dice),
        "stranger with a used number": _stranger(dice, people),
    }


# -- right people, wrongly written -------------------------------------------------------------------------------------


def _typo(dice: random.Random, field: str) -> Callable[[Identity], Identity | None]:
    """One typo: a letter wrong, missing or doubled, or two neighbors swapped."""

    def change(given: Identity) -> Identity | None:
        name: str = getattr(given, field)
        if len(name) < 4:
            return None
        at = dice.randrange(1, len(name) - 1)
        letter = dice.choice(_LETTERS)
        slip = dice.choice(
            [
                name[:at] + letter + name[at + 1 :],
                name[:at] + name[at + 1 :],
                name[:at] + name[at] + name[at:],
                name[:at] + name[at + 1] + name[at] + name[at + 2 :],
            ]
        )
        if fold(slip) == fold(name):
            return None
        return replace(given, last_name=slip) if field == "last_name" else replace(given, first_name=slip)

    return change


def _number_off(dice: random.Random) -> Callable[[Identity], Identity | None]:
    def change(given: Identity) -> Identity | None:
        number = given.local_number
        at = dice.randrange(len(number) - 1)
        wrong = dice.choice(
            [
                number[:at] + dice.choice("0123456789") + number[at + 1 :],
                number[:at] + number[at + 1 :],
                number[:at] + number[at + 1] + number[at] + number[at + 2 :],
                str(dice.randrange(900_000, 1_000_000)),
            ]
        )
        return None if wrong == number else replace(given, local_number=wrong)

    return change


def _without_accents(given: Identity) -> Identity | None:
    def plain(name: str) -> str:
        return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))

    last, first = plain(given.last_name), plain(given.first_name)
    return (
        None
        if (last, first) == (given.last_name, given.first_name)
        else replace(given, last_name=last, first_name=first)
    )


def _respelled(given: Identity, old: str, new: str) -> Identity | None:
    last, first = given.last_name.replace(old, new), given.first_name.replace(old, new)
    return (
        None
        if (last, first) == (given.last_name, given.first_name)
        else replace(given, last_name=last, first_name=first)
    )


def _middle_in_first(given: Identity) -> Identity | None:
    if not given.middle_name:
        return None
    return replace(given, first_name=f"{given.first_name} {given.middle_name}", middle_name="")


def _nickname(given: Identity) -> Identity | None:
    plain = fold(given.first_name)
    short = next(
        (name for name in _SHORT_FORMS.split("|") if fold(name) != plain and are_short_forms(fold(name), plain)), None
    )
    return None if short is None else replace(given, first_name=short)


def _half_name(given: Identity) -> Identity | None:
    first, hyphen, _second = given.last_name.partition("-")
    return replace(given, last_name=first) if hyphen and len(first) > 2 else None


def _swapped_date(given: Identity) -> Identity | None:
    swapped = swap_day_and_month(given.birth_date)
    return None if swapped is None or swapped == given.birth_date else replace(given, birth_date=swapped)


def _date_digit(dice: random.Random, given: Identity) -> Identity | None:
    assert given.birth_date is not None  # noqa: S101 - students have one
    text = f"{given.birth_date:%Y%m%d}"
    at = dice.randrange(3, 8)
    wrong = text[:at] + dice.choice("0123456789") + text[at + 1 :]
    try:
        day = dt.date(int(wrong[:4]), int(wrong[4:6]), int(wrong[6:]))
    except ValueError:
        return None
    return None if day == given.birth_date else replace(given, birth_date=day)


# -- people easily mistaken for others
# ------------------------------------------------------------------------------------


def _pairs(dice: random.Random, twins: list[list[_Person]]) -> Iterator[tuple[_Person, _Person]]:
    while twins:
        one, other = dice.sample(dice.choice(twins), 2)
        yield one, other


def _twin(dice: random.Random, twins: list[list[_Person]], change: Callable[[Identity], Identity | None]) -> Maker:
    pairs = _pairs(dice, twins)

    def make(_person: _Person) -> Sample | None:
        pair = next(pairs, None)
        given = change(pair[0].identity) if pair else None
        return Sample("", given, pair[0].student.pk) if pair and given else None

    return make


def _twins_number(dice: random.Random, twins: list[list[_Person]]) -> Maker:
    pairs = _pairs(dice, twins)

    def make(_person: _Person) -> Sample | None:
        pair = next(pairs, None)
        if pair is None:
            return None
        given = replace(pair[0].identity, local_number=pair[1].identity.local_number)
        return Sample("", given, pair[0].student.pk)

    return make


def _fresh_number(dice: random.Random, near: str) -> str:
    """An unused number, sometimes right next to a used one."""
    return f"{near}{dice.randrange(10)}" if dice.random() < 0.5 else str(dice.randrange(5_000_000, 9_000_000))


def _other_first_name(dice: random.Random, people: list[_Person], than: Identity) -> str:
    while True:
        other = dice.choice(people).identity
        if fold(other.first_name) != fold(than.first_name):
            return other.first_name


def _new_twin(dice: random.Random, people: list[_Person]) -> Maker:
    """A twin who is not on record yet: same last name, birth date, and often the same sex."""

    def make(person: _Person) -> Sample | None:
        given = person.identity
        first = _other_first_name(dice, people, given)
        fresh = replace(given, first_name=first, middle_name="", local_number=_fresh_number(dice, given.local_number))
        return Sample("", fresh, None)

    return make


def _new_like_twin(dice: random.Random, change: Callable[[Identity], Identity | None]) -> Maker:
    """José and Josué: one letter apart, and only the local number distinguishes them."""

    def make(person: _Person) -> Sample | None:
        given = change(person.identity)
        if given is None:
            return None
        number = dice.choice(["", _fresh_number(dice, given.local_number)])
        return Sample("", replace(given, local_number=number), None)

    return make


def _new_sibling(dice: random.Random, people: list[_Person]) -> Maker:
    def make(person: _Person) -> Sample | None:
        given = person.identity
        assert given.birth_date is not None  # noqa: S101 - students have one
        born = given.birth_date + dt.timedelta(days=dice.choice([-1, 1]) * dice.randrange(300, 1500))
        first = _other_first_name(dice, people, given)
        number = _fresh_number(dice, given.local_number)
        return Sample("", replace(given, first_name=first, birth_date=born, local_number=number), None)

    return make


def _namesake(dice: random.Random) -> Maker:
    """Same names, a different person: born on another day, with their own number."""

    def make(person: _Person) -> Sample | None:
        given = person.identity
        assert given.birth_date is not None  # noqa: S101 - students have one
        born = given.birth_date + dt.timedelta(days=dice.choice([-1, 1]) * dice.randrange(1, 900))
        return Sample("", replace(given, birth_date=born, local_number=_fresh_number(dice, given.local_number)), None)

    return make


def _stranger(dice: random.Random, people: list[_Person]) -> Maker:
    """Another district's student whose local number happens to be one of ours."""

    def make(person: _Person) -> Sample | None:
        other = dice.choice(people).identity
        if fold(other.last_name) == fold(person.identity.last_name):
            return None
        assert other.birth_date is not None  # noqa: S101 - students have one
        born = other.birth_date + dt.timedelta(days=dice.randrange(20, 300))
        number = person.identity.local_number
        return Sample("", replace(other, birth_date=born, local_number=number), None)

    return make
