"""
Alembic's entry: runs the revisions on the connection, and in the transaction, it is given.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="log",
    transactional_ddl=True,
)
context.run_migrations()
