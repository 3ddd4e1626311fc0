-- Events by hour and action, counted as they are stored; kept longer than they are.
CREATE TABLE volume (
    hour INTEGER NOT NULL,
    action TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, action)
) WITHOUT ROWID;
INSERT INTO volume
SELECT max(0, unixepoch(json_extract(body, '$.v1.created'))) / 3600 * 3600000000, json_extract(body, '$.v1.action'), count(*)
FROM events
WHERE json_valid(body) AND unixepoch(json_extract(body, '$.v1.created')) IS NOT NULL
    AND json_extract(body, '$.v1.action') IS NOT NULL
GROUP BY 1, 2;
