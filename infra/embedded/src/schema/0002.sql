-- What storm control remembers of what is counted together.
CREATE TABLE lanes (
    id BLOB NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX lanes_by_expiry ON lanes (expires);
