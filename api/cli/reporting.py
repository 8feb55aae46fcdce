"""
``homezone status``: how the store is doing, read from the database itself.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from api.wiring.store import describe


def print_status(data_dir: Path, database_url: str | None, *, as_json: bool) -> None:
    """Everything about the store, as a table or as JSON."""
    report = _report(data_dir, database_url)
    if as_json:
        print(json.dumps(report, indent=2))
        return
    _print(report)


def _report(data_dir: Path, database_url: str | None) -> dict[str, Any]:
    report = describe(data_dir, database_url)
    report["server"] = _server(data_dir)
    return report


def _server(data_dir: Path) -> dict[str, Any] | None:
    """What the server of this data directory says of itself, if one runs."""
    address = ""
    try:
        address = (data_dir / "address").read_text(encoding="utf-8").strip()
        with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:  # noqa: S310
            said: dict[str, Any] = json.load(answer)
            return {"address": address, **said}
    except urllib.error.HTTPError as refused:
        return {"address": address, **json.load(refused)}
    except (OSError, ValueError):
        return None


def _cases(moderation: dict[str, dict[str, int]]) -> str:
    waiting, overdue, broken = (
        moderation[name] for name in ("cases_open", "cases_overdue", "promises_broken")
    )
    queues = ", ".join(
        f"{queue} {count:,}" + (f" ({overdue[queue]:,} overdue)" if overdue.get(queue) else "")
        for queue, count in sorted(waiting.items())
    )
    said = f"{sum(waiting.values()):,} open" + (f": {queues}" if queues else "")
    return f"{said}; {sum(broken.values()):,} promises broken so far"


def notary_line(notary: dict[str, Any] | None) -> str:
    """How far the tree is, and the key that its checkpoints are checked with."""
    if notary is None:
        return "has not begun"
    if notary["trouble"]:
        return f"signs nothing: {notary['trouble']}"
    behind = f"{notary['lag']:,} events behind" if notary["lag"] else "current"
    return f"{notary['size']:,} leaves, {notary['signed']:,} signed, {behind}  {notary['vkey']}"


def keys_line(keys: dict[str, Any]) -> str:
    """Who wraps the master key."""
    return f"master key wrapped by {keys['wrapped_by'] or 'nobody: it lies in a file'}"


def calendar_line(calendar: dict[str, Any]) -> str:
    """What is to be known of the calendar, and what to do when it ends soon."""
    said = f"{calendar['version']}, known until {calendar['known_until']}"
    if not calendar["ending"]:
        return said
    left = f"{max(calendar['days_left'], 0)} days left"
    return f"{said}: {left}, then Monday to Friday are worked; look for a newer chinese-calendar"


def pictures_line(pictures: dict[str, Any]) -> str:
    """Which pictures are taken, and what is missing here to take and to compare all of them."""
    said = f"libvips {pictures['libvips']}: {', '.join(pictures['formats'])}"
    if "heic" not in pictures["formats"]:
        said += "; no HEIC, which this libvips cannot decode"
    if not pictures["perceptual"]:
        said += "; not compared with banned pictures, since pdqhash is not installed"
    return said


def _print(report: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    kind = "embedded" if report["embedded"] else "external"
    console.print(f"database   {kind}  {report['database_url']}")
    heads = ", ".join(f"{cell}-{at}" for cell, at in report["heads"].items() if at)
    console.print(f"log        {report['events']:,} events  {heads or 'empty'}")
    console.print(f"timers     {report['timers_due']} due of {report['timers_armed']}")
    console.print(f"notary     {notary_line(report['notary'])}", markup=False)
    console.print(f"keys       {keys_line(report['keys'])}", markup=False)
    console.print(f"cases      {_cases(report['moderation'])}")
    console.print(f"calendar   {calendar_line(report['calendar'])}")
    console.print(f"pictures   {pictures_line(report['pictures'])}")
    server = report["server"]
    console.print(f"server     {server['address'] if server else 'not running'}")
    if server and not server.get("ready"):
        console.print(f"           not ready: {server.get('detail', '')}")
    table = Table("read model", "behind by")
    for name, lag in report["projections"].items():
        table.add_row(name, "current" if lag == 0 else f"{lag:,} events")
    console.print(table)
