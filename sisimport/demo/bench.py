"""The benchmark's database and folder, and its steps, each in its own process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection, connections

from sisimport.demo.benchmark import Job
from sisimport.demo.benchmark_report import beside, gates, job_seconds, loader_gates, middle
from sisimport.demo.loaders import LOADERS

DATABASE = "sisimport_benchmark"
MIN_PEER_SIZE = 10_000
LOADED_SIZE = 200_000  # most lines for comparing the product with the loaders
PART_SIZE, PART_RUNS = 100_000, 3  # lines, and runs with and without the part, for measuring a part of a job


class Bench:
    """A database and a folder for the duration of a benchmark; every step runs in a fresh process, as in a worker."""

    def __init__(self, folder: Path, *, runs: int, quiet: bool, say: Any) -> None:
        self.folder, self.runs, self.quiet, self.say = folder, runs, quiet, say
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {DATABASE}")
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url(DATABASE),
            "SISIMPORT_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        }
        self._call("migrate", "--verbosity", "0")

    def close(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connections.close_all()

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            env=self.environment,
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandError(f"A step of the benchmark failed:\n{done.stderr[-3000:]}")
        return done.stdout

    def step(self, job: Job, kind: str, path: Path, **more: Any) -> dict[str, Any]:
        """The result of one step. Keys: see the command's own `step`."""
        task = {"job": job.key, "kind": kind, "path": str(path), **more}
        result: dict[str, Any] = json.loads(self._call("benchmark", "--step", json.dumps(task)))
        return result

    def _round(self, job: Job, lines: int) -> dict[str, Any]:
        """Run the job once at one size, from settled records to its Revert."""
        path = Path(self.step(job, "prepare", self.folder, lines=lines)["path"])
        result = self.step(job, "run", path)
        result["lines"] = lines
        result["limits"] = self.step(job, "limit", path, plan=result["plan"], since=result["since"])
        result["limit"] = sum(one["seconds"] for one in result["limits"].values())
        result["seconds"] |= self.step(job, "revert", path, run=result["run"])
        return result

    def _loaded(self, job: Job, lines: int) -> dict[str, Any]:
        """The loaders' seconds next to the product's, measured alternately over several rounds."""
        rounds: dict[str, list[tuple[float, float]]] = {}
        missing = {name: loader.missing for name, loader in LOADERS.items() if loader.missing}
        for number in range(self.runs):
            self.tell(f"{job.title}: loaders, {lines:,} lines, run {number + 1} of {self.runs}")
            path = Path(self.step(job, "prepare", self.folder, lines=lines)["path"])
            loaded = {
                name: self.step(job, "load", path, loader=name)["seconds"] for name in LOADERS if name not in missing
            }
            own = job_seconds(job, self.step(job, "apply", path)["seconds"])
            for name, seconds in loaded.items():
                rounds.setdefault(name, []).append((seconds, own))
        found = {name: beside(lines, times) for name, times in rounds.items()}
        return {**found, **{name: {"missing": packages} for name, packages in missing.items()}}

    def measure(self, job: Job, sizes: list[int]) -> dict[str, Any]:
        """All sizes of one job, its peers, and the gates."""
        measured = []
        for lines in sizes:
            rounds = []
            for number in range(1, self.runs + 1):
                self.tell(f"{job.title}: {lines:,} lines" + (f", run {number} of {self.runs}" if self.runs > 1 else ""))
                rounds.append(self._round(job, lines))
            measured.append(middle(job, rounds))
        peers = {}
        for name, peer in job.peers.items():
            size = min(peer.lines, sizes[-1])
            self.tell(f"{job.title}: {name}, {size:,} lines")
            path = Path(self.step(job, "prepare", self.folder, lines=max(size, min(MIN_PEER_SIZE, sizes[-1])))["path"])
            seconds = self.step(job, "peer", path, peer=name, lines=size)["seconds"]
            peers[name] = {"lines": size, "seconds": seconds, "rate": size / seconds}
        loaders = self._loaded(job, min(LOADED_SIZE, sizes[-1])) if job.loaded else {}
        parts = {part: self._share(job, part, min(PART_SIZE, sizes[-1])) for part in job.parts}
        return {
            "job": job.key,
            "title": job.title,
            "sizes": measured,
            "peers": peers,
            "parts": parts,
            "loaders": loaders,
            "gates": [*gates(job, measured, peers, parts), *loader_gates(job, loaders)],
        }

    def _share(self, job: Job, part: str, lines: int) -> dict[str, float]:
        """The part's share of the job's processor time: medians of alternating runs with and without it."""
        spent: dict[str, list[float]] = {"": [], part: []}
        for number in range(PART_RUNS):
            self.tell(f"{job.title}: with and without {part}, {lines:,} lines, run {number + 1} of {PART_RUNS}")
            for without, seconds in spent.items():
                path = Path(self.step(job, "prepare", self.folder, lines=lines)["path"])
                seconds.append(self.step(job, "processor", path, without=without)["seconds"])
        whole, rest = median(spent[""]), median(spent[part])
        return {"lines": lines, "runs": PART_RUNS, "with": whole, "without": rest, "share": 1 - rest / whole}

    def tell(self, text: str) -> None:
        if not self.quiet:
            self.say(text)


def database_url(name: str) -> str:
    """Address of another database on the same server."""
    given = connection.settings_dict
    user = quote(given["USER"] or "")
    password = f":{quote(given['PASSWORD'])}" if given["PASSWORD"] else ""
    host, port = given["HOST"] or given["OPTIONS"].get("host", ""), f":{given['PORT']}" if given["PORT"] else ""
    if host.startswith("/"):
        return f"postgres://{user}{password}@/{name}?host={quote(host)}" + (f"&port={given['PORT']}" if port else "")
    return f"postgres://{user}{password}@{host}{port}/{name}"
