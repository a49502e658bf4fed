-- The janitor looks each hour for the chats of a door that are older than it keeps.
CREATE INDEX chats_expiry ON chats (door, updated);
