CREATE TABLE silences (
    id TEXT NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX silences_by_expiry ON silences (expires);
