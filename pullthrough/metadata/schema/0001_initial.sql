-- Digests are texts, "algorithm:hex". Times are seconds since the epoch. Names sort
-- by their bytes (BINARY), which for their grammar is ASCII order.

CREATE TABLE repository (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    UNIQUE (name, kind)
) STRICT;

CREATE TABLE image (
    id INTEGER PRIMARY KEY,
    repository INTEGER NOT NULL REFERENCES repository (id),
    name TEXT NOT NULL,
    UNIQUE (repository, name)
) STRICT;

-- What an image may give out.
CREATE TABLE blob (
    image INTEGER NOT NULL REFERENCES image (id),
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (image, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX blob_by_digest ON blob (digest);

CREATE TABLE manifest (
    image INTEGER NOT NULL REFERENCES image (id),
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    subject TEXT,
    artifact_type TEXT NOT NULL,
    annotations TEXT NOT NULL,
    PRIMARY KEY (image, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX manifest_by_subject ON manifest (image, subject)
    WHERE subject IS NOT NULL;

-- What a manifest refers to, in its order.
CREATE TABLE link (
    image INTEGER NOT NULL,
    manifest TEXT NOT NULL,
    position INTEGER NOT NULL,
    is_manifest INTEGER NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (image, manifest, position),
    FOREIGN KEY (image, manifest) REFERENCES manifest (image, digest)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX link_by_digest ON link (image, digest);

CREATE TABLE tag (
    image INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    checked_at REAL NOT NULL,
    PRIMARY KEY (image, name),
    FOREIGN KEY (image, digest) REFERENCES manifest (image, digest)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX tag_by_digest ON tag (image, digest);

CREATE TABLE upload (
    identifier TEXT PRIMARY KEY,
    repository INTEGER NOT NULL REFERENCES repository (id),
    image TEXT NOT NULL,
    principal TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    durable INTEGER NOT NULL,
    started REAL NOT NULL,
    touched REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX upload_by_touched ON upload (touched);
