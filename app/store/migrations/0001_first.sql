CREATE TABLE chats (
  id            TEXT PRIMARY KEY,
  title         TEXT NOT NULL,
  auto_title    INTEGER NOT NULL,
  model         TEXT NOT NULL,
  system_prompt TEXT NOT NULL,
  sampling      TEXT NOT NULL, -- JSON
  thinking      INTEGER NOT NULL,
  created       INTEGER NOT NULL, -- milliseconds since 1970, UTC
  updated       INTEGER NOT NULL
) STRICT;
CREATE INDEX chats_updated ON chats (updated DESC);

CREATE TABLE messages (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- order within a chat
  id           TEXT NOT NULL UNIQUE,
  chat         TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  parent       TEXT REFERENCES messages (id) ON DELETE CASCADE,
  role         TEXT NOT NULL,
  content      TEXT NOT NULL,
  reasoning    TEXT NOT NULL,
  status       TEXT NOT NULL,
  error        TEXT, -- JSON
  created      INTEGER NOT NULL,
  model        TEXT NOT NULL,
  reasoning_ms INTEGER NOT NULL,
  stats        TEXT  -- JSON
) STRICT;
CREATE INDEX messages_chat ON messages (chat, seq);
CREATE INDEX messages_parent ON messages (parent);
CREATE INDEX messages_running ON messages (status) WHERE status IN ('queued', 'writing');

CREATE TABLE models (
  name         TEXT PRIMARY KEY,
  title        TEXT NOT NULL,
  path         TEXT NOT NULL,
  architecture TEXT NOT NULL,
  quantization TEXT NOT NULL,
  bytes        INTEGER NOT NULL,
  context      INTEGER NOT NULL,
  can_think    INTEGER NOT NULL,
  starter      INTEGER NOT NULL,
  owned        INTEGER NOT NULL,
  note         TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL -- JSON
) STRICT;
