ALTER TABLE models ADD COLUMN repo TEXT NOT NULL DEFAULT '';     -- owner/name on the hub; '' = not from a hub
ALTER TABLE models ADD COLUMN revision TEXT NOT NULL DEFAULT ''; -- its commit
ALTER TABLE models ADD COLUMN licence TEXT NOT NULL DEFAULT '';

-- What the files of a model were when they were verified or first hashed.
CREATE TABLE model_files (
  model  TEXT NOT NULL REFERENCES models (name) ON DELETE CASCADE,
  path   TEXT NOT NULL,
  bytes  INTEGER NOT NULL,
  sha256 TEXT NOT NULL, -- hex
  PRIMARY KEY (model, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT, -- order of the queue
  id       TEXT NOT NULL UNIQUE,
  repo     TEXT NOT NULL,
  asked    TEXT NOT NULL, -- the revision asked for; '' = main
  revision TEXT NOT NULL, -- the commit it stood for; '' = not listed yet
  licence  TEXT NOT NULL,
  name     TEXT NOT NULL, -- to install it under
  state    TEXT NOT NULL, -- written by the process that runs it
  wanted   TEXT NOT NULL, -- run, pause or cancel; written by whoever asks
  error    TEXT,          -- JSON
  created  INTEGER NOT NULL, -- milliseconds since 1970, UTC
  updated  INTEGER NOT NULL
) STRICT;

CREATE TABLE job_files (
  job      TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  path     TEXT NOT NULL,
  bytes    INTEGER NOT NULL,
  sha256   TEXT NOT NULL, -- hex; '' until computed for files that the hub hashes as git does
  git_sha1 TEXT NOT NULL, -- hex, or ''
  done     INTEGER NOT NULL, -- bytes that are on the disk for certain
  verified INTEGER NOT NULL,
  PRIMARY KEY (job, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE connections (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  time    INTEGER NOT NULL, -- milliseconds since 1970, UTC
  method  TEXT NOT NULL,
  url     TEXT NOT NULL, -- without query
  purpose TEXT NOT NULL,
  status  INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  refused TEXT NOT NULL
) STRICT;
