"""
The schema's history, as alembic revisions; run by ``adapters.schema.migrate``, never by hand.

Revisions are written out and never derived from today's tables, so that an old one keeps its
meaning when the tables move on.
"""
