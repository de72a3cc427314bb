"""Results of long runs, kept for `script/scoreboard`: one JSON file each in `var/proof`, with the commit and the day."""

import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(os.environ.get("SISIMPORT_PROOF_DIR") or ROOT / "var" / "proof")


def commit() -> str:
    """The commit that is checked out, short; blank outside a clone."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short=9", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


def write(name: str, found: dict[str, Any]) -> None:
    """Keep what a run found, over what an earlier one did."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    told = {"commit": commit(), "date": dt.datetime.now(tz=dt.UTC).date().isoformat(), **found}
    (FOLDER / f"{name}.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(name: str) -> dict[str, Any] | None:
    """What the last run found; None where there was none."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
