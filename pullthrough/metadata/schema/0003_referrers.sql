-- What an upstream lists as referring to a manifest: a JSON list of
-- [media type, digest, size, artifact type, annotations].
CREATE TABLE referrer_list (
    image INTEGER NOT NULL REFERENCES image (id),
    subject TEXT NOT NULL,
    listed TEXT NOT NULL,
    checked_at REAL NOT NULL,
    PRIMARY KEY (image, subject)
) STRICT, WITHOUT ROWID;
