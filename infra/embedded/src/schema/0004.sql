-- What is known of endpoints that failed once; a body is the JSON of a versioned record.
CREATE TABLE endpoints (
    transport TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL
);
