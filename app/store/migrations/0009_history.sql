-- What was replaced in other programs in the last day. 0006 and 0007 were never
-- used: a number below one that was applied would never be.
CREATE TABLE history (
  id       TEXT PRIMARY KEY,
  time     INTEGER NOT NULL, -- milliseconds since 1970, UTC
  place    TEXT NOT NULL,    -- the program or the door
  command  TEXT NOT NULL,
  original TEXT NOT NULL,
  result   TEXT NOT NULL
) STRICT;
CREATE INDEX history_time ON history (time);
