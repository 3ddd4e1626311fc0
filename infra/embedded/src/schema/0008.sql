-- Inboxes are stored under the folded username, so that every spelling of a name opens the same one. An item that is
-- there under two spellings is one delivery's.
UPDATE OR REPLACE inbox SET username = fold_name(username) WHERE username <> fold_name(username);
