"""Sample files of the SSID download: one that imports completely, one of the whole district, and one with every kind of
issue."""

from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import date, timedelta
from typing import IO

from django.db.models import F, Q

from sisimport.demo.district import Sample, copy_lines, register_samples
from sisimport.demo.people import state_ssid
from ssid.demo.lines import Line, line_of, select_sql
from students.models import LEA, SSID, SSIDReplacement, Student


def write_new(stream: IO[str], lea: LEA) -> None:
    """Every student without an SSID, with the one the state gave them."""
    copy_lines(stream, select_sql("AND x.id IS NULL"), [lea.pk])


def write_district(stream: IO[str], lea: LEA) -> None:
    """The state's extract of the whole district: most have their SSID already, and the state retired a few."""
    copy_lines(stream, select_sql(), [lea.pk])


class _People:
    """Students taken from the district one by one, each used once."""

    def __init__(self, lea: LEA) -> None:
        self.all = Student.objects.filter(lea=lea).select_related("lea", "school", "el").order_by("local_number")
        self.used: set[int] = set()
        self.without = self.all.exclude(pk__in=SSID.objects.filter(retired_at__isnull=True).values("student"))
        self.having = self.all.filter(
            pk__in=SSID.objects.filter(retired_at__isnull=True)
            .exclude(ssid__in=SSIDReplacement.objects.values("retired_ssid"))
            .values("student")
        )

    def take(self, students: "object" = None, **conditions: object) -> Line | None:
        """The line of the next unused student, or None if a small district has none."""
        chosen = self.without if students is None else students
        student = chosen.filter(**conditions).exclude(pk__in=self.used).first()  # type: ignore[attr-defined]
        if student is None:
            return None
        self.used.add(student.pk)
        return line_of(student)


def _with_findings(lea: LEA) -> Iterator[str]:
    """Lines with one kind of issue each, among some without any."""
    people = _People(lea)
    new, having = people.take, people.having

    def changed(line: Line | None, **values: str) -> Iterator[str]:
        if line is not None:
            yield str(replace(line, **values))

    for _n in range(5):
        yield from changed(new())
    for _n in range(3):
        yield from changed(new(having))
    yield from changed(new(), local_number="7654321")
    yield from _people_differ(people)
    yield from _bad_ssids(people)
    yield from _contradictions(people)
    yield from _places(people, lea)
    yield from _english_learners(people)
    yield from _damaged(people)
    yield ""
    for _n in range(5):
        yield from changed(new())


def _one(line: Line | None, **values: str) -> Iterator[str]:
    if line is not None:
        yield str(replace(line, **values))


def _people_differ(people: _People) -> Iterator[str]:
    yield from _one(people.take(), last_name="Somebody-Else")
    yield from _one(people.take(middle_name=""), middle_name="Quentin")
    for wanted, old, plain in (
        ("last_name__contains", "í", "i"),
        ("last_name__contains", "-", " "),
        ("last_name__contains", "'", ""),
    ):
        line = people.take(**{wanted: old})
        if line:
            yield from _one(line, last_name=line.last_name.replace(old, plain))
    line = people.take()
    if line:
        yield from _one(line, last_name=line.last_name.upper())
    line = people.take(suffix="Jr") or people.take()
    if line:
        yield from _one(line, last_name=f"{line.last_name} Jr")
    line = people.take()
    if line:
        yield from _one(line, birth_date=f"{int(line.birth_date[:4]) - 1}{line.birth_date[4:]}")
    line = people.take(birth_date__day__lte=12, birth_date__day__gte=1)
    if line and line.birth_date[4:6] != line.birth_date[6:]:
        yield from _one(line, birth_date=line.birth_date[:4] + line.birth_date[6:] + line.birth_date[4:6])
    line = people.take(legal_gender="", gender__in=["F", "M"])
    if line:
        yield from _one(line, gender="M" if line.gender == "F" else "F")
    yield from _one(people.take(gender="X"), gender="X")
    yield from _one(people.take(people.all.exclude(legal_first_name=F("first_name")), legal_first_name__gt=""))


def _bad_ssids(people: _People) -> Iterator[str]:
    for bad in ("123456789", "9.01235E+09", "901234567X", "", "90123456789"):
        yield from _one(people.take(), ssid=bad)
    line = people.take()
    if line:
        yield from _one(line, ssid=line.local_number)
    holder = people.take(people.having)
    if holder:
        yield from _one(people.take(), ssid=holder.ssid)
        yield from _one(people.take(people.having), ssid=state_ssid(10_000_001))
    merged = SSIDReplacement.objects.values("retired_ssid")
    yield from _one(
        people.take(
            people.all.filter(pk__in=SSID.objects.filter(retired_at__isnull=True, ssid__in=merged).values("student"))
        )
    )
    former = people.all.filter(~Q(pk__in=people.without.values("pk")), ssids__retired_at__isnull=False)
    student = former.exclude(pk__in=people.used).first()
    if student:
        people.used.add(student.pk)
        retired = student.ssids.filter(retired_at__isnull=False).first()
        yield from _one(line_of(student), ssid=retired.ssid if retired else "")


def _contradictions(people: _People) -> Iterator[str]:
    twice, differing, shared = people.take(), people.take(), people.take()
    if twice:
        yield from [str(twice), str(twice)]
    if differing:
        yield from [str(differing), str(replace(differing, ssid=state_ssid(10_000_002)))]
    if shared:
        yield str(shared)
        yield from _one(people.take(), ssid=shared.ssid)


def _places(people: _People, lea: LEA) -> Iterator[str]:
    yield from _one(people.take(), school="0999999")
    yield from _one(people.take(), lea="7654321")
    other = lea.schools.order_by("-code").first()
    yield from _one(people.take(people.without.exclude(school=other)), school=other.code if other else "")


def _english_learners(people: _People) -> Iterator[str]:
    two_digits = {"spa": "01", "eng": "00", "vie": "02", "kor": "04"}
    line = people.take(home_language="spa")
    if line:
        yield from _one(line, language=two_digits["spa"])
    yield from _one(people.take(home_language="spa"), language="vie")
    yield from _one(people.take(el__program_status="EL"), elas="RFEP", elas_date="20250601")
    yield from _one(people.take(el__program_status="Exited EL"), elas="EL")
    line = people.take(el__program_status="EL")
    if line and line.elas_date:
        later = date.fromisoformat(line.elas_date) + timedelta(days=30)
        yield from _one(line, elas_date=f"{later:%Y%m%d}")
    yield from _one(people.take(el__program_status="EL"), elas="", elas_date="")
    yield from _one(people.take(el__program_status="EL"), elas="", elas_date="20240901")
    yield from _one(people.take(el__isnull=True), elas="EL", elas_date="20250812", language="spa")
    yield from _one(people.take(el__isnull=True), elas="IFEP", elas_date="20250812", language="01")
    yield from _one(people.take(el__isnull=True), elas="EO", elas_date="")
    yield from _one(people.take(el__isnull=True), elas="TVD", elas_date="20250812", language="spa")
    yield from _one(people.take(el__isnull=True), elas="TBD", elas_date="20250812", language="spa")
    yield from _one(people.take(el__program_status="Not EL"), elas="TBD", elas_date="20250812")
    yield from _one(people.take(), elas="FEP", elas_date="20100812")
    yield from _one(people.take(), elas="LEP", elas_date="20100812")
    yield from _one(people.take(), elas="ABC", elas_date="20100812")
    yield from _one(people.take(el__isnull=True), elas="EL", elas_date="", language="spa")
    yield from _one(people.take(el__isnull=True), elas="EL", elas_date="20250812", language="eng")
    yield from _one(people.take(el__isnull=True), elas="EL", elas_date="20250812", language="spa", grade="PS")
    yield from _one(people.take(), elas="EL", elas_date="20250231")
    yield from _one(people.take(people.having, el__program_status="EL"), elas="RFEP", elas_date="20250601")
    yield from _one(people.take(el__program_status="EL"), ssid="12345", elas="RFEP", elas_date="20250601")


def _damaged(people: _People) -> Iterator[str]:
    yield from _one(people.take(), birth_date="20120231")
    yield from _one(people.take(), birth_date="2012-02-14")
    yield from _one(people.take(), gender="Q")
    yield from _one(people.take(), grade="13")
    yield from _one(people.take(), last_name="")
    yield from _one(people.take(), first_name="A" * 31)
    line = people.take()
    if line:
        fields = list(astuple(line))
        yield "^".join(fields[:6] + fields[7:])
    yield from _one(people.take(), local_number="")


def write_findings(stream: IO[str], lea: LEA) -> None:
    for line in _with_findings(lea):
        stream.write(line + "\n")


register_samples(
    Sample(
        name="ssid-download-new.txt",
        import_type="ssid-download",
        note="Every student without an SSID, all of them found and new.",
        write=write_new,
    ),
    Sample(
        name="ssid-download-district.txt",
        import_type="ssid-download",
        note="The whole district as the state knows it: most SSIDs are already on record, a few were retired.",
        write=write_district,
    ),
    Sample(
        name="ssid-download-findings.txt",
        import_type="ssid-download",
        note="A short file with every kind of finding: near matches, conflicts, swapped dates, duplicates, EL differences.",
        write=write_findings,
    ),
)
