"""Jobs of the benchmark about size: `growth` (full against empty), and the simulation of many LEAs at two sizes."""

import math
from pathlib import Path
from typing import Any

from sisimport.demo.bench import Bench
from sisimport.demo.benchmark import Job
from sisimport.demo.benchmark_report import gate, gate_lines
from sisimport.demo.growth import TABLES

# The full size, for `--students 560000`; fewer lines scale everything down by the same factor.
STUDENTS, YEARS, RUNS, LEAS = 600_000, 8, 2_000, 10
FULL_LINES = 560_000
LINES_SHARE = 10  # the imports that are compared: a tenth of the lines
RATE_GATE, PAGE_GATE = 0.9, 20.0  # share of the rate in an empty database; milliseconds
_JOBS = ("ssid-download", "scores-early")
TARGETS = (60_000, 600_000, 6_000_000)


def measure(bench: Bench, jobs: dict[str, Job], lines: int) -> dict[str, Any]:
    """Import rate, by processor time, and page times in a grown database, compared with an empty one."""
    factor = lines / FULL_LINES
    size = max(1000, lines // LINES_SHARE)
    grown = {"leas": LEAS, "students": int(STUDENTS * factor), "years": YEARS, "runs": max(1, int(RUNS * factor))}
    rates: dict[str, dict[str, float]] = {}
    for key in _JOBS:
        bench.tell(f"growth, {jobs[key].title}: {size:,} lines, factor {factor:.4f}")
        empty = _applied(bench, jobs[key], size, {})
        full = _applied(bench, jobs[key], size, grown)
        rates[key] = {"empty": empty["rate"], "full": full["rate"], "ratio": full["rate"] / empty["rate"]}
    found_there = bench.step(jobs[_JOBS[0]], "pages", bench.folder)
    found = [gate(f"{key}, rate against empty", rate["ratio"], least=RATE_GATE) for key, rate in rates.items()]
    found += [gate(f"page {name}, ms in the database", ms, most=PAGE_GATE) for name, ms in found_there["pages"].items()]
    result = {"job": "growth", "title": "Growth", "factor": factor, "rates": rates, **found_there, "gates": found}
    return {**result, "text": _growth_text(result, size)}


def _applied(bench: Bench, job: Job, lines: int, grown: dict[str, int]) -> dict[str, float]:
    path = Path(bench.step(job, "prepare", bench.folder, lines=lines, grow=grown)["path"])
    done = bench.step(job, "apply", path)
    return {"rate": done["records"] / done["processor"]}


def _growth_text(result: dict[str, Any], size: int) -> str:
    lines = [f"\nGrowth: factor {result['factor']:.4f} of {STUDENTS:,} students, {YEARS} years, {RUNS:,} runs"]
    for table, one in result["sizes"].items():
        lines.append(f"  {TABLES[table]}: {one['rows']:,.0f} rows, {one['bytes'] / 1e6:,.1f} MB")
    for key, rate in result["rates"].items():
        lines.append(
            f"  {key}, {size:,} lines: {rate['empty']:,.0f} lines a processor second when empty, {rate['full']:,.0f} when full,"
            f" ratio {rate['ratio']:.2f}"
        )
    return "\n".join([*lines, *gate_lines(result["gates"])])


# ---- simulation: two sizes, extrapolated to larger ones ----


def simulate(bench: Bench, job: Job, *, leas: int, students: int, years: int, factor: float) -> dict[str, Any]:
    """Measure at a quarter of the factor and at the factor, and estimate the cost of 60 thousand to 6 million
    students."""
    measured = []
    for part in (factor / 4, factor):
        grown = {
            "leas": max(1, round(leas * part)),
            "students": max(100, round(students * part)),
            "years": years,
            "runs": max(1, round(RUNS * part)),
        }
        bench.tell(f"simulate: factor {part:g}: {grown['students']:,} students in {grown['leas']} LEAs")
        rate = _applied(bench, job, 2_000, grown)["rate"]
        measured.append({**grown, "ms_per_line": 1000 / rate, **bench.step(job, "pages", bench.folder)})
    return {"factor": factor, "measured": measured, "model": model(measured)}


def model(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Extrapolate from two sizes to the targets: bytes by rows, pages linear in students, an import's line by index
    depth."""
    small, large = measured
    n1, n2 = small["students"], large["students"]

    def linear(first: float, second: float, at: int) -> float:
        return second + max(0.0, second - first) / (n2 - n1) * (at - n2)

    found = []
    for target in TARGETS:
        size = sum(
            linear(small["sizes"][table]["bytes"], large["sizes"][table]["bytes"], target) for table in large["sizes"]
        )
        per_doubling = max(0.0, large["ms_per_line"] - small["ms_per_line"]) / math.log2(n2 / n1)
        found.append({
            "students": target,
            "gigabytes": size / 1e9,
            "ms_per_line": large["ms_per_line"] + per_doubling * math.log2(target / n2),
            "pages": {name: linear(small["pages"][name], ms, target) for name, ms in large["pages"].items()},
        })  # fmt: skip
    return found


def simulation_text(result: dict[str, Any]) -> str:
    """What was measured, what is estimated, and which page first exceeds half a second."""
    small, large = result["measured"]
    lines = [
        f"Factor {result['factor']:g} (and a quarter of it): measured",
        *(
            f"  {one['students']:,} students, {one['leas']} LEAs: {one['ms_per_line']:.3f} ms a line of an import"
            for one in (small, large)
        ),
    ]
    for table, one in large["sizes"].items():
        lines.append(f"  {TABLES[table]}: {one['bytes'] / max(1, one['rows']):,.0f} bytes with indexes")
    for name, ms in large["pages"].items():
        lines.append(f"  page {name}: {small['pages'][name]:.1f} and {ms:.1f} ms in the database")
    lines.append("Estimated from the two (docs/scale.md says how far to trust it)")
    for one in result["model"]:
        name = max(one["pages"], key=lambda page: one["pages"][page])
        lines.append(
            f"  {one['students']:,} students: {one['gigabytes']:,.1f} GB, {one['ms_per_line']:.3f} ms a line,"
            f" slowest page {name} with {one['pages'][name]:,.0f} ms"
        )
    return "\n".join(lines)
