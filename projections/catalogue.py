"""
Every read model there is.
"""

from projections.albums import Albums
from projections.authority_requests import AuthorityRequests
from projections.badges import Badges
from projections.cases import Cases
from projections.comments import Comments, Likes
from projections.counters import Counters
from projections.decisions import Decisions
from projections.decorations import Decorations
from projections.footprints import Footprints
from projections.gates import Gates
from projections.gifts import Gifts
from projections.homes import Homes
from projections.ledger import Ledger
from projections.legal_holds import LegalHolds
from projections.lists import Lists
from projections.mall import Mall
from projections.members import Members
from projections.memberships import Memberships
from projections.mentions import Mentions
from projections.messages import Messages
from projections.notices import Notices
from projections.orders import Orders
from projections.photos import Photos
from projections.polls import Polls
from projections.posts import Posts
from projections.reports import Reports
from projections.rows import ReadModel
from projections.standings import Standings
from projections.ties import Ties
from projections.timeline import Timeline
from projections.trail import Trail
from projections.visits import Visits
from projections.wallets import Wallets

READ_MODELS: tuple[ReadModel, ...] = (
    Members(),
    Ties(),
    Lists(),
    Gates(),
    Counters(),
    Posts(),
    Comments(),
    Likes(),
    Polls(),
    Mentions(),
    Timeline(),
    Albums(),
    Photos(),
    Cases(),
    Decisions(),
    Reports(),
    Standings(),
    Wallets(),
    Mall(),
    Orders(),
    Gifts(),
    Memberships(),
    Decorations(),
    Badges(),
    Notices(),
    Visits(),
    Homes(),
    Messages(),
    AuthorityRequests(),
    LegalHolds(),
    Ledger(),
    Trail(),
    Footprints(),
)
