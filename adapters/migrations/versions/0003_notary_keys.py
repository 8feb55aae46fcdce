"""
The keys that sign the tree, one after the other: so far there was one.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# ``since`` and ``until`` are sizes of the tree, at the first and the last checkpoint that the key
# signed; null before the first, and for as long as there is no last.
_KEYS = """
CREATE TABLE log.notary_keys (
    number integer NOT NULL,
    vkey text NOT NULL,
    since bigint,
    until bigint,
    CONSTRAINT notary_keys_pkey PRIMARY KEY (number)
);
INSERT INTO log.notary_keys (number, vkey, since) SELECT 1, vkey, 0 FROM log.notary_tree;
GRANT SELECT, INSERT, UPDATE ON log.notary_keys TO homezone_server;
"""


def upgrade() -> None:
    for statement in _KEYS.split(";"):
        if statement.strip():
            op.execute(statement)
