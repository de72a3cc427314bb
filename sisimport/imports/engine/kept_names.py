"""Names that a file spells less well than the record (GARCIA for García, OBRIEN for O'Brien): the record is kept, and reported.

    poorer    the same letters, all upper or all lower case where the record has both; or with fewer accents, apostrophes,
              hyphens, periods or spaces, or with capitals as a machine sets them, and nothing that the record lacks; or the
              name on record inside signs that no name begins or ends with ('Peña, Peña*), or with another
              apostrophe (O’Neil for O'Neil)
    else      another name, which goes in: García for Garcia, García-López for Garcia Lopez, Garza for García

For every import type that writes names: called in its `prepare`, before rules and plan see the staged rows.
"""

from collections.abc import Sequence
from typing import Final

from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.rules import RECORD
from sisimport.imports.engine.sql import execute, fetch_one, quoted

POORER_NAMES: Final = Option(
    name="poorer_names",
    label="A name spelled more poorly in the file than on record (GARCIA for García)",
    default="keep",
    district_default=True,
    choices=(
        Choice(value="keep", label="Keeps the spelling on record"),
        Choice(value="write", label="Is written as the file has it", hint="For all lines of this file."),
    ),
)
POORER_NAMES_REMEDY: Final = {"NAME-KEPT": (POORER_NAMES.name, "write")}

_SEQ: Final = 90  # of these issues: after those about codes, before the rules
_NAMED_ONE_BY_ONE: Final = 1000  # lines; beyond that, only the number of lines is reported

# Letters that programs without them write as two.
_AS_TWO: Final = {"ß": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th"}
_ACCENTS: Final = r"\u0300-\u036f"
_STROKES: Final = "øØłŁđĐ"  # letters that sis_loose treats as plain ones, in addition to those with accents
_EDGES: Final = (
    " -.,;:/\\!&''`´*_#@~|+=<>^$()[]{{}}"  # none of these distinguishes two names when it begins or ends one
)
_BARE: Final = f"btrim({{0}}, '{_EDGES}')"
# Signs that an old record may have at its ends for no reason; a period may be that of `Jr.`
_DAMAGED: Final = "btrim({0}, ' -,;:/!&*_#@~|+=<>^$')"
_LOOSE: Final = "sis_loose(replace({0}, 'ʻ', ''))"  # the okina is a letter to PostgreSQL
_TYPED: Final = "normalize(regexp_replace({0}, ' +', ' ', 'g'), NFKD)"
_PLAIN_STROKES: Final = f"translate(normalize(replace({{0}}, 'ʻ', ''), NFKD), '{_STROKES}', 'oOlLdD')"
_CAPITALS: Final = f"regexp_replace({_PLAIN_STROKES}, '[{_ACCENTS}]', '', 'g')"
# Letters, digits and spaces: OBrien for O'Brien has no capitals that the record lacks, JoAnn for Jo Ann has one.
_UNSIGNED: Final = f"regexp_replace({_CAPITALS}, '[^A-Za-z0-9 ]', '', 'g')"
_SIGNS: Final = f"regexp_replace({_TYPED}, '[A-Za-z0-9{_ACCENTS}{_STROKES}]', '', 'g')"
# Make apostrophes plain, and doubled ones single: databases double them.
_APOSTROPHES: Final = "replace(translate({0}, '’‘`´ʼʻ', repeat('''', 6)), repeat('''', 2), '''')"
_ACCENTED: Final = "normalize(replace({0}, '´', chr(769)), NFC)"  # Garci´a: the accent after its letter
_LETTERS: Final = f"lower(regexp_replace({_TYPED}, '[^A-Za-z0-9{_ACCENTS}{_STROKES}]', '', 'g'))"
_ACCENT_COUNT: Final = f"length(regexp_replace({_TYPED}, '[^{_ACCENTS}{_STROKES}]', '', 'g'))"
# How much the capitals tell: MARY ANN or mary ann for Mary Ann (0), Mary ann or O'brien (1), O'Brien (2), McDonald,
# de la Cruz (3).
_CASING: Final = f"""(SELECT CASE WHEN t.n !~ '[A-Za-z][A-Z]' AND t.n !~ '(^|[^A-Za-z])[a-z]' THEN 2
  WHEN t.n !~ '[a-z]' OR t.n !~ '[A-Z]' THEN 0
  WHEN t.n !~ '[^ ][A-Z]' AND (t.n !~ '(^| )[a-z]' OR t.n !~ '.[A-Z]') THEN 1 ELSE 3 END
  FROM (SELECT {_CAPITALS} AS n) AS t)"""
# Each measures one kind of detail in a name; the greater the value, the more detail.
_MEASURES: Final = (
    _ACCENT_COUNT,
    _CASING,
    f"length({_SIGNS})",
    f"length(replace({_SIGNS}, ' ', ''))",
    "(CASE WHEN {0} LIKE '%%  %%' THEN 0 ELSE 1 END)",
)


def _poorer(given: str, kept: str) -> str:
    """SQL: `given` is `kept` with details missing. A `CASE`, so that the long part is evaluated only if the spellings differ."""
    bare = _BARE.format(given)
    pairs = [(measure.format(bare), measure.format(kept)) for measure in _MEASURES]
    (accents_given, accents_kept), (casing_given, casing_kept) = pairs[:2]
    same_capitals = f"{_UNSIGNED.format(bare)} = {_UNSIGNED.format(kept)}"
    no_more = " AND ".join(f"{one} <= {other}" for one, other in pairs if other != casing_kept)
    no_more += f" AND ({same_capitals} OR {casing_given} <= {casing_kept})"
    less = " OR ".join(f"{one} < {other}" for one, other in pairs)
    # The same number of accents on different letters is a different spelling.
    same = f"({accents_given} <> {accents_kept} OR {_LETTERS.format(bare)} = {_LETTERS.format(kept)})"
    return (
        f"CASE WHEN {given} = {kept} OR {given} = '' THEN false WHEN {bare} = {kept} THEN true"
        f" WHEN {_APOSTROPHES.format(bare)} = {_APOSTROPHES.format(kept)} AND position('ʻ' in {given}) = 0 THEN true"
        f" WHEN {_ACCENTED.format(bare)} = {kept} THEN true"
        f" WHEN {_in_two_letters(bare, kept)} THEN true"
        f" WHEN {_LOOSE.format(kept)} = '' OR {_LOOSE.format(bare)} <> {_LOOSE.format(kept)}"
        f" OR {_DAMAGED.format(kept)} = {given} THEN false"
        f" WHEN {casing_given} = 0 AND {casing_kept} > 0 THEN true ELSE {no_more} AND ({less}) AND {same} END"
    )


def _in_two_letters(bare: str, kept: str) -> str:
    """SQL: the name has two letters for one that the record has: WEISS for Weiß."""
    spelled = kept
    for letter, two in _AS_TWO.items():
        spelled = f"replace({spelled}, '{letter}', '{two}')"
    letters = f"[{''.join(_AS_TWO)}]"
    return f"{kept} ~ '{letters}' AND {bare} !~ '{letters}' AND sis_loose({bare}) = sis_loose({spelled})"


def keep_better_names(context: RunContext, names: Sequence[str], *, student: str) -> None:
    """Put the record's spelling in place of a poorer one in the staged rows, and report it.

    names: columns that both the staged rows and the student have; `student`: the column that holds the student's key.
    """
    names = [name for name in names if name in context.fields]
    if not names or context.option(POORER_NAMES.name) == "write":
        return
    table = quoted(context.import_type.row_model._meta.db_table)
    if not _find(context, table, names, student):
        return
    kept = ", ".join(
        f"{quoted(name)} = coalesce((SELECT k.kept FROM kept_name k WHERE k.line = r.line AND k.field = '{name}'),"
        f" r.{quoted(name)})"
        for name in names
    )
    execute("CREATE INDEX ON kept_name (line)")
    execute("ANALYZE kept_name")
    execute(f"UPDATE {table} r SET {kept} WHERE r.line IN (SELECT line FROM kept_name)")
    _report(context)


def _find(context: RunContext, table: str, names: Sequence[str], student: str) -> int:
    """Put poorer names from lines that the run may write into `kept_name`. Returns how many."""
    differ = " OR ".join(f"r.{quoted(name)} <> s.{quoted(name)}" for name in names)
    values = ", ".join(f"({at}, '{name}', r.{quoted(name)}, s.{quoted(name)}::text)" for at, name in enumerate(names))
    visible, params = "", []
    if context.run.schools is not None:
        visible, params = "AND s.school_id = ANY(%s::bigint[])", [list(context.run.schools)]
    return execute(
        f"""
        CREATE TEMP TABLE kept_name ON COMMIT DROP AS
        SELECT r.line, v.place, v.field, v.given, v.kept, s.id AS student_id, s.school_id
        FROM {table} r JOIN students_student s ON s.id = r.{quoted(student)} {visible}
        CROSS JOIN LATERAL (VALUES {values}) AS v(place, field, given, kept)
        WHERE NOT r.refused AND ({differ}) AND {_poorer("v.given", "v.kept")}
        """,
        params,
    )


def _report(context: RunContext) -> None:
    """Report each name of the first lines, and beyond those only how many lines there are."""
    execute(
        f"""
        INSERT INTO imports_importissue
          (run_id, line, seq, severity, code, part, field, found, expected, student_id, school_id)
        SELECT %s, line, {_SEQ} + place, %s, 'NAME-KEPT', %s, field, given, kept, student_id, school_id FROM kept_name
        WHERE line IN (SELECT DISTINCT line FROM kept_name ORDER BY line LIMIT {_NAMED_ONE_BY_ONE})
        """,
        [context.run.pk, int(Severity.NOTICE), RECORD],
    )
    names, lines = fetch_one("SELECT count(*), count(DISTINCT line) FROM kept_name")
    if lines > _NAMED_ONE_BY_ONE and context.lines is None:
        execute(
            f"""
            INSERT INTO imports_importissue (run_id, line, seq, severity, code, part, field, found, expected, params)
            VALUES (%s, 0, {_SEQ}, %s, 'NAMES-KEPT', %s, '', %s, '', jsonb_build_object('lines', %s::text))
            """,
            [context.run.pk, int(Severity.NOTICE), RECORD, f"{names:,}", f"{lines:,}"],
        )
