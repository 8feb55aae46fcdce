"""
Every read model there is.
"""

from projections.comments import Comments, Likes
from projections.counters import Counters
from projections.gates import Gates
from projections.lists import Lists
from projections.members import Members
from projections.posts import Posts
from projections.rows import ReadModel
from projections.ties import Ties
from projections.timeline import Timeline
from projections.trail import Trail

READ_MODELS: tuple[ReadModel, ...] = (
    Members(),
    Ties(),
    Lists(),
    Gates(),
    Counters(),
    Posts(),
    Comments(),
    Likes(),
    Timeline(),
    Trail(),
)
