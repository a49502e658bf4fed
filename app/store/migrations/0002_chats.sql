CREATE TABLE folders (
  id      TEXT PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL
) STRICT;

CREATE TABLE presets (
  id            TEXT PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  system_prompt TEXT NOT NULL,
  sampling      TEXT NOT NULL, -- JSON
  thinking      INTEGER NOT NULL,
  model         TEXT NOT NULL, -- '' leaves the chat's
  created       INTEGER NOT NULL
) STRICT;

-- What was typed for a chat that does not exist yet.
CREATE TABLE new_chat (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  draft TEXT NOT NULL
) STRICT;

ALTER TABLE chats ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN folder TEXT REFERENCES folders (id) ON DELETE SET NULL;
ALTER TABLE chats ADD COLUMN draft TEXT NOT NULL DEFAULT '';
ALTER TABLE chats ADD COLUMN door TEXT NOT NULL DEFAULT 'chat';
ALTER TABLE chats ADD COLUMN head TEXT; -- last message of the branch that is shown; NULL: the newest
ALTER TABLE chats ADD COLUMN deleted INTEGER; -- when; erased for good some minutes later
CREATE INDEX chats_folder ON chats (folder);
CREATE INDEX chats_deleted ON chats (deleted) WHERE deleted IS NOT NULL;

-- A parent's end no longer takes its replies along: deep chats would run into
-- SQLite's limit of 1000 nested cascades.
CREATE TABLE messages_new (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- order of creation
  id           TEXT NOT NULL UNIQUE,
  chat         TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  parent       TEXT REFERENCES messages_new (id) ON DELETE SET NULL,
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
INSERT INTO messages_new SELECT seq, id, chat, parent, role, content, reasoning, status, error, created, model, reasoning_ms, stats
  FROM messages ORDER BY seq;
UPDATE messages SET parent = NULL;
DROP TABLE messages;
ALTER TABLE messages_new RENAME TO messages;
CREATE INDEX messages_chat ON messages (chat, seq);
CREATE INDEX messages_parent ON messages (parent);
CREATE INDEX messages_running ON messages (status) WHERE status IN ('queued', 'writing');

-- The words of finished messages, cut and folded by app/search, so that this
-- tokenizer has only spaces to find. rowid is messages.seq.
CREATE VIRTUAL TABLE message_words USING fts5 (words, tokenize = 'ascii', prefix = '1 2');
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER message_erased AFTER DELETE ON messages BEGIN
  DELETE FROM message_words WHERE rowid = old.seq;
END;

CREATE TABLE chat_titles (
  number INTEGER PRIMARY KEY AUTOINCREMENT, -- rowid in title_words
  chat   TEXT NOT NULL UNIQUE REFERENCES chats (id) ON DELETE CASCADE
) STRICT;
CREATE VIRTUAL TABLE title_words USING fts5 (words, tokenize = 'ascii', prefix = '1 2');
INSERT INTO title_words (title_words, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER title_erased AFTER DELETE ON chat_titles BEGIN
  DELETE FROM title_words WHERE rowid = old.number;
END;

-- Version of app/search that cut the words; 0: not built yet.
CREATE TABLE words_version (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT INTO words_version VALUES (1, 0);
