-- Logins that outlive a restart: only the hash of the token is kept. ``proof`` tells
-- whether the password is still the one that it was made with.
CREATE TABLE refresh_token (
    hash BLOB PRIMARY KEY,
    principal TEXT NOT NULL,
    service TEXT NOT NULL,
    proof TEXT NOT NULL,
    used_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_token_by_used ON refresh_token (used_at);
