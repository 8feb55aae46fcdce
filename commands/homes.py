"""
Commands about the home page: which modules there are and what they are called, for whom each
section is, who may write on the board.
"""

from typing import Annotated, Any, TypeAlias

import msgspec

from commands.relations import acting_member, publishing_member
from commands.work import Outcome, Work
from domain import decoration as looks
from domain import home as decisions
from domain.decoration import DECORATION, decoration_stream
from domain.event import Refused
from domain.home import HOME, MODULE_NAME_LENGTH_MAX, For, HomeNamesRefused, Writers, home_stream
from domain.ids import MemberId
from domain.looks import Module, Rights
from domain.screening import Found
from domain.sealed import KeyClass, Sealed

_Unset: TypeAlias = msgspec.UnsetType
ModuleName: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MODULE_NAME_LENGTH_MAX, examples=["碎碎念"])
]
_Name: TypeAlias = ModuleName | _Unset | None
_For: TypeAlias = For | _Unset


class ModuleNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What modules are called; null restores the house's name."""

    profile: _Name = msgspec.UNSET
    posts: _Name = msgspec.UNSET
    albums: _Name = msgspec.UNSET
    visitors: _Name = msgspec.UNSET
    messages: _Name = msgspec.UNSET
    gifts: _Name = msgspec.UNSET
    music: _Name = msgspec.UNSET
    friends: _Name = msgspec.UNSET
    badges: _Name = msgspec.UNSET


class SectionPrivacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom sections are."""

    posts: _For = msgspec.UNSET
    albums: _For = msgspec.UNSET
    visitors: _For = msgspec.UNSET
    messages: _For = msgspec.UNSET
    friends: _For = msgspec.UNSET
    badges: _For = msgspec.UNSET


class ChangeHome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    Change what is named. ``modules`` are all that are shown, in their order; ``board`` says who may
    write on it, of those who see it.
    """

    modules: Annotated[list[Module], msgspec.Meta(max_length=9)] | _Unset = msgspec.UNSET
    names: ModuleNames | _Unset = msgspec.UNSET
    privacy: SectionPrivacy | _Unset = msgspec.UNSET
    board: Writers | _Unset = msgspec.UNSET


async def change(command: ChangeHome, work: Work) -> Outcome:
    """
    Change the home page. Names that the rules would have somebody look at are not taken: a page
    does not wait for the name of a module.
    """
    said = _said(command.names)
    new = {module: name for module, name in said.items() if name is not None}
    member = await (publishing_member if new else acting_member)(work)
    found = await work.screen(work.cell_of(member), new) if new else None
    names = {
        module: None if name is None else await work.vault.seal(member, KeyClass.CONTENT, name)
        for module, name in said.items()
    }
    stream = home_stream(member)
    arranged = await work.load(HOME, stream)
    if found is not None and found.outcome not in ("published", "flagged"):
        return _refused(work, member, names, found)
    writers = None if command.board is msgspec.UNSET else command.board
    at = work.context.effective_at
    events = decisions.change(arranged, member, names, _said(command.privacy), writers, at)
    work.append(HOME, stream, member, events)
    because = (stream, work.version(stream) + 1 if events else arranged.since)
    if command.modules is not msgspec.UNSET:
        moved = await _arrange(work, member, command.modules)
        because = moved if moved is not None and not events else because
    return Outcome(member, because)


def _refused(
    work: Work, member: MemberId, names: dict[Any, Sealed[str] | None], found: Found
) -> Outcome:
    stream = home_stream(member)
    told = {module: name for module, name in names.items() if name is not None}
    work.append(HOME, stream, member, [HomeNamesRefused(member, told, found.screening)])
    refused = Refused("not-published", "This cannot be published.", "/names")
    return Outcome(member, (stream, work.version(stream) + 1), refused=refused)


async def _arrange(work: Work, member: MemberId, modules: list[Module]) -> tuple[Any, int] | None:
    """Which modules there are is part of the look; where that became so, if it ever did."""
    if len(set(modules)) < len(modules):
        raise Refused("module-twice", "A page has each module once.", "/modules")
    stream = decoration_stream(member)
    decoration = await work.load(DECORATION, stream)
    changes, at = {"modules": tuple(modules)}, work.context.effective_at
    events = looks.change(decoration, member, changes, Rights({}, {}), at)
    work.append(DECORATION, stream, member, events)
    since = work.version(stream) + 1 if events else decoration.since
    return (stream, since) if since else None


def _said(named: ModuleNames | SectionPrivacy | _Unset) -> dict[Any, Any]:
    """What is named, by module or section."""
    if named is msgspec.UNSET:
        return {}
    every = msgspec.structs.asdict(named)
    return {name: one for name, one in every.items() if one is not msgspec.UNSET}
