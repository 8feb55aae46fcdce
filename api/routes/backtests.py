"""
Rule sets tried on history, for compliance: asked for, and looked at while it goes on.
"""

import asyncio
from typing import Annotated
from uuid import UUID

import msgspec

from api.backtests import Backtest, Busy, NotStarted, State
from api.disclosing import STATED, disclose
from api.examples import Texts, examples_of, opened
from api.http.answers import Answer, encode_json, found
from api.http.positions import parse_positions
from api.http.problems import INVALID, bad_field, unavailable
from api.http.routes import Routes
from api.routes.audit import When, time_of
from api.routes.rules import RULES_BYTES_MAX, in_force
from api.services import COMPLIANCE, Ask
from commands.ports import BadRule
from commands.rules import unusable
from commands.types import Moment
from domain.event import Refused
from domain.rules import LEVEL_MAX, Phrase, Rule, RuleSet, unpacked
from replay.backtest import words
from replay.backtest.report import Report

ROUTES = Routes()
_TAG = "Moderation"
_RULES_MAX = 200_000


class TryRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """
    Rules to be tried on history after `from` and up to `to`, at a `level` of sensitivity.

    Without `rules`, the set in force under that name; without `level`, the one in force. `sample`
    is how many examples of each kind the report has.
    """

    rules: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=_RULES_MAX)] | None = None
    allow: Annotated[tuple[Phrase, ...], msgspec.Meta(max_length=10_000)] = ()
    since: When | None = None
    to: When | None = None
    level: Annotated[int, msgspec.Meta(ge=0, le=LEVEL_MAX)] | None = None
    sample: Annotated[int, msgspec.Meta(ge=0, le=words.SAMPLE_MAX)] = words.SAMPLE


class BacktestAsked(msgspec.Struct, frozen=True):
    """What asking answers: where to look."""

    id: UUID
    state: State


class BacktestProgress(msgspec.Struct, frozen=True):
    """How far it is."""

    events_done: int
    events_total: int
    events_per_second: float
    seconds_left: float


class BacktestView(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Rules on trial. `report` is there once the state is `done`; `texts`, by position, what the
    report's examples say, for a stated purpose; null what can no longer be read.
    """

    id: UUID
    set: str
    state: State
    asked_at: Moment
    progress: BacktestProgress | None = None
    report: Report | None = None
    texts: Texts | None = None


@ROUTES.post(
    "/v1/moderation/rules/{name}/backtest",
    tag=_TAG,
    summary="Try a rule set on history",
    status=202,
    body=TryRules,
    answer=BacktestAsked,
    roles=COMPLIANCE,
    problems=("bad-rule", "backtest-running", "unavailable", "not-found"),
    body_max=RULES_BYTES_MAX,
    write=False,
    links=("read_backtest",),
    example={
        "rules": [
            {"id": "r-1", "match": {"phrase": "zorblat"}, "action": "hold", "category": "spam"}
        ]
    },
)
async def try_rules(call: Ask[TryRules, None]) -> Answer:
    """
    What the set would have done under that name, against what was done: it changes nothing. Goes
    on after this is answered; one at a time. The last 20 are kept, until the server restarts.
    """
    app, asked, name = call.app, call.body, call.text()
    since, until = _moment(asked.since, "/from"), _moment(asked.to, "/to")
    if asked.rules is not None:
        rules = RuleSet(asked.rules, asked.allow)
    else:
        current = await in_force(app, name)
        if current is None:
            raise Refused("not-found")
        rules = await asyncio.to_thread(unpacked, current.rules)
    try:
        begun = await app.backtests.start(
            name, rules, level=asked.level, since=since, until=until, sample=asked.sample
        )
    except BadRule as bad:
        raise unusable(bad) from None
    except Busy:
        raise Refused("backtest-running") from None
    except NotStarted:
        raise unavailable() from None
    return Answer(encode_json(BacktestAsked(begun.id, begun.state)))


@ROUTES.get(
    "/v1/moderation/backtests/{id}",
    tag=_TAG,
    summary="Rules on trial",
    answer=BacktestView,
    roles=COMPLIANCE,
    headers=STATED,
    problems=("no-such-request", "request-closed"),
    fresh=False,
    past=False,
)
async def read_backtest(call: Ask[None, None]) -> Answer:
    """
    How far it is, and its report in the end. With `Homezone-Purpose`, which is recorded, also what
    the report's examples say. Not found once 20 others were asked for, or the server restarted.
    """
    one = call.app.backtests.find(call.uuid())
    if one is None:
        raise Refused("not-found")
    progress = one.progress
    view = BacktestView(
        id=one.id,
        set=one.set,
        state=one.state,
        asked_at=one.asked_at,
        progress=None
        if progress is None
        else msgspec.convert(msgspec.structs.asdict(progress), BacktestProgress),
        report=one.report,
        texts=await _texts(call, one),
    )
    return found(view)


async def _texts(call: Ask[None, None], one: Backtest) -> Texts | None:
    if call.purpose is None or one.report is None:
        return None
    recorded = await examples_of(call.app.log, one.report)
    await disclose(call, recorded)
    return opened(recorded, call.app.vault.open)


def _moment(when: str | None, field: str) -> words.Moment | None:
    if when is None:
        return None
    try:
        return time_of(when) if "T" in when else parse_positions(when)
    except ValueError:
        raise bad_field(field, "neither positions nor a time", INVALID) from None
