"""
A bundle's events as a table, where the library for it is installed; and where it is not.
"""

import sys
from pathlib import Path

import pytest

from domain.evidence.bundles import BundledEvent
from domain.evidence.records import DigestRecord
from replay.bundles.tables import NoParquet, table

DATA = b'{"type":"x","text":{"sealed":"AQGiEMY6WoADnqXxkGVkEqlaQ6wn"}}'


def record(position: int) -> DigestRecord:
    at = "2026-01-01T00:00:00.000001Z"
    return DigestRecord(None, 3, "", "", None, position, at, "s", "x.y.v1", 1)


def test_events_become_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with table(tmp_path / "trail.parquet") as rows:
        for position in range(1, 10_003):
            context = bytes(range(80 if position % 2 else 64))
            rows.add(record(position), BundledEvent.of(3, position, context, DATA))
    read = parquet.read_table(tmp_path / "trail.parquet").to_pylist()
    assert [one["position"] for one in read] == list(range(1, 10_003))
    assert read[0]["data"] == '{"type":"x","text":{"sealed":true}}'
    assert read[0]["recorded_at"].isoformat() == "2026-01-01T00:00:00.000001+00:00"
    assert read[0]["owner"] == "10111213-1415-1617-1819-1a1b1c1d1e1f"
    assert (read[1]["causation"], read[0]["causation"] is None) == (None, False)


def test_what_fails_leaves_no_table(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(ZeroDivisionError), table(tmp_path / "trail.parquet"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NoParquet), table(tmp_path / "trail.parquet"):
        pass
