"""
The catalogue: every event type ever released, in one registry, and every kind of stream.
"""

from typing import Any, get_args

from domain import (
    account,
    account_events,
    album,
    album_events,
    allowance,
    authority_request,
    badge,
    belonging,
    case,
    case_events,
    circle,
    comment,
    consent,
    custody,
    decoration,
    disclosure,
    disclosure_policy,
    erasure,
    export,
    gallery,
    home,
    like,
    mall,
    membership,
    membership_events,
    message,
    misclaim,
    named_list,
    notices,
    order,
    payment,
    period,
    photo,
    photo_events,
    poll,
    post,
    post_events,
    received_gift,
    rulebook,
    space,
    standing,
    standing_events,
    visit,
    wallet,
    wallet_events,
)
from domain.event import Aggregate, Event, Registry

_AGGREGATES: tuple[tuple[Aggregate[Any], Any], ...] = (
    (account.NUMBER, account_events.NumberClaimed),
    (account.ACCOUNT, account_events.AccountEvent),
    (circle.CIRCLE, circle.CircleStreamEvent),
    (named_list.LISTS, named_list.ListEvent),
    (space.SPACE, space.SpaceEvent),
    (post.POST, post_events.PostEvent),
    (comment.COMMENT, comment.CommentEvent),
    (like.LIKE, like.LikeEvent),
    (album.ALBUM, album_events.AlbumEvent),
    (photo.PHOTO, photo_events.PhotoEvent),
    (gallery.GALLERY, gallery.GalleryEvent),
    (poll.VOTE, poll.VoteCast),
    (consent.CONSENTS, consent.ConsentEvent),
    (disclosure.DISCLOSURES, disclosure.DisclosureEvent),
    (custody.CUSTODY, custody.CustodyEvent),
    (rulebook.RULES, rulebook.RulesPublished),
    (rulebook.RULEBOOK, rulebook.RulebookEvent),
    (rulebook.SCREEN, rulebook.ScreeningActivated),
    (case.CASE, case_events.CaseEvent),
    (standing.STANDING, standing_events.StandingEvent),
    (disclosure_policy.DISCLOSURE_POLICY, disclosure_policy.DisclosurePolicySet),
    (export.EXPORTS, export.ExportAsked),
    (payment.PAYMENT, payment.PaymentEvent),
    (allowance.ALLOWANCE, allowance.AllowanceEvent),
    (misclaim.MISCLAIMS, misclaim.PaymentMisclaimed),
    (wallet.WALLET, wallet_events.WalletEvent),
    (mall.ITEM, mall.ItemEvent),
    (order.ORDER, order.OrderEvent),
    (belonging.BELONGING, belonging.BelongingEvent),
    (received_gift.RECEIVED_GIFT, received_gift.ReceivedGiftEvent),
    (membership.MEMBERSHIP, membership_events.MembershipEvent),
    (decoration.DECORATION, decoration.DecorationEvent),
    (badge.AWARD, badge.BadgeAwarded),
    (notices.NOTICES, notices.NoticesEvent),
    (period.PERIODS, period.PeriodClosed),
    (visit.VISITS, visit.VisitEvent),
    (visit.REMOVAL, visit.VisitorRemoved),
    (home.HOME, home.HomeEvent),
    (message.MESSAGE, message.MessageEvent),
    (authority_request.AUTHORITY_REQUEST, authority_request.AuthorityRequestEvent),
    (erasure.ERASURE, erasure.ErasureEvent),
)

#: Of which kind of stream each type of event is.
AGGREGATES_BY_TYPE: dict[type[Event], Aggregate[Any]] = {
    kind: aggregate for aggregate, union in _AGGREGATES for kind in get_args(union) or (union,)
}

#: Old shapes and what lifts each to its newest. A released tag never leaves the registry.
EVENTS = Registry(
    tuple(union for _, union in _AGGREGATES),
    upcasts={},
)
