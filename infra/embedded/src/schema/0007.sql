-- When an event was received, where it had happened a minute before or longer. Expiries are stamped from then on.
ALTER TABLE events ADD COLUMN received INTEGER;
-- What operators asked for, and how far it has come; a body is the JSON of a versioned record.
CREATE TABLE operator_jobs (
    id TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    expires INTEGER,
    body TEXT NOT NULL
) WITHOUT ROWID;
-- What is kept whatever its retention; a body is the JSON of a versioned record.
CREATE TABLE holds (
    id TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;
