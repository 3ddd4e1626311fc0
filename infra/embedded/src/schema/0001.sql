-- Instants are whole microseconds since the epoch, UTC. A body is the JSON of a versioned record.

-- Filters read the body: columns for them would slow down every insert and save a scan nothing.
CREATE TABLE events (
    pk BLOB NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX events_by_expiry ON events (expires);

-- due: 0 is at once; while leased, the end of the lease; NULL marks a job that cannot be read.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    due INTEGER,
    leased INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);
CREATE INDEX jobs_by_due ON jobs (due);

CREATE TABLE names (
    hash BLOB NOT NULL PRIMARY KEY,
    pk BLOB NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX names_by_expiry ON names (expires);

CREATE TABLE deliveries (
    id BLOB NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    due INTEGER,
    expires INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX deliveries_by_expiry ON deliveries (expires);
CREATE INDEX deliveries_due ON deliveries (due) WHERE due IS NOT NULL;
-- Nearly all entries end as delivered; the others are the ones that are looked for.
CREATE INDEX deliveries_undelivered ON deliveries (state, id) WHERE state <> 'delivered';

CREATE TABLE inbox (
    username TEXT NOT NULL,
    pk TEXT NOT NULL,
    seen INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (username, pk)
);
CREATE INDEX inbox_by_expiry ON inbox (expires);

CREATE TABLE tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX tokens_by_id ON tokens (id);

CREATE TABLE documents (
    version INTEGER PRIMARY KEY,
    body TEXT NOT NULL
);

-- Written to find out whether the store takes writes.
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    writes INTEGER NOT NULL
);
INSERT INTO probe VALUES (1, 0);
