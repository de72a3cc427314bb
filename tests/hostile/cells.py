"""Single values: names, dates, SSIDs, numbers and codes as people, programs and attackers write them."""

import datetime as dt
from collections.abc import Iterator

from tests.hostile.corpus import End, Honest, Hostile, Told, holds, layout_of, line_of, lines, seeded, with_cell

_SCRIPT = "<script>alert(1)</script>"

# ---- names ----

GOOD_NAMES = (
    "D'Angelo", "O’Neil", "Nuñez", "Ó Briain", "Ng", "X", "Nguyễn", "Kealiʻi", "de la Cruz", "Smith-Jones", "St. John", "Æthel",
    "Łukasiewicz", "Ødegård", "Şahin", "Þórr", "İnce", "王", "김", "Иванов", "Παπάς", "כהן", "عمر", "देव",
    "Null-Smith", "Nulle", "Nada",
    "True", "False", "Test", "Undefine", "E1", "NaNa", "van 't Hoff", "Mc Donald", "MACLEOD", "macleod", "Zoë", "A" * 50,
)  # fmt: skip
# Whatever is done with them, nobody may run, follow or draw them: they are names, or they are refused.
ATTACKS = (
    "=1+1", "=cmd|'/c calc'!A1", "@SUM(1+1)", "+1+1", "-1+1", "=HYPERLINK(\"http://example.org\")", "\t=1+1",
    _SCRIPT, "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "javascript:alert(1)", "{{7*7}}", "{% debug %}",
    "${7*7}",
    "#{7*7}", "<%= 7 %>", "%(name)s", "{0.__class__}", "%s%s%s%n", "'; DROP TABLE students_student; --", "' OR '1'='1",
    "1; SELECT pg_sleep(10)", "$$;SELECT 1;$$", "\\'; SELECT 1; --", "../../etc/passwd", "C:\\con\\nul", "http://169.254.169.254/",
    "file:///etc/passwd", "&lt;b&gt;", "%3Cb%3E", "\\u003cb", "\\x41", "\\N", "\\.", "\\copy", "E'\\\\'", "A\\", "A\\\\", "A\\t",
    "`id`", "$(id)", "|id", "; id", "() { :; }", "a\u2028b", "a\u2029b", "A\x85B", "0x41", "1e999", "∞", "½", "١٢٣", "ﬁ", "Ⅷ",
    "Å",
    "😀", "A😀", "👨‍👩‍👧", "Z͑ͫ̓a̴l̶g̵o", "a" * 49 + "é", "ｆｕｌｌ", "𝓐", "🇺🇸", "\ue000", "\uffff", "\U0010ffff", "ß", "ŉ", "ǅ",
)  # fmt: skip
HIDDEN = (
    "\u200b",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u180e",
    "\u200e",
    "\u061c",
    "\u034f",
)  # taken out, with a word
HARMFUL = (
    "\x01",
    "\x07",
    "\x08",
    "\x0b",
    "\x1b[31m",
    "\x1f",
    "\x7f",
    "\u202e",
    "\u202a",
    "\u2066",
    "\u2067",
)  # the line is refused
DAMAGED = ("Nu\ufffdez", "Nu?ez", "NuÃ±ez\u00e2\u20ac", "Nu&nosuch;ez", "Nu+APE-ez", "A" * 51, "B" * 2000)

# ---- dates ----

READ_DATES = (
    ("2014-03-10", "2014-03-10", ()),
    ("20140310", "2014-03-10", ("FILE-DATE-FORM",)),
    ("3/10/2014", "2014-03-10", ("FILE-DATE-FORM",)),
    ("03/10/2014", "2014-03-10", ("FILE-DATE-FORM",)),
    ("3-10-2014", "2014-03-10", ("FILE-DATE-FORM",)),
    ("2014/3/10", "2014-03-10", ("FILE-DATE-FORM",)),
    ("10-Mar-2014", "2014-03-10", ("FILE-DATE-FORM",)),
    ("March 10, 2014", "2014-03-10", ("FILE-DATE-FORM",)),
    ("2014-03-10 00:00:00", "2014-03-10", ("FILE-DATE-FORM",)),
    ("2014-03-10T00:00:00Z", "2014-03-10", ("FILE-DATE-FORM",)),
    ("２０１４-０３-１０", "2014-03-10", ("FILE-DATE-FORM",)),
    ("41708", "2014-03-10", ("FILE-DAY-NUMBER",)),
    ("2012-02-29", "2012-02-29", ()),
    ("1999-12-31", "1999-12-31", ()),
)
NO_DATES = (
    "2014-02-30", "2013-02-29", "2014-00-10", "2014-03-00", "2014-13-01", "2014-03-32", "0000-00-00", "00000000", "99999999",
    "12345678", "2014-3", "2014", "3/10", "13/13/2014", "31/2/2014", "10.3.2014", "3.4.2014", "2014-W10-1", "2014-069",
    "yesterday",
    "TODAY()", "=TODAY()", "#VALUE!#", "1e5", "1394409600", "-1", "0", "9999-99-99", "1814-03-10", "2914-03-10", "03/10/14x",
    "٢٠١٤-٠٣-١٠", "2014–03–10x", "2014-03-10; DROP", "Mar 2014", "10 Foo 2014", "2014-03-10-11",
    "20140310123",
    "201403", "2014-03-10\x00x".replace("\x00", "!"), "15-03-04", "1/2/3", "a" * 300,
)  # fmt: skip

# ---- numbers ----

READ_SSIDS = (
    ("9000000009", "9000000009", ()),
    ("'9000000009", "9000000009", ("FILE-MARKS",)),
    ('="9000000009"', "9000000009", ("FILE-MARKS",)),
    ("9000000009.0", "9000000009", ("FILE-MARKS",)),
    ("9.000000009E+09", "9000000009", ("FILE-MARKS",)),
    ("900-000-0009", "9000000009", ("FILE-MARKS",)),
    ("90000 00009", "9000000009", ("FILE-MARKS",)),
    ("+9000000009", "9000000009", ("FILE-MARKS",)),
    ("９０００００００09", "9000000009", ("FILE-MARKS",)),
    ("\u200b9000000009", "9000000009", ("FILE-MARKS", "FILE-HIDDEN")),
    ("9000000009\u00a0", "9000000009", ("FILE-MARKS", "")),
)
NO_SSIDS = (
    "900000000", "90000000090", "9.0E+09", "9E9", "9.00000001E+10", "-9000000009", "9000000009-1",
    "0000000000",
    "90000000O9", "900000000l", "9000000009A", "A9000000009", "#########", "9000000009;9000000010", "9000000009/10",
    "0x218711A09",
    "٩٠٠٠٠٠٠٠٠٩", "9,00,00,00,009", "1234567", "NULL9", "pending", "9000000009?", "9" * 30, "9" * 2000,
    "TRUE", "1/2/2009",
    "9000000009e0", "ninety", "९000000009", "9000000009\\", "9000000009'--", "=9000000009+1",
)  # fmt: skip
NO_CODES = (
    "99", "0x5", "-5", "5.5", "fifth-ish", "@5", "5;6", "٥", "５½", "KG5", "13", "00", "V", "grade", "5\x1b", "1e1", "Ω",
    "x" * 400,
)  # fmt: skip


def files() -> Iterator[Hostile]:
    yield from _names()
    yield from _dates()
    yield from _ssids()
    yield from _codes()
    yield from _in_every_column()


def _names() -> Iterator[Hostile]:
    for field in ("last_name", "first_name"):
        longest = 50 if field == "last_name" else 30
        for name in GOOD_NAMES:
            if len(name) <= longest:
                yield _file("a name as people have it", "students", field, name, holds(2, field, name))
        for sign in HIDDEN:
            value = f"Qui{sign}nn"
            yield _file(
                "a sign in a name that nobody sees", "students", field, value, holds(2, field, "Quinn", "FILE-HIDDEN")
            )
        for sign in HARMFUL:
            yield _file(
                "a sign in a name that does harm", "students", field, f"Qui{sign}nn", lines(2, codes=("FILE-DAMAGED",))
            )
        for name in DAMAGED:
            yield _file("a damaged name", "students", field, name, lines(2, codes=("FILE-DAMAGED", "FILE-LENGTH")))
    yield from _attacks()


def _attacks() -> Iterator[Hostile]:
    for import_type in ("students", "ssid-list", "ssid-download", "ela", "caaspp-2023-2024", "ssid-replacement"):
        layout = layout_of(import_type)
        field = next((name for name in ("last_name", "student_last_name") if name in layout.fields), "")
        if not field:
            continue
        attacks = ATTACKS if import_type == "students" else seeded("attacks", import_type).sample(ATTACKS, 25)
        for attack in attacks:
            if layout.delimiter == "^":
                yield _file("an attack in a name", import_type, field, attack, Honest())
            else:
                yield _file(
                    "an attack in a name", import_type, field, f'"{attack.replace(chr(34), chr(34) * 2)}"', Honest()
                )


def _dates() -> Iterator[Hostile]:
    for text, iso, told in READ_DATES:
        value = f'"{text}"' if "," in text else text
        yield _file("a date in some form", "students", "birth_date", value, holds(2, "birth_date", iso, *told))
    for text in NO_DATES:
        yield _file(
            "no date", "students", "birth_date", text, lines(2, codes=("FILE-DATE", "FILE-LENGTH", "FILE-DATE-FUTURE"))
        )
        yield _file("no date", "ssid-download", "birth_date", text, Told(1, "birth_date"))
        yield _file("no date", "students", "enrollment_start", text, Told(2, "enrollment_start"))
        yield _file("no date", "ela", "elas_date", text, Told(line_of("ela"), "elas_date"))
    future = (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=400)).isoformat()
    yield _file("a birth date to come", "students", "birth_date", future, lines(2, codes=("FILE-DATE-FUTURE",)))


def _ssids() -> Iterator[Hostile]:
    for text, ssid, told in READ_SSIDS:
        quoted = f'"{text.replace(chr(34), chr(34) * 2)}"'
        codes = () if "" in told else told
        yield _file("an SSID with marks", "ssid-list", "ssid", quoted, holds(2, "ssid", ssid, *codes))
    for text in NO_SSIDS:
        yield _file("no SSID", "ssid-list", "ssid", f'"{text}"', Told(2, "ssid"))
        yield _file("no SSID", "students", "ssid", f'"{text}"', Told(2, "ssid"))
        yield _file("no SSID", "ssid-download", "ssid", text, Told(1, "ssid"))
        yield _file(
            "no SSID",
            "ssid-replacement",
            "replacement_ssid",
            text,
            Told(line_of("ssid-replacement"), "replacement_ssid"),
        )
        yield _file("no SSID", "caaspp-2023-2024", "ssid", text, Told(2, "ssid"))


def _codes() -> Iterator[Hostile]:
    for text in NO_CODES:
        for field in ("grade", "gender", "el_status"):
            yield _file("no code", "students", field, f'"{text}"', Told(2, field))
        yield _file("no code", "students", "lea", f'"{text}"', Told(2, "lea"))
        yield _file("no code", "students", "school", f'"{text}"', Told(2, "school"))


def _in_every_column() -> Iterator[Hostile]:
    """One of the attacks in each column that is read, whatever it holds."""
    for import_type in (
        "students",
        "ssid-list",
        "ssid-download",
        "ssid-request",
        "ela",
        "ssid-replacement",
        "research-entities",
        "oneroster",
    ):
        layout = layout_of(import_type)
        for name in sorted(layout.fields):
            if layout.fields[name].position > len(layout.columns):
                continue
            attack = seeded("column", import_type, name).choice(
                [one for one in ATTACKS if '"' not in one and "," not in one]
            )
            yield _file("an attack in a column", import_type, name, attack, Honest())


def _file(kind: str, import_type: str, field: str, value: str, end: End) -> Hostile:
    shown = value if len(value) < 30 else f"{value[:20]}… ({len(value)})"
    return Hostile(
        f"value: {kind}",
        import_type,
        lambda: with_cell(import_type, field, value),
        end,
        variant=f"{field} {shown.encode('unicode_escape').decode()}",
    )
