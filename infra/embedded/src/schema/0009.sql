-- Browsers' sessions, by the hash of their secrets; a body is the JSON of a versioned record.
CREATE TABLE sessions (
    hash BLOB NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID;
