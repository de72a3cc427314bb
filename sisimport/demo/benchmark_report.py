"""Evaluates the benchmark's measurements: medians of several runs, gates, and the report people read."""

from statistics import median
from typing import Any

from sisimport.demo.benchmark import Job
from sisimport.demo.loaders import BEST
from sisimport.imports.models import Work

LINEAR_GATE = 0.9
MEMORY_GATE = 20.0  # MB that the worker may grow from the smallest to the largest file
REVERT_GATE = 0.3  # of the Update or Import that a Revert undoes


def job_seconds(job: Job, seconds: dict[str, float]) -> float:
    """What the user waits for: Test and Update together, or the Import."""
    return seconds["import"] if job.work == Work.IMPORT else seconds["test"] + seconds["update"]


def middle(job: Job, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """One result of several runs: the median of each time, and of its share of the COPY limit; the most memory of all."""
    result = dict(rounds[0])
    result["seconds"] = {name: median(one["seconds"][name] for one in rounds) for name in rounds[0]["seconds"]}
    result["limit"] = median(one["limit"] for one in rounds)
    result["share"] = median(one["limit"] / job_seconds(job, one["seconds"]) for one in rounds)
    undone = "import" if job.work == Work.IMPORT else "update"
    result["revert_ratio"] = median(one["seconds"]["revert"] / one["seconds"][undone] for one in rounds)
    result["memory"] = max(one["memory"] for one in rounds)
    result["rate"] = result["records"] / job_seconds(job, result["seconds"])
    return result


def gate(name: str, value: float, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    """One promise, and its measured value."""
    passed = (least is None or value >= least) and (most is None or value <= most)
    return {"gate": name, "value": value, "least": least, "most": most, "passed": passed}


def gates(
    job: Job, measured: list[dict[str, Any]], peers: dict[str, Any], parts: dict[str, dict[str, float]]
) -> list[dict[str, Any]]:
    """The promises on speed and memory, each with its measured value."""
    small, large = measured[0], measured[-1]
    promised = {name: peer.gate for name, peer in job.peers.items() if peer.gate}
    first = "import" if job.work == Work.IMPORT else "test"
    found = [
        gate("share of the COPY limit", large["share"], job.limit_gate),
        gate(
            "the same file again, against the first time", large["seconds"]["again"] / large["seconds"][first], most=1.0
        ),
        gate("Revert, against what it undoes", large["revert_ratio"], most=REVERT_GATE),
    ]
    found += [gate(f"times {name}", large["rate"] / peers[name]["rate"], least) for name, least in promised.items()]
    found += [gate(f"share of {part}", cost["share"], most=job.parts[part][1]) for part, cost in parts.items()]
    if large is not small:
        found.append(gate("rows per second, largest against smallest", large["rate"] / small["rate"], LINEAR_GATE))
        found.append(gate("worker memory growth, MB", large["memory"] - small["memory"], most=MEMORY_GATE))
    return found


def beside(lines: int, times: list[tuple[float, float]]) -> dict[str, float]:
    """One loader at the job's size: medians of its seconds and of product / loader, measured in succession."""
    seconds = median(loader for loader, _own in times)
    return {
        "lines": lines,
        "seconds": seconds,
        "rate": lines / seconds,
        "ratio": median(own / other for other, own in times),
    }


def loader_gates(job: Job, loaders: dict[str, Any]) -> list[dict[str, Any]]:
    """The job must take no longer than this loader, or than the fastest of them."""
    ratios = {name: one["ratio"] for name, one in loaders.items() if "ratio" in one}
    if job.loaded is None or not ratios:
        return []
    name = max(ratios, key=lambda one: ratios[one]) if job.loaded.gate == BEST else job.loaded.gate
    return [gate(f"time of the job / {name}", ratios[name], most=1.0)]


def as_text(result: dict[str, Any]) -> str:
    """The report people read."""
    lines = [f"\n{result['title']}"]
    for size in result["sizes"]:
        times = "  ".join(f"{name} {seconds:.2f} s" for name, seconds in size["seconds"].items())
        lines.append(f"  {size['lines']:>9,} lines  {times}  {size['rate']:,.0f} lines/s")
        lines.append(
            f"    COPY limit {size['limit']:.2f} s, share {size['share']:.2f}"
            f"  Revert {size['revert_ratio']:.2f} of what it undoes  memory {size['memory']:.0f} MB"
        )
    for name, peer in result["peers"].items():
        lines.append(
            f"  {name}: {peer['rate']:,.0f} rows/s, measured on {peer['lines']:,} lines and scaled by rows per second"
        )
    for name, cost in result.get("parts", {}).items():
        lines.append(
            f"  {name}: {cost['share']:.1%} of the job's processor time at {cost['lines']:,} lines,"
            f" {cost['with']:.2f} s with it and {cost['without']:.2f} s without, medians of {cost['runs']} each"
        )
    for name, one in result.get("loaders", {}).items():
        if "missing" in one:
            lines.append(f"  {name}: not installed: {', '.join(one['missing'])}")
        else:
            lines.append(
                f"  {name}: {one['seconds']:.2f} s for {one['lines']:,} lines, {one['rate']:,.0f} lines/s,"
                f" product / loader {one['ratio']:.2f}"
            )
    return "\n".join([*lines, *gate_lines(result["gates"])])


def gate_lines(found: list[dict[str, Any]]) -> list[str]:
    """A line for each promise: kept or not, what was measured, what was promised."""

    def wanted(one: dict[str, Any]) -> str:
        return f"at least {one['least']:g}" if one["least"] is not None else f"at most {one['most']:g}"

    return [
        f"  {'passed' if one['passed'] else 'FAILED'}  {one['gate']}: {one['value']:.2f} ({wanted(one)})"
        for one in found
    ]
