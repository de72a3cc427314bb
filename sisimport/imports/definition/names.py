"""When two spellings of a name are near: one definition for all imports that compare a file's names with those on record."""

from typing import Any

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, Left, NullIf

from sisimport.imports.definition.expressions import Differs
from students.models.people import Loose
from students.patterns import NAME_SUFFIX


class _WithoutSuffix(Func):
    function = "regexp_replace"
    output_field = models.TextField()

    def __init__(self, name: Any, **extra: Any) -> None:
        super().__init__(name, Value(NAME_SUFFIX), Value(""), Value("i"), **extra)


def loosely(name: Any) -> Loose:
    """A name as near matches compare it: loose key, without a suffix such as Jr."""
    return Loose(_WithoutSuffix(name))


def is_far(field: str, record: str, *, middle: str = "") -> Q:
    """The file's name is neither the one on record nor near it (near: differing only in case, accents, punctuation, spaces and
    suffix).

    middle: the middle name on record, if the file may have it or its initial after the first name.
    """
    # A name made only of signs (`***`) is near no name, and no name is near one that the record lacks.
    name = NullIf(loosely(F(field)), Value(""))
    far = Q(Differs(name, loosely(F(record))))
    if middle:
        for behind in (F(middle), Left(middle, 1)):
            both = Concat(F(record), Value(" "), behind, output_field=models.TextField())
            far &= Q(Differs(name, loosely(both)))
    return far
