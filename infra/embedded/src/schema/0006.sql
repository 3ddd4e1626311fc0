-- What digests will tell of, by the delivery that carries it; an empty event marks one that is closed.
CREATE TABLE collected (
    carrier BLOB NOT NULL,
    event BLOB NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (carrier, event)
);
CREATE INDEX collected_by_expiry ON collected (expires);
