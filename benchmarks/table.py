"""
The run on the screen: what was promised first, then all that was measured.
"""

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Ratio, Report, Series


def show(report: Report, machine: dict[str, object], console: Console) -> None:
    """Print everything."""
    console.print(_series(report.series))
    console.print(_ratios(report.ratios))
    for line in report.left_out:
        console.print(line, style="yellow")
    console.print(
        "on {cpu}, {cores} cores, {memory_mib} MiB, {filesystem}, {kernel},"
        " PostgreSQL {postgresql}, Python {python}; a write and fdatasync {fdatasync_us} µs;"
        " load {load_before} at the start".format(**machine),
        highlight=False,
    )


def _series(series: list[Series]) -> Table:
    table = Table("measured", title="medians of the rounds", title_justify="left")
    table.add_column("median", justify="right")
    table.add_column("spread", justify="right")
    table.add_column("cpu", justify="right")
    table.add_column("with")
    for one in series:
        settings = ", ".join(f"{name} {value}" for name, value in one.settings.items())
        quoted = f"{one.median:,.0f}" if one.median >= 100 else f"{one.median:.2f}"
        cpu = "" if one.cpu_us is None else f"{one.cpu_us:,.0f} µs"
        table.add_row(one.name, f"{quoted} {one.unit}", f"{one.spread:.0%}", cpu, settings)
    return table


def _ratios(ratios: list[Ratio]) -> Table:
    table = Table("ratio, within this run", title="and what they come to", title_justify="left")
    for name in ("ratio", "target", ""):
        table.add_column(name, justify="right")
    for one in ratios:
        target = "" if one.target is None else f"{one.wanted} {one.target:g}"
        verdict = {True: "[green]met[/]", False: "[red]not met[/]", None: ""}[one.met]
        table.add_row(one.name, f"{one.value:.2f} ×", target, verdict)
    return table
