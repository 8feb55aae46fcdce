"""
What is said of a bundle that holds: to whom it is evidence, of what, and what of it is only said.

``verify.py`` says the same, to the letter.
"""

from collections.abc import Iterator

from domain.evidence.questions import Bound
from replay.bundles.checking import Checked


def verdict(checked: Checked) -> Iterator[str]:
    """Lines of text."""
    manifest, reckoned = checked.manifest, checked.reckoned
    wanted, span = manifest.filter, manifest.range
    yield (
        f"holds: {reckoned.events:,} events and {reckoned.records:,} records are in the tree of"
        f" {manifest.checkpoint:,} leaves of {checked.log.name}"
    )
    if checked.trusted:
        yield "signed by the key that was given"
    else:
        yield (
            "signed by the key in the bundle, which proves no more than that:"
            " give the log's key, known from elsewhere (--key)"
        )
    for name in checked.witnesses:
        yield f"witnessed by {name}"
    yield f"range: after {_bound(span.since)}, until {_bound(span.to)}"
    for cell, (first, last) in reckoned.cells.items():
        yield f"cell {cell}: {first:,} to {last:,}, without a gap"
    for idle in reckoned.idle_cells:
        yield f"cell {idle}: nothing in the range"
    yield "of cells that are not named here nothing is said"
    chosen = f"kind {wanted.kind}"
    chosen += "" if wanted.owner is None else f", owner {wanted.owner}"
    chosen += "" if wanted.stream is None else f", stream {wanted.stream}"
    yield f"events: {chosen}; every one of the range is there"
    if reckoned.owner_unknown:
        yield "only said: that no more events of the range are of this owner"
    if wanted.kind != "all" and reckoned.others:
        yield f"not of that kind: {', '.join(reckoned.others)}"
    if reckoned.untagged:
        yield (
            f"only said: that {reckoned.untagged:,} records without an owner's tag are not of this"
            " owner"
        )
    if reckoned.open_cells:
        cells = ", ".join(map(str, reckoned.open_cells))
        yield f"only said: that nothing is left out at the end of cells {cells}"
    yield (
        f"sealed under {manifest.counts.keys:,} keys, of which"
        f" {manifest.counts.destroyed_keys:,} are said to be destroyed"
    )


def _bound(bound: Bound | None) -> str:
    if bound is None:
        return "the beginning"
    if bound.time is not None:
        return bound.time
    return ",".join(f"{cell}-{at}" for cell, at in (bound.positions or {}).items())
