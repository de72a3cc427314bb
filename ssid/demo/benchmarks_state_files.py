"""Benchmark jobs of the other state files: English learner data, match results, replaced SSIDs. Every line is new."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sisimport.demo.benchmark import Job, Prepare
from sisimport.demo.copy_limit import WRITTEN
from sisimport.demo.district import make_district
from sisimport.imports.models import Work
from ssid.demo.loading_sql import ELA_FILE
from ssid.demo.match_results import HEADER
from ssid.demo.ssid_download import write_district, write_new
from students.models import ELRecord

SEED = 1
_ELAS, _ELAS_DATE = 11, 12


def prepare_ela(lines: int, folder: Path) -> Path:
    """Students with SSID and without English learner data, and the file that has it for each of them."""
    district = make_district(students=lines, seed=SEED, ssid_percent=100)
    whole, path = folder / "extract.txt", folder / "ela.txt"
    with whole.open("w", encoding="utf-8", newline="") as stream:
        write_district(stream, district.lea)
    seen: set[str] = set()
    with path.open("w", encoding="utf-8", newline="") as stream:
        for cells in _cells(whole):
            if cells[3] not in seen:  # a student of two schools has two lines
                seen.add(cells[3])
                cells[_ELAS] = cells[_ELAS] or "EO"
                stream.write("^".join(cells) + "\n")
    ELRecord.objects.all().delete()
    return path


def prepare_request(lines: int, folder: Path) -> Path:
    """Students without SSID, and the state's answer: two candidates for each, one of them marked."""
    district = make_district(students=lines // 2, seed=SEED, ssid_percent=0)
    whole, path = folder / "extract.txt", folder / "answer.csv"
    with whole.open("w", encoding="utf-8", newline="") as stream:
        write_new(stream, district.lea)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        for number, cells in enumerate(_cells(whole)):
            lea, school, ssid, local, last, first, middle, gender, born, _start, grade, elas, elas_date, language = (
                cells[:14]
            )
            for pick, found, score in (("X", ssid, "100%"), ("", f"{number:010d}", "81%")):
                writer.writerow([
                    lea, school, pick, local, last, first, middle, found, "20160810", "Multiple Match", score, gender, born, last,
                    first, middle, gender, born, lea, school, grade, "20230814", elas, elas_date, language, last, "Ana",
                ])  # fmt: skip
    return path


def prepare_replacement(lines: int, folder: Path) -> Path:
    """Students with SSID, and the file that says the state has put another one in its place, for each of them."""
    district = make_district(students=lines, seed=SEED, ssid_percent=100)
    whole, path = folder / "extract.txt", folder / "replacement.txt"
    with whole.open("w", encoding="utf-8", newline="") as stream:
        write_district(stream, district.lea)
    seen: set[str] = set()
    with path.open("w", encoding="utf-8", newline="") as stream:
        for number, (lea, school, ssid, local, *_rest) in enumerate(_cells(whole)):
            if local not in seen:
                seen.add(local)
                stream.write(f"{lea}^{school}^{local}^{ssid}^{number:010d}\n")
    return path


def _cells(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        for line in stream:
            yield line.rstrip("\n").split("^")


def _job(key: str, title: str, prepare: Prepare, *tables: str, limit_gate: float, **more: Any) -> Job:
    return Job(
        key=key,
        title=title,
        work=Work.UPDATE,
        prepare=prepare,
        tables=tuple((table, WRITTEN) for table in tables),
        limit_gate=limit_gate,
        **more,
    )


JOBS = (
    _job(
        "ela",
        "ELA Import, every line new",
        prepare_ela,
        "students_elrecord",
        limit_gate=0.35,
        loaded=ELA_FILE,
        cumulative=True,
    ),
    _job(
        "ssid-request",
        "Request File, two candidates for each student, one chosen",
        prepare_request,
        "students_ssid",
        "students_elrecord",
        "ssid_matchrequest",
        limit_gate=0.2,
    ),
    _job(
        "ssid-replacement",
        "Replacement SSIDs, every line new",
        prepare_replacement,
        "students_ssid",
        "students_ssidreplacement",
        limit_gate=0.2,
    ),
)
