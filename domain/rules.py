"""
Rule sets: what compliance looks for in members' words, and what is to happen where it is found.

A set is versioned whole: every change is a new version with its own hash, kept for ever, so that
any decision can name the very rules it was made under. No words ship with the product.
"""

import hashlib
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

Action: TypeAlias = Literal["block", "hold", "private_view", "flag"]

#: From the mildest to the gravest: of several rules that match, the gravest says what happens.
ACTIONS: Final[tuple[Action, ...]] = ("flag", "private_view", "hold", "block")

LEVEL_MAX: Final = 3
RULES_MAX: Final = 200_000


Id: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Phrase: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Match(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """
    What a rule looks for; one of these.

    :param phrase: these characters, however they are dressed up.
    :param all_of: all of these phrases, in whichever texts of one thing: a title and its text, say.
    :param passage: a long quotation, found even where a few of its characters differ.
    :param regex: an expression in RE2's syntax, over the normalised text.
    :param image: the PDQ hash of an image, 64 hexadecimal digits.
    """

    phrase: Phrase | None = None
    all_of: Annotated[tuple[Phrase, ...], msgspec.Meta(min_length=1, max_length=16)] | None = None
    passage: Annotated[str, msgspec.Meta(max_length=10_000)] | None = None
    regex: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None
    image: Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{64}$")] | None = None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """
    One rule.

    :param from_level: the level of sensitivity from which on it counts; 0 always.
    """

    id: Id
    match: Match
    action: Action
    category: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    from_level: Annotated[int, msgspec.Meta(ge=0, le=LEVEL_MAX)] = 0


class RuleSet(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    Rules that are published together.

    :param allow: words as they are written; what is found inside one of them, to the character, is
        no hit of this set.
    """

    rules: Annotated[tuple[Rule, ...], msgspec.Meta(max_length=RULES_MAX)]
    allow: Annotated[tuple[Phrase, ...], msgspec.Meta(max_length=10_000)] = ()


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(RuleSet).decode


def packed(rules: RuleSet) -> msgspec.Raw:
    """
    A set's canonical JSON, as events carry it: fifty thousand rules take tens of milliseconds to
    become objects, in which nothing else goes on, and most who read an event only pass it by.
    """
    return msgspec.Raw(_encode(rules))


def unpacked(packed: msgspec.Raw) -> RuleSet:
    """The set that was packed."""
    return _decode(packed)


def content_hash(packed: msgspec.Raw) -> str:
    """SHA-256 of a packed set, in hexadecimal: its name for as long as there are logs."""
    return hashlib.sha256(packed).hexdigest()
