-- Until when a blob is kept though no manifest of the image refers to it.
ALTER TABLE blob ADD COLUMN leased_until REAL NOT NULL DEFAULT 0;
