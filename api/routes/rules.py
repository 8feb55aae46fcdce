"""
Rules: the sets that compliance publishes, and the level of sensitivity.
"""

import asyncio
from datetime import datetime
from uuid import UUID

import msgspec

from api.answers import Written
from api.http.answers import Answer, found, written
from api.http.routes import Routes
from api.routes.members import done
from api.services import COMPLIANCE, Ask, Services
from commands.ports import BadRule
from commands.rules import PublishRules, SetLevel, unusable
from commands.types import Moment
from domain.event import Refused
from domain.rulebook import RULEBOOK, RULEBOOK_STREAM, Rulebook, RulesPublished, rules_stream
from domain.rules import Rule, RuleSet, content_hash, packed, unpacked

ROUTES = Routes()
_TAG = "Moderation"

#: A set of 200,000 phrases, or of fewer and longer ones.
RULES_BYTES_MAX = 32 << 20


class RulesWritten(msgspec.Struct, frozen=True):
    """What publishing a set answers: its version, and the hash of its content."""

    id: UUID
    position: str
    version: int
    hash: str


class RuleSetView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule set as it is in force."""

    name: str
    version: int
    hash: str
    published_at: Moment
    rules: tuple[Rule, ...]
    allow: tuple[str, ...] = ()


class SetInForce(msgspec.Struct, frozen=True):
    """A rule set in force, by name."""

    name: str
    version: int
    hash: str


class RulebookView(msgspec.Struct, frozen=True):
    """Which sets are in force, the level of sensitivity, and until when it is raised."""

    epoch: int
    level: int
    until: Moment | None
    normaliser: str
    sets: list[SetInForce]


@ROUTES.put(
    "/v1/moderation/rules/{name}",
    tag=_TAG,
    summary="Publish a rule set",
    body=RuleSet,
    answer=RulesWritten,
    roles=COMPLIANCE,
    problems=("bad-rule", "too-many-rule-sets", "conflict"),
    body_max=RULES_BYTES_MAX,
    example={
        "rules": [
            {"id": "r-1", "match": {"phrase": "zorblat"}, "action": "hold", "category": "spam"}
        ]
    },
)
async def publish_rules(call: Ask[RuleSet, None]) -> Answer:
    """
    The whole set, as a new version; one without rules puts it out of force. In force everywhere
    when this is answered: what was screened before is screened again.
    """
    app, rules, name = call.app, call.body, call.text()
    try:
        matcher = await app.screens.try_out(name, rules)
    except BadRule as bad:
        raise unusable(bad) from None
    kept, digest = await asyncio.to_thread(_packed, rules)
    command = PublishRules(name, kept, digest, matcher)
    answer = await app.execute(call, app.rules.publish, command, carried=True)
    version = int(answer.state or 0)
    body = RulesWritten(answer.id, answer.at, version, digest)
    return written(body, answer.at, replayed=answer.replayed, status=answer.status)


def _packed(rules: RuleSet) -> tuple[msgspec.Raw, str]:
    kept = packed(rules)
    return kept, content_hash(kept)


@ROUTES.get(
    "/v1/moderation/rules/{name}",
    tag=_TAG,
    summary="A rule set in force",
    answer=RuleSetView,
    roles=COMPLIANCE,
)
async def read_rules(call: Ask[None, None]) -> Answer:
    """Its newest version, whole."""
    published = await _published(call.app, call.text())
    if published is None:
        raise Refused("not-found")
    current, at = published
    rules = await asyncio.to_thread(unpacked, current.rules)
    view = RuleSetView(
        name=current.name,
        version=current.version,
        hash=current.hash,
        published_at=at,
        rules=rules.rules,
        allow=rules.allow,
    )
    return found(view)


async def in_force(app: Services, name: str) -> RulesPublished | None:
    """The version of a set that is in force, whole."""
    published = await _published(app, name)
    return None if published is None else published[0]


async def _published(app: Services, name: str) -> tuple[RulesPublished, datetime] | None:
    current = (await _rulebook(app)).sets.get(name)
    if current is None:
        return None
    (published,) = await app.log.read_stream(rules_stream(current.name, current.version))
    assert isinstance(published.event, RulesPublished)
    return published.event, published.recorded_at


@ROUTES.get(
    "/v1/moderation/rules",
    tag=_TAG,
    summary="The rulebook",
    answer=RulebookView,
    roles=COMPLIANCE,
)
async def read_rulebook(call: Ask[None, None]) -> Answer:
    """Which sets are in force, and at which level."""
    app = call.app
    rulebook = await _rulebook(app)
    view = RulebookView(
        epoch=rulebook.epoch,
        level=rulebook.level,
        until=None if rulebook.raised is None else rulebook.raised.until,
        normaliser=app.screens.normaliser,
        sets=[SetInForce(one.name, one.version, one.hash) for one in rulebook.in_force],
    )
    return found(view)


@ROUTES.put(
    "/v1/moderation/level",
    tag=_TAG,
    summary="Raise the level of sensitivity",
    body=SetLevel,
    answer=Written,
    roles=COMPLIANCE,
    problems=("until-missing", "in-the-past", "too-far-ahead", "conflict"),
    example={"level": 2, "until": "2026-12-01T00:00:00Z", "reason": "a wave of fraud"},
)
async def set_level(call: Ask[SetLevel, None]) -> Answer:
    """
    Rules of that level and below count everywhere when this is answered, and `until` then at most,
    90 days ahead. Level 0 ends it now.
    """
    app = call.app
    return done(await app.execute(call, app.rules.set_level, call.body, carried=True))


async def _rulebook(app: Services) -> Rulebook:
    """As the log has it: another server may have changed it."""
    history = await app.log.read_stream(RULEBOOK_STREAM)
    return RULEBOOK.fold((one.event for one in history), RULEBOOK.initial)
