"""Embedded PostgreSQL (being written)."""

from pathlib import Path


def database_url(data_dir: Path) -> str:
    """Address of the embedded server of this data directory."""
    return f"postgres://sisimport@/sisimport?host={data_dir}/pg"
