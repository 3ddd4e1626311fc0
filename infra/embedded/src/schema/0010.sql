-- The groups of detections. `id` is the group's id, whose first 12 bytes are those of its detection.
CREATE TABLE detection_groups (
    id BLOB PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    detection BLOB NOT NULL,
    fullness INTEGER NOT NULL,
    due INTEGER,
    expires INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX detection_groups_by_fullness ON detection_groups (detection, fullness, expires);
CREATE INDEX detection_groups_by_due ON detection_groups (due) WHERE due IS NOT NULL;
CREATE INDEX detection_groups_by_expiry ON detection_groups (expires);

-- When the message was queued, in microseconds since the epoch; 0 for one of an older version.
ALTER TABLE jobs ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
