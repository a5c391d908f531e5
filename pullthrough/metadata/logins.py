"""SQL about refresh tokens. Each function is one step."""

import apsw

from pullthrough.values import LoginRecord


def put_login(db: apsw.Connection, record: LoginRecord) -> None:
    """See :meth:`ILoginStore.put_login`."""
    db.execute(
        "INSERT INTO refresh_token (hash, principal, service, proof, used_at)"
        " VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET used_at = excluded.used_at",
        (
            record.token_hash,
            record.principal,
            record.service,
            record.proof,
            record.used_at,
        ),
    )


def login(db: apsw.Connection, token_hash: bytes) -> LoginRecord | None:
    """See :meth:`ILoginStore.login`."""
    row = db.execute(
        "SELECT hash, principal, service, proof, used_at FROM refresh_token"
        " WHERE hash = ?",
        (token_hash,),
    ).fetchone()
    return LoginRecord(*row) if row else None


def end_login(db: apsw.Connection, token_hash: bytes) -> None:
    """See :meth:`ILoginStore.end_login`."""
    db.execute("DELETE FROM refresh_token WHERE hash = ?", (token_hash,))


def end_logins_before(db: apsw.Connection, used_at: float) -> int:
    """See :meth:`ILoginStore.end_logins_before`."""
    db.execute("DELETE FROM refresh_token WHERE used_at < ?", (used_at,))
    return db.changes()
