"""
A small history with a tree over it, of which bundles are made: members, decisions under rules, and
money, in three cells.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import text

from adapters.log.postgres import PostgresLog
from adapters.notary.key import KeyFile, NotaryKey, SignedLast
from commands.ports import Append, NewEvent
from domain.catalogue import EVENTS
from domain.event import Event
from domain.evidence.bundles import DestroyedKey
from domain.evidence.notes import COSIGNATURE, Note, Verifier, cosign
from domain.evidence.questions import Filter, Kind
from domain.ids import MemberId, StreamId, mint
from domain.post_events import PostHeld
from domain.rulebook import RulesPublished, rules_stream
from domain.rules import Match, Rule, RuleSet, content_hash, packed
from domain.screening import Screening, SetVersion
from domain.wallet_events import WalletToppedUp
from replay.bundles.choosing import Moment
from replay.bundles.making import Asked, Made, make
from replay.notary import Notary
from replay.published import Published
from tests.projections.engine.toys import World
from tests.samples.stored import sample

NOW = 1_764_374_400
CELLS = 3


class Evidence:
    """A log with a tree; the same seed gives the same events."""

    def __init__(self, world: World, folder: Path, seed: int = 1) -> None:
        self.world = world
        self.folder = folder
        self.random = Random(seed)
        self.log = PostgresLog(world.database, EVENTS, world.clock)
        self.key = NotaryKey("example.com/log", bytes([seed]) * 32)
        self.witness_key = NotaryKey("witness.example.com/w1", bytes(range(32)))
        public = self.witness_key.verifier.public
        self.witness = Verifier(self.witness_key.name, COSIGNATURE, public)
        self.members = [MemberId(self._mint(number % CELLS)) for number in range(6)]
        self.key_less = MemberId(self._mint(0))
        self.destroyed: list[DestroyedKey] = []
        self.rules: list[SetVersion] = []
        self._heads = 0

    def _mint(self, cell: int) -> UUID:
        return mint(self.random.getrandbits(40), cell, self.random.getrandbits(62))

    def append(self, owner: MemberId, *events: Event, stream: StreamId | None = None) -> StreamId:
        """Events of one member, on a stream of its own unless one is given."""
        cell = owner.int >> 64 & 0xFFF
        where = StreamId(self._mint(cell)) if stream is None else stream
        new = [NewEvent(where, version, owner, event) for version, event in enumerate(events, 1)]
        command = self._mint(cell)
        actor = owner if self.random.random() < 0.8 else self._mint(cell)
        causation = command if self.random.random() < 0.3 else None
        self.log.append(Append(cell, command, actor, command, causation, tuple(new)))
        self.world.clock.advance(timedelta(milliseconds=self.random.randrange(40)))
        return where

    def publish_rules(self) -> None:
        """A new version of the set."""
        version = len(self.rules) + 1
        rule = Rule(f"r-{version}", Match(phrase=f"zorblat{version}"), "hold", "spam")
        content = packed(RuleSet((rule,)))
        published = SetVersion('the "house"', version, content_hash(content))
        self.rules.append(published)
        staff = MemberId(self._mint(0))
        event = RulesPublished(published.name, version, published.hash, content)
        self.append(staff, event, stream=rules_stream(published.name, version))

    def live(self, count: int) -> None:
        """So many events of members."""
        held, paid = sample("post.held.v1"), sample("wallet.topped_up.v1")
        assert isinstance(held, PostHeld)
        assert isinstance(paid, WalletToppedUp)
        for number in range(count):
            member = self.random.choice(self.members)
            match number % 4:
                case 0 if self.rules:
                    sets = (self.random.choice(self.rules),)
                    screening = Screening(1, 0, sets, "1", ())
                    self.append(member, msgspec.structs.replace(held, screening=screening))
                case 1:
                    coins = self.random.randrange(1, 1_000)
                    self.append(member, msgspec.structs.replace(paid, coins=coins))
                case 2:
                    self.append(member, sample("case.decided.v1"), sample("post.unpublished.v1"))
                case _:
                    self.append(member, sample("post.published.v1"))

    def tag(self, member: UUID) -> bytes | None:
        """Members have one; those who act for the house have none."""
        return member.bytes[::-1] if member in self.members else None

    def notarise(self, leaves_per_batch: int = 7) -> None:
        """Take everything in, and sign after each batch."""
        self._heads += 1
        notary = Notary(
            self.world.server,
            self.world.clock,
            uuid4(),
            self._key_file(),
            self.tag,
            SignedLast(self.folder / f"{self._heads}.head"),
            sign_seconds=0.0,
            leaves_per_batch=leaves_per_batch,
        )
        while notary.work() == 0.0:
            pass

    def _key_file(self) -> KeyFile:
        path = self.folder / "notary.key"
        path.write_text(self.key.text, encoding="utf-8")
        return KeyFile(path)

    def cosign(self) -> int:
        """Have the newest checkpoint signed by the witness; its size."""
        published = Published(self.world.server, [self.witness])
        raw = published.checkpoint()
        assert raw is not None
        note = Note.parse(raw)
        line = cosign(note.text, self.witness, self.witness_key.sign, NOW)
        return published.cosign(Note(note.text, (line,)).encode())

    def make(
        self,
        name: str = "bundle.zip",
        *,
        since: Moment = None,
        until: Moment = None,
        kind: Kind = "all",
        owner: UUID | None = None,
        stream: UUID | None = None,
    ) -> Path:
        """A bundle."""
        self.made = self._make(self.folder / name, Asked(since, until, Filter(kind, owner, stream)))
        return self.folder / name

    def _make(self, out: Path, asked: Asked) -> Made:
        return make(
            self.world.server,
            self.log.reader.heads_at,
            asked,
            out,
            destroyed=self._destroyed,
            witnesses=[self.witness],
        )

    def _destroyed(self, keys: frozenset[str]) -> Sequence[DestroyedKey]:
        return [one for one in self.destroyed if one.key in keys]

    def keys_in_use(self) -> list[str]:
        """The ids of keys under which something is sealed."""
        self.make("keys.zip")
        return sorted(self.made.reckoned.keys)

    def attack(self, *statements: str) -> None:
        """As the owner of everything."""
        with self.world.database.owner.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement))
