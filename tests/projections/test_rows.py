"""
What each event changes in what is read, and the promises that every read model keeps.
"""

from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import Table

from domain.event import Event
from domain.ids import cell_of
from projections.authority_requests import REQUEST_COUNTS
from projections.cases import BREACHES
from projections.catalogue import READ_MODELS
from projections.comments import COMMENTS
from projections.counters import COUNTERS
from projections.footprints import FOOTPRINTS, named_by
from projections.gates import GATE_HISTORY, GATES
from projections.ledger import ACCOUNTS
from projections.lists import LIST_HISTORY, LIST_MEMBERS, audience_list
from projections.members import MEMBERS
from projections.posts import POSTS
from projections.rows import Add, Change, Drop, Patch, Put, ReadModel
from projections.ties import FRIENDSHIPS, TIE_HISTORY
from projections.trail import TRAIL, actor_facets, owner_facet, type_facet
from projections.turnovers import RATES, TURNOVERS
from tests.projections.recorded import NOON, recorded
from tests.samples.stored import STORED, sample

#: Tables that sum up what has no id, or lead to events by something else.
SUMS = (ACCOUNTS, TURNOVERS, RATES, BREACHES, REQUEST_COUNTS, TRAIL, FOOTPRINTS)

#: What each stored event changes; trail and footprints aside, which follow them all, and turnovers,
#: which follow the accounts.
CHANGES = {
    "account.ban_lifted.v1": "patch members",
    "account.ban_lifted.v1-still-suspended": "patch members",
    "account.banned.v1": "patch members",
    "account.nickname_approved.v1": "patch members",
    "account.nickname_changed.v1": "patch members",
    "account.nickname_flagged.v1": "",
    "account.nickname_held.v1": "",
    "account.nickname_refused.v1": "",
    "account.nickname_rejected.v1": "",
    "account.nickname_restored.v1": "patch members",
    "account.nickname_withdrawn.v1": "patch members",
    "account.opened.v1": "put members",
    "account.reinstated.v1": "patch members",
    "account.reinstated.v1-still-suspended": "patch members",
    "account.restricted.v1": "",
    "account.restriction_ended.v1": "",
    "account.suspended.v1": "patch members",
    "account.suspended.v1-beneath-a-ban": "patch members",
    "account.suspended.v1-for-good": "patch members",
    "album.approved.v1": "patch albums, patch gates, put gate_history, put timeline",
    "album.arranged.v1": "patch albums",
    "album.audience_changed.v1": "patch albums, patch gates, put gate_history",
    "album.audience_changed.v1-list": (
        "patch albums, patch gates, put gate_history, put list_history, put list_members"
    ),
    "album.audience_intended.v1": "patch albums",
    "album.created.v1": (
        "put albums, put gate_history, put gates, put list_history, put list_members, put timeline"
    ),
    "album.created.v1-plain": "put albums, put gate_history, put gates, put timeline",
    "album.deleted.v1": "drop albums, drop timeline, patch gates, put gate_history",
    "album.flagged.v1": "",
    "album.held.v1": "put albums, put gate_history, put gates, put timeline",
    "album.photo_came.v1": "add album_counts",
    "album.photo_went.v1": "add album_counts",
    "album.refused.v1": "",
    "album.refused.v1-new": "",
    "album.rejected.v1": "patch albums, patch gates, put gate_history",
    "album.restored.v1": "patch albums, patch gates, put gate_history",
    "album.retitled.v1": "patch albums",
    "album.title_approved.v1": "patch albums",
    "album.title_held.v1": "patch albums",
    "album.title_rejected.v1": "patch albums",
    "album.unpublished.v1": "patch albums, patch gates, put gate_history",
    "content.destroyed.v1": "",
    "content.retained.v1": "",
    "content.retained.v1-case": "",
    "gallery.album_closed.v1": "",
    "gallery.album_opened.v1": "",
    "gallery.photo_added.v1": "",
    "gallery.photo_removed.v1": "",
    "photo.added.v1": (
        "add album_counts, add deeds, put gate_history, put gates, put photos, put timeline"
    ),
    "photo.added.v1-bare": (
        "add album_counts, add deeds, put gate_history, put gates, put photos, put timeline"
    ),
    "photo.approved.v1": (
        "add album_counts, add deeds, patch gates, patch photos, put gate_history, put timeline"
    ),
    "photo.approved.v1-waited": (
        "add album_counts, add deeds, patch gates, patch photos, put gate_history, put timeline"
    ),
    "photo.deleted.v1": (
        "add album_counts, drop photos, drop timeline, patch gates, put gate_history"
    ),
    "photo.flagged.v1": "",
    "photo.held.v1": "add album_counts, put gate_history, put gates, put photos, put timeline",
    "photo.moved.v1": "add album_counts, patch gates, patch photos",
    "photo.placed.v1": "patch photos",
    "photo.refused.v1": "",
    "photo.refused.v1-new": "",
    "photo.rejected.v1": "add album_counts, patch gates, patch photos, put gate_history",
    "photo.restored.v1": "add album_counts, patch gates, patch photos, put gate_history",
    "photo.reworded.v1": "patch photos",
    "photo.unpublished.v1": "add album_counts, patch gates, patch photos, put gate_history",
    "photo.words_approved.v1": "patch photos",
    "photo.words_held.v1": "patch photos",
    "photo.words_rejected.v1": "patch photos",
    "case.opened.v1-beside": "patch cases, put case_dues",
    "case.opened.v1": "put case_dues, put case_openings, put cases",
    "comment.approved.v1": (
        "add counters, add deeds, patch comments, patch gates, put gate_history, "
        "put notice_heads, put notices, put timeline"
    ),
    "comment.deleted.v1": (
        "add counters, drop comments, drop notices, drop timeline, patch gates, put gate_history"
    ),
    "comment.deleted.v1-answer": (
        "add counters, drop comments, drop notices, drop timeline, patch gates, put gate_history"
    ),
    "comment.deleted.v1-taken-down": (
        "drop comments, drop notices, drop timeline, patch gates, put gate_history"
    ),
    "photo.deleted.v1-taken-down": ("drop photos, drop timeline, patch gates, put gate_history"),
    "comment.flagged.v1": "",
    "comment.held.v1": (
        "add waiting_comments, put comments, put gate_history, put gates, put timeline"
    ),
    "comment.refused.v1": "",
    "comment.rejected.v1": "add waiting_comments, patch gates, put gate_history",
    "comment.restored.v1": "add counters, patch gates, put gate_history",
    "comment.taken_back.v1": (
        "add waiting_comments, drop comments, drop notices, drop timeline, patch gates, "
        "put gate_history"
    ),
    "comment.unpublished.v1": "add counters, patch gates, put gate_history",
    "comment.written.v1": (
        "add counters, add deeds, put comments, put gate_history, put gates, "
        "put notice_heads, put notices, put timeline"
    ),
    "comment.written.v1-answer": (
        "add counters, add deeds, put comments, put gate_history, put gates, "
        "put notice_heads, put notices, put timeline"
    ),
    "authority_request.answered.v1": "add authority_request_counts, patch authority_requests",
    "authority_request.received.v1": "add authority_request_counts, put authority_requests",
    "authority_request.refused.v1": "add authority_request_counts, patch authority_requests",
    "account.erased.v1": "drop members",
    "circle.closed.v1": "",
    "erasure.asked.v1": "",
    "erasure.asked.v1-by-the-member": "",
    "erasure.begun.v1": "",
    "erasure.begun.v1-unheld": "",
    "erasure.class_destroyed.v1": "drop decorations, drop homes",
    "erasure.class_destroyed.v1-billing": "",
    "erasure.taken_back.v1": "",
    "legal_hold.placed.v1": "put legal_holds",
    "legal_hold.released.v1": "drop legal_holds",
    "disclosure.exported.v1": "",
    "disclosure.exported.v1-plain": "",
    "disclosure.past_read.v1": "",
    "disclosure.past_read.v1-plain": "",
    "disclosure.read.v1": "",
    "disclosure.read.v1-for-a-request": "",
    "friend.accepted.v1": "drop notice_heads, drop notices, put friendships, put tie_history",
    "friend.asked.v1": "put friendships, put tie_history",
    "friend.confirmed.v1": "put friendships, put notice_heads, put notices, put tie_history",
    "friend.ended.v1": "drop friendships, drop notice_heads, drop notices, put tie_history",
    "friend.lapsed.v1": "drop friendships, drop notice_heads, drop notices, put tie_history",
    "friend.request_received.v1": "put friendships, put notice_heads, put notices, put tie_history",
    "home.changed.v1": "put homes",
    "home.changed.v1-plain": "put homes",
    "home.names_refused.v1": "",
    "like.given.v1": "add counters, put likes, put notice_heads, put notices, put timeline",
    "like.withdrawn.v1": "add counters, drop likes, drop notices, drop timeline",
    "list.deleted.v1": "drop list_members, drop lists, put list_history",
    "list.saved.v1": "drop list_members, put list_history, put list_members, put lists",
    "list.saved.v1-new": "put list_history, put list_members, put lists",
    "member.blocked.v1": "put blocks, put tie_history",
    "member.unblocked.v1": "drop blocks, put tie_history",
    "message.approved.v1": (
        "patch gates, patch messages, put gate_history, put notice_heads, put notices, put timeline"
    ),
    "message.deleted.v1": (
        "drop messages, drop notices, drop timeline, patch gates, put gate_history"
    ),
    "message.deleted.v1-by-owner": (
        "drop messages, drop notices, drop timeline, patch gates, put gate_history"
    ),
    "message.flagged.v1": "",
    "message.held.v1": "put gate_history, put gates, put messages, put timeline",
    "message.refused.v1": "",
    "message.rejected.v1": "patch gates, put gate_history",
    "message.restored.v1": "patch gates, put gate_history",
    "message.taken_back.v1": (
        "drop messages, drop notices, drop timeline, patch gates, put gate_history"
    ),
    "message.unpublished.v1": "patch gates, put gate_history",
    "message.written.v1": (
        "put gate_history, put gates, put messages, put notice_heads, put notices, put timeline"
    ),
    "message.written.v1-answer": (
        "put gate_history, put gates, put messages, put notice_heads, put notices, put timeline"
    ),
    "number.claimed.v1": "",
    "post.approved.v1": "add deeds, patch gates, patch posts, put gate_history, put timeline",
    "post.audience_changed.v1": (
        "patch gates, patch posts, put gate_history, put list_history, put list_members"
    ),
    "post.audience_changed.v1-edition": (
        "patch gates, patch posts, put gate_history, put list_history, put list_members"
    ),
    "post.audience_intended.v1": "patch gates, patch posts",
    "post.audience_intended.v1-edition": "patch gates, patch posts",
    "consent.given.v1": "patch members",
    "consent.withdrawn.v1": "patch members",
    "post.commenting_changed.v1": "patch gates, patch posts",
    "post.poll_closed.v1": "",
    "post.published.v1-copied": "add deeds, put gate_history, put gates, put posts, put timeline",
    "post.published.v1-poll": (
        "add deeds, put gate_history, put gates, put mentions, put notice_heads, put notices, "
        "put polls, put posts, put timeline"
    ),
    "post.held.v1-poll": "put gate_history, put gates, put polls, put posts, put timeline",
    "post.refused.v1-poll": "",
    "post.edited.v1-carrying": "patch gates, patch posts, put mentions",
    "vote.cast.v1": "add tallies, add turnouts, put timeline, put votes",
    "vote.cast.v1-changed": "add tallies, put votes",
    "post.deleted.v1": "drop polls, drop posts, drop timeline, patch gates, put gate_history",
    "post.edit_approved.v1": "patch gates, patch posts",
    "post.edit_approved.v1-edition": "patch gates, patch posts",
    "post.edit_held.v1": "patch posts",
    "post.edit_refused.v1": "",
    "post.edit_rejected.v1": "patch posts",
    "post.edited.v1": "patch gates, patch posts",
    "post.edited.v1-edition": "patch gates, patch posts",
    "post.flagged.v1": "",
    "post.held.v1": "put gate_history, put gates, put posts, put timeline",
    "post.held.v1-unfinished": "put gate_history, put gates, put posts, put timeline",
    "post.published.v1": "add deeds, put gate_history, put gates, put posts, put timeline",
    "post.published.v1-diary": "add deeds, put gate_history, put gates, put posts, put timeline",
    "post.published.v1-listed": (
        "add deeds, put gate_history, put gates, put list_history, put list_members, "
        "put posts, put timeline"
    ),
    "post.published.v1-named-list": (
        "add deeds, put gate_history, put gates, put posts, put timeline"
    ),
    "post.published.v1-share": "add deeds, put gate_history, put gates, put posts, put timeline",
    "post.refused.v1": "",
    "post.rejected.v1": "patch gates, put gate_history",
    "post.restored.v1": "patch gates, patch posts, put gate_history",
    "post.restored.v1-edition": "patch gates, patch posts, put gate_history",
    "post.unpublished.v1": "patch gates, put gate_history",
    "rulebook.level_ended.v1": "",
    "rulebook.level_raised.v1": "",
    "rulebook.set_adopted.v1": "",
    "rules.published.v1": "",
    "screening.activated.v1": "",
    "space.certification_withdrawn.v1": "patch members, put certification_history",
    "space.certified.v1": "patch members, put certification_history",
    "space.followed.v1": "put follows, put tie_history",
    "space.unfollowed.v1": "drop follows, put tie_history",
    "account.suspended.v1-by-decision": "patch members",
    "case.appealed.v1-beside": "patch cases, patch decisions",
    "case.appealed.v1": "patch cases, patch decisions, put case_dues, put case_openings",
    "case.claim_lapsed.v1": "patch cases",
    "case.claimed.v1-on": "patch cases",
    "case.claimed.v1": "patch cases",
    "case.decided.v1-goes-on": (
        "patch cases, patch reports, put case_dues, put case_openings, put decisions, "
        "put notice_heads, put notices"
    ),
    "case.decided.v1-on-appeal": (
        "patch cases, patch decisions, put decisions, put notice_heads, put notices"
    ),
    "case.decided.v1": "patch cases, patch reports, put decisions, put notice_heads, put notices",
    "case.declined.v1": "patch cases",
    "case.escalated.v1": "patch cases",
    "case.mooted.v1": "patch cases",
    "case.noted.v1": "patch cases, put public_notes",
    "case.overdue.v1": "add breaches, patch cases",
    "case.proposed.v1": "patch cases",
    "case.released.v1": "patch cases",
    "case.reported.v1-merged": "add case_tallies, patch cases, put reports",
    "case.reported.v1": "add case_tallies, patch cases, put case_dues, put reports",
    "case.subject_changed.v1": "patch cases, put case_dues",
    "disclosure_policy.set.v1": "",
    "master_key.replaced.v1": "",
    "master_key.replaced.v1-in-a-file": "",
    "master_key.rotation_begun.v1": "",
    "master_key.rotation_begun.v1-in-a-file": "",
    "notary_key.added.v1": "",
    "notary_key.retired.v1": "",
    "notary_tree.set_back.v1": "",
    "export.asked.v1": "",
    "sanction.imposed.v1-direct": "patch decisions, put sanctions",
    "sanction.imposed.v1": "patch decisions, put sanctions",
    "sanction.lifted.v1-expired": "patch sanctions",
    "sanction.lifted.v1": "patch sanctions",
    "strike.expired.v1": "patch strikes",
    "strike.given.v1": "put strikes",
    "strike.given.v1-with-reason": "put strikes",
    "strike.reversed.v1": "patch strikes",
    "allowance.returned.v1": "",
    "allowance.taken.v1": "",
    "belonging.expired.v1": "drop belongings, drop wardrobe",
    "belonging.gained.v1": "put belongings, put wardrobe",
    "belonging.gained.v1-for-good": "put belongings, put wardrobe",
    "belonging.taken_back.v1": "drop belongings, drop wardrobe",
    "decoration.changed.v1": "patch members, put decorations",
    "decoration.changed.v1-one": "patch members, put decorations",
    "decoration.restored.v1": "drop decorations, patch members",
    "item.changed.v1": "patch mall_items",
    "item.delisted.v1": "patch mall_items",
    "item.listed.v1": "put mall_items",
    "item.relisted.v1": "patch mall_items",
    "item.listed.v1-for-a-level": "put mall_items",
    "membership.cancelled.v1": "put memberships",
    "membership.expired.v1": "put memberships",
    "membership.paid.v1": "put membership_periods, put memberships",
    "membership.paused.v1": (
        "add ledger_accounts, patch membership_periods, put memberships, put postings"
    ),
    "membership.paused.v1-again": (
        "add ledger_accounts, patch membership_periods, put memberships, put postings"
    ),
    "membership.refunded.v1": "patch membership_periods, put memberships",
    "membership.refunded.v1-upgrade": "patch membership_periods, put memberships",
    "membership.renewal_failed.v1": "put memberships",
    "membership.renewal_failed.v1-without-benefits": "put memberships",
    "membership.renewal_resumed.v1": "put memberships",
    "membership.resumed.v1": (
        "add ledger_accounts, put membership_periods, put memberships, put postings"
    ),
    "membership.resumed.v1-rest": (
        "add ledger_accounts, put membership_periods, put memberships, put postings"
    ),
    "membership.term_changed.v1": "put memberships",
    "membership.trial_started.v1": "put membership_periods, put memberships",
    "belonging.revoked.v1": "drop belongings, drop wardrobe",
    "gift.settled.v1-revoked": "patch gifts",
    "order.restored.v1": "patch orders",
    "order.revoked.v1": "patch orders",
    "order.revoked.v1-gift": "patch orders",
    "order.restored.v1-gift": "patch orders",
    "payment.turned.v1": "add ledger_accounts",
    "payment.turned.v1-back": "add ledger_accounts",
    "visit.made.v1": "add visit_counts, add visit_days, put visitors",
    "visit.made.v1-again": "add visit_counts, add visit_days, put visitors",
    "visit.made_unseen.v1": "add visit_counts, add visit_days",
    "visitor.removed.v1": "put removed_visitors",
    "wallet.lot_reversed.v1": "add ledger_accounts, add lot_coins, put lot_moves, put postings",
    "wallet.lot_restored.v1": (
        "add coin_debts, add ledger_accounts, add lot_coins, put lot_moves, put postings"
    ),
    "wallet.lot_restored.v1-escrow": (
        "add coin_debts, add ledger_accounts, add lot_coins, patch holds, put lot_moves,"
        " put postings"
    ),
    "wallet.escrow_reversed.v1": ("add ledger_accounts, patch holds, put lot_moves, put postings"),
    "wallet.owed.v1": "add coin_debts, add ledger_accounts, put lot_moves, put postings",
    "wallet.recovered.v1": "add ledger_accounts, put lot_moves, put postings",
    "wallet.swept.v1": (
        "add coin_debts, add ledger_accounts, add lot_coins, put lot_moves, put postings"
    ),
    "wallet.swept.v1-looked-for": "add ledger_accounts, add lot_coins, put lot_moves, put postings",
    "gift.accepted.v1": "patch orders",
    "gift.offered.v1": "put orders",
    "gift.offered.v1-months": "put orders",
    "membership.paid.v1-given": "put membership_periods, put memberships",
    "wallet.captured.v1-months": "add ledger_accounts, drop holds, put lot_moves, put postings",
    "gift.received.v1": "put gifts, put notice_heads, put notices",
    "gift.returned.v1": "patch orders",
    "gift.returned.v1-expired": "patch orders",
    "gift.settled.v1": "patch gifts",
    "gift.settled.v1-refunded": "patch gifts",
    "item.listed.v1-refundable": "put mall_items",
    "order.refunded.v1-gift": "patch orders",
    "wallet.captured.v1-gift": "add ledger_accounts, patch holds, put lot_moves, put postings",
    "wallet.held.v1-gift": (
        "add ledger_accounts, add lot_coins, put holds, put lot_moves, put postings"
    ),
    "wallet.voided.v1-gift": (
        "add ledger_accounts, add lot_coins, drop holds, put lot_moves, put lots, put postings"
    ),
    "order.placed.v1": "put orders",
    "order.refunded.v1": "patch orders",
    "order.refunded.v1-guardian": "patch orders",
    "payment.claimed.v1": "",
    "payment.claimed.v1-settled": "",
    "payment.failed.v1": "",
    "payment.failed.v1-expired": "",
    "payment.misclaimed.v1": "",
    "payment.pending.v1": "",
    "payment.settled.v1": "",
    "period.closed.v1": "add ledger_accounts, put postings",
    "wallet.refunded.v1-membership": (
        "add ledger_accounts, add lot_coins, put lot_moves, put postings"
    ),
    "wallet.spent.v1-membership": "add ledger_accounts, add lot_coins, put lot_moves, put postings",
    "wallet.bonus_expired.v1": "add ledger_accounts, add lot_coins, put lot_moves, put postings",
    "wallet.bonus_granted.v1": (
        "add ledger_accounts, add lot_coins, put lot_moves, put lots, put postings"
    ),
    "wallet.captured.v1": "add ledger_accounts, patch holds, put lot_moves, put postings",
    "wallet.captured.v1-whole": "add ledger_accounts, drop holds, put lot_moves, put postings",
    "wallet.held.v1": "add ledger_accounts, add lot_coins, put holds, put lot_moves, put postings",
    "wallet.refunded.v1": (
        "add ledger_accounts, add lot_coins, put lot_moves, put lots, put postings"
    ),
    "wallet.refunded.v1-part": "add ledger_accounts, add lot_coins, put lot_moves, put postings",
    "wallet.spent.v1": "add ledger_accounts, add lot_coins, put lot_moves, put postings",
    "wallet.topped_up.v1": (
        "add ledger_accounts, add lot_coins, put lot_moves, put lots, put postings"
    ),
    "wallet.voided.v1": (
        "add ledger_accounts, add lot_coins, drop holds, put lot_moves, put lots, put postings"
    ),
    "badge.awarded.v1": "put badges, put notice_heads, put notices",
    "notices.preferences_changed.v1": "put notice_settings",
    "notices.read.v1": "drop notice_marks, put notice_marks",
    "notices.read.v1-all": "put notice_marks",
    "post.approved.v1-share": (
        "add counters, add deeds, patch gates, patch posts, put gate_history, put notice_heads, "
        "put notices, put timeline"
    ),
    "post.held.v1-share-credited": "put gate_history, put gates, put posts, put timeline",
    "post.published.v1-share-credited": (
        "add deeds, put gate_history, put gates, put notice_heads, put notices, put posts, "
        "put timeline"
    ),
    "post.approved.v1-mentioning": (
        "add counters, add deeds, patch gates, patch posts, put gate_history, put notice_heads, "
        "put notices, put timeline"
    ),
    "post.edit_approved.v1-mentioning": "patch gates, patch posts, put notice_heads, put notices",
    "post.edited.v1-mentioning": (
        "patch gates, patch posts, put mentions, put notice_heads, put notices"
    ),
    "album.created.v1-copied": "put albums, put gate_history, put gates, put timeline",
    "photo.added.v1-copied": (
        "add album_counts, add deeds, put gate_history, put gates, put photos, put timeline"
    ),
    "post.audience_changed.v1-share": (
        "add counters, patch gates, patch posts, put gate_history, put list_history, "
        "put list_members"
    ),
    "post.deleted.v1-share": (
        "add counters, drop polls, drop posts, drop timeline, patch gates, put gate_history"
    ),
    "post.restored.v1-share": "add counters, patch gates, patch posts, put gate_history",
    "post.unpublished.v1-share": "add counters, patch gates, put gate_history",
}

MODELS = pytest.mark.parametrize("model", READ_MODELS, ids=[model.name for model in READ_MODELS])
SAMPLES = pytest.mark.parametrize("name", STORED)


def changes(event: Event, version: int = 1) -> Iterator[Change]:
    """All that an event changes."""
    for model in READ_MODELS:
        yield from model.rows(recorded(event, version=version))


def change(event: Event, table: Table, version: int = 1) -> Change:
    """The one change that an event makes to a table."""
    (only,) = [one for one in changes(event, version) if one.table is table]
    return only


@SAMPLES
def test_what_an_event_changes(name: str) -> None:
    made = {
        f"{type(one).__name__.lower()} {one.table.name}"
        for one in changes(sample(name))
        if one.table not in (TRAIL, FOOTPRINTS, TURNOVERS, RATES)
    }
    assert ", ".join(sorted(made)) == CHANGES[name]


@SAMPLES
def test_turnovers_have_what_the_accounts_have(name: str) -> None:
    made = list(changes(sample(name)))
    accounts = [(one.key[1:], one.values) for one in made
                if one.table is ACCOUNTS and isinstance(one, Add)]  # fmt: skip
    turned = [(one.key[3:], one.values) for one in made
              if one.table is TURNOVERS and isinstance(one, Add)]  # fmt: skip
    assert turned == accounts


# What every read model promises


class Unheard(Event, frozen=True, tag="test.unheard.v1"):
    """Something that no read model has heard of."""


@MODELS
def test_an_unknown_event_changes_nothing(model: ReadModel) -> None:
    """Read models older than an event let it pass; trail and footprints follow all."""
    known = recorded(sample("post.deleted.v1"))
    unheard = msgspec.structs.replace(known, event=Unheard())
    assert [
        one.table.name for one in model.rows(unheard) if one.table not in (TRAIL, FOOTPRINTS)
    ] == []


@MODELS
@SAMPLES
def test_rows_are_pure(model: ReadModel, name: str) -> None:
    event = recorded(sample(name))
    first, second = list(model.rows(event)), list(model.rows(event))
    assert first == second


@SAMPLES
def test_a_change_has_a_place_and_says_no_more_than_its_table_holds(name: str) -> None:
    for one in changes(sample(name)):
        key = [column.name for column in one.table.primary_key]
        others = {column.name for column in one.table.columns} - set(key)
        assert key[0] == "cell", "the cell leads every key"
        assert len(one.key) == len(key)
        assert type(one.key[0]) is int
        match one:
            case Put(values=values):
                assert set(values) == others, "the whole row"
            case Patch(values=values) | Add(values=values):
                assert set(values) <= others
                assert values
            case Drop():
                pass


@MODELS
def test_a_model_writes_its_own_tables_alone(model: ReadModel) -> None:
    for name in STORED:
        for one in model.rows(recorded(sample(name))):
            assert one.table in model.tables


def test_no_two_models_share_a_table() -> None:
    tables = [table for model in READ_MODELS for table in model.tables]
    assert len(tables) == len(set(tables))
    assert len({model.name for model in READ_MODELS}) == len(READ_MODELS)


@SAMPLES
def test_a_row_has_one_cell_that_writes_it(name: str) -> None:
    """
    The key alone tells which: it stands in that cell, or names something of that cell. So no two
    cells, whose events have no order between them, ever write to one row; but sums commute.
    """
    event = recorded(sample(name))
    for one in changes(sample(name)):
        if not isinstance(one, Add):
            named = {cell_of(part) for part in one.key if hasattr(part, "int")}
            columns = [column.name for column in one.table.primary_key]
            if "source_cell" in columns:
                named.add(one.key[columns.index("source_cell")])
            assert event.cell in {one.key[0], *named}


@SAMPLES
def test_history_is_only_added_to(name: str) -> None:
    """A row of history bears its event's position and is never written again."""
    event = recorded(sample(name))
    kept = [one for one in changes(sample(name)) if one.table.info.get("append_only")]
    assert all(isinstance(one, Put) and event.position in one.key for one in kept)
    places = [(one.table, one.key) for one in kept]
    assert len(places) == len(set(places))


# Some in full


def test_a_published_post_shows_its_words_sealed() -> None:
    event = sample("post.published.v1-diary")
    put = change(event, POSTS)
    assert isinstance(put, Put)
    content = event.content  # type: ignore[attr-defined]
    assert (put.values["text"], put.values["title"]) == (
        content.text.envelope,
        content.title.envelope,
    )
    assert (put.values["kind"], put.values["mood"], put.values["share_of"]) == ("diary", None, None)
    assert (put.values["published_at"], put.values["edited_at"]) == (NOON, None)


def test_an_edit_takes_away_what_it_no_longer_says() -> None:
    patch = change(sample("post.edited.v1"), POSTS, version=3)
    assert isinstance(patch, Patch)
    assert patch.values["mood"] is None
    assert (patch.values["version"], patch.values["edited_at"]) == (3, NOON)


def test_a_gate_follows_its_post() -> None:
    opened = change(sample("post.published.v1-diary"), GATES)
    assert isinstance(opened, Put)
    assert (opened.values["live"], opened.values["audience"]) == (True, "friends")
    closed = change(sample("post.deleted.v1"), GATES, version=2)
    assert isinstance(closed, Patch)
    assert closed.values == {"live": False, "version": 2}
    past = change(sample("post.deleted.v1"), GATE_HISTORY)
    assert isinstance(past, Put)
    assert past.values["live"] is False
    edited = change(sample("post.edited.v1"), GATES, version=2)
    assert isinstance(edited, Patch)
    assert edited.values == {"version": 2}, "an edit lets nobody in or out"


def test_a_comments_gate_names_its_post() -> None:
    event = sample("comment.written.v1")
    gate = change(event, GATES)
    assert isinstance(gate, Put)
    assert gate.values["parent"] == event.post  # type: ignore[attr-defined]


def test_what_is_said_about_a_post_stands_in_its_cell() -> None:
    event = sample("comment.written.v1")
    post = event.post  # type: ignore[attr-defined]
    assert recorded(event).cell != cell_of(post)
    for table in (COMMENTS, COUNTERS):
        assert change(event, table).key[0] == cell_of(post)


@pytest.mark.parametrize(
    ("name", "sums"),
    [
        ("like.given.v1", {"likes": 1}),
        ("like.withdrawn.v1", {"likes": -1}),
        ("comment.written.v1", {"comments": 1}),
        ("comment.deleted.v1", {"comments": -1}),
    ],
)
def test_a_post_counts_what_is_there(name: str, sums: dict[str, int]) -> None:
    add = change(sample(name), COUNTERS)
    assert isinstance(add, Add)
    assert add.values == sums


def test_a_post_for_named_members_has_a_list_of_its_own() -> None:
    event = sample("post.published.v1-listed")
    gate, on = change(event, GATES), change(event, LIST_MEMBERS)
    (member,) = event.audience.members  # type: ignore[attr-defined]
    assert isinstance(gate, Put)
    assert on.key[1:] == (gate.values["list"], member)
    later = audience_list(recorded(event, version=2), event.audience)  # type: ignore[attr-defined]
    assert later != gate.values["list"], "another audience, another list"


def test_a_post_for_a_named_list_points_at_it() -> None:
    event = sample("post.published.v1-named-list")
    gate = change(event, GATES)
    assert isinstance(gate, Put)
    assert gate.values["list"] == event.audience.named  # type: ignore[attr-defined]


def test_who_leaves_a_list_is_off_it() -> None:
    event = sample("list.saved.v1")
    made = [one for one in changes(event) if one.table in (LIST_MEMBERS, LIST_HISTORY)]
    (joined,), (left,) = event.members, event.removed  # type: ignore[attr-defined]
    assert {(type(one), one.key[2]) for one in made if one.table is LIST_MEMBERS} == {
        (Put, joined),
        (Drop, left),
    }
    history = {
        one.key[2]: one.values["listed"] for one in made if isinstance(one, Put) and one.values
    }
    assert history == {joined: True, left: False}


@pytest.mark.parametrize(
    ("name", "standing", "offers"),
    [
        ("friend.asked.v1", "outgoing", True),
        ("friend.request_received.v1", "incoming", False),
        ("friend.accepted.v1", "friends", True),
        ("friend.confirmed.v1", "friends", True),
    ],
)
def test_a_half_stands_as_its_last_event_says(name: str, standing: str, offers: bool) -> None:
    event = sample(name)
    half, past = change(event, FRIENDSHIPS), change(event, TIE_HISTORY)
    assert isinstance(half, Put)
    assert isinstance(past, Put)
    bond = event.bond  # type: ignore[attr-defined]
    assert (half.values["standing"], half.values["bond"]) == (standing, bond)
    assert (past.values["part"], past.values["standing"], past.values["bond"]) == (
        "friendship",
        offers,
        bond,
    )


def test_a_suspension_shows_at_once() -> None:
    for name, status in (
        ("account.suspended.v1", "suspended"),
        ("account.suspended.v1-beneath-a-ban", "banned"),
        ("account.reinstated.v1", "active"),
        ("account.reinstated.v1-still-suspended", "suspended"),
        ("account.ban_lifted.v1", "active"),
        ("account.ban_lifted.v1-still-suspended", "suspended"),
    ):
        patch = change(sample(name), MEMBERS)
        assert isinstance(patch, Patch)
        assert patch.values == {"status": status}


@pytest.mark.parametrize("name", sorted(STORED))
def test_whatever_an_event_changes_is_found_by_an_id_of_the_row(name: str) -> None:
    """So a row of any moment can be folded from the events that its ids lead to."""
    one = recorded(sample(name))
    leads = {*named_by(one.event), one.owner, one.stream}
    lost = {
        change.table.name
        for model in READ_MODELS
        for change in model.rows(one)
        if change.table not in SUMS
        if not leads.intersection(part for part in change.key if isinstance(part, UUID))
    }
    assert lost == set()


@pytest.mark.parametrize("name", ["post.deleted.v1", "account.suspended.v1"])
def test_the_trail_finds_events_by_member_actor_and_type(name: str) -> None:
    event = recorded(sample(name))
    for actor in (event.owner, UUID(int=7)):
        acted = msgspec.structs.replace(event, actor=actor)
        places = {
            one.key for model in READ_MODELS for one in model.rows(acted) if one.table is TRAIL
        }
        facets = [owner_facet(acted.owner), *actor_facets(actor), type_facet(name)]
        found = [facet for facet in facets if (acted.cell, *facet, acted.position) in places]
        assert owner_facet(acted.owner) in found
        assert type_facet(name) in found
        assert set(found) & set(actor_facets(actor))
