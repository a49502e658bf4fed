CREATE TABLE commands (
  id         TEXT PRIMARY KEY,
  position   INTEGER NOT NULL,
  definition TEXT NOT NULL -- JSON
) STRICT;
