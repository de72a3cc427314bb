"""Precision and recall of the match desk on labeled samples (see match_samples)."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sisimport.demo import people
from sisimport.demo.match_samples import make_samples
from sisimport.imports.engine.sql import execute
from sisimport.imports.storage.records import chunked
from students.matching.candidates import JUDGED, SHOWN, find_candidates
from students.matching.scores import safe_best
from students.models import LEA

PRECISION_GOAL, RECALL_GOAL = 0.999, 0.95
BLOCK = 200
_LEA_CODE = "0000000"


@dataclass(slots=True)
class KindQuality:
    """One kind of sample: number of lines, how many have the right student among the first three, how many are accepted
    at the threshold, and how many of those wrongly."""

    name: str
    lines: int = 0
    found: int = 0
    accepted: int = 0
    wrong: int = 0


@dataclass(slots=True)
class Quality:
    students: int
    samples: int
    threshold: float
    positives: int = 0
    found: int = 0
    accepted: int = 0
    wrong: int = 0
    kinds: list[KindQuality] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return 1 - self.wrong / self.accepted if self.accepted else 0.0

    @property
    def recall(self) -> float:
        return self.found / self.positives if self.positives else 0.0

    @property
    def meets_goals(self) -> bool:
        return self.precision >= PRECISION_GOAL and self.recall >= RECALL_GOAL

    def as_json(self) -> dict[str, Any]:
        return {
            **{name: value for name, value in asdict(self).items() if name != "kinds"},
            "precision": round(self.precision, 5),
            "recall_first_three": round(self.recall, 5),
            "precision_goal": PRECISION_GOAL,
            "recall_goal": RECALL_GOAL,
            "met": self.meets_goals,
            "kinds": [asdict(kind) for kind in self.kinds],
        }


def measure(*, students: int, samples: int, seed: int, threshold: float) -> Quality:
    """Make a district and samples, find candidates, count. Writes students: call it in a transaction that is rolled
    back."""
    lea = LEA.objects.create(code=_LEA_CODE, name="Samples")
    people.make_people(lea=lea, students=students, seed=seed, ssid_percent=0)
    execute("ANALYZE students_student")
    made = make_samples(samples, seed=seed, lea_id=lea.pk)
    quality = Quality(students=students, samples=len(made), threshold=threshold)
    kinds: dict[str, KindQuality] = {}
    for block in chunked(range(len(made)), BLOCK):
        found = find_candidates({at: made[at].given for at in block}, schools=None, limit=JUDGED)
        for at in block:
            sample, candidates = made[at], found[at]
            kind = kinds.setdefault(sample.kind, KindQuality(sample.kind))
            kind.lines += 1
            best = safe_best([candidate.comparison for candidate in candidates], threshold=threshold)
            if best is not None:
                kind.accepted += 1
                kind.wrong += candidates[best].student_id != sample.student_id
            if sample.student_id is not None:
                quality.positives += 1
                kind.found += any(candidate.student_id == sample.student_id for candidate in candidates[:SHOWN])
    quality.kinds = list(kinds.values())
    for name in ("found", "accepted", "wrong"):
        setattr(quality, name, sum(getattr(kind, name) for kind in quality.kinds))
    return quality
