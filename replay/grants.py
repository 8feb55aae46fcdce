"""
The rights on a live table, given to the one that takes its place.
"""

from sqlalchemy import Connection, text

_GRANTS = text(
    """
    SELECT coalesce(quote_ident(role.rolname), 'PUBLIC'), string_agg(acl.privilege_type, ', ')
    FROM pg_class AS class
    CROSS JOIN LATERAL aclexplode(class.relacl) AS acl
    LEFT JOIN pg_roles AS role ON role.oid = acl.grantee
    WHERE class.oid = to_regclass(:table) AND acl.grantee <> class.relowner
    GROUP BY 1 ORDER BY 1
    """
)

# A table that is new has no predecessor: it gets what the schema promises to new tables.
_DEFAULTS = text(
    """
    SELECT coalesce(quote_ident(role.rolname), 'PUBLIC'), string_agg(acl.privilege_type, ', ')
    FROM pg_default_acl AS defaults
    CROSS JOIN LATERAL aclexplode(defaults.defaclacl) AS acl
    LEFT JOIN pg_roles AS role ON role.oid = acl.grantee
    WHERE defaults.defaclnamespace = to_regnamespace(:schema) AND defaults.defaclobjtype = 'r'
    GROUP BY 1 ORDER BY 1
    """
)


def copy_grants(connection: Connection, live: str, fresh: str) -> None:
    """Give on ``fresh`` what is given on ``live``, both qualified and quoted names."""
    exists = connection.scalar(text("SELECT to_regclass(:table)"), {"table": live}) is not None
    rows = (
        connection.execute(_GRANTS, {"table": live})
        if exists
        else connection.execute(_DEFAULTS, {"schema": live.partition(".")[0]})
    )
    for grantee, privileges in rows.all():
        connection.exec_driver_sql(f"GRANT {privileges} ON {fresh} TO {grantee}")
