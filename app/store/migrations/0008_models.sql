ALTER TABLE models ADD COLUMN source TEXT NOT NULL DEFAULT ''; -- the hub it came from: huggingface or modelscope; '' = none
UPDATE models SET source = 'huggingface' WHERE repo <> '';

-- The hub's own word on a file that it hashes as git does; '' = it gave a SHA-256, or no hub did.
ALTER TABLE model_files ADD COLUMN git_sha1 TEXT NOT NULL DEFAULT '';
-- What the bytes were compared with before the model was listed: sha256, git_sha1, export; '' = first hashed here.
ALTER TABLE model_files ADD COLUMN evidence TEXT NOT NULL DEFAULT '';

ALTER TABLE jobs ADD COLUMN source TEXT NOT NULL DEFAULT 'huggingface';
-- The byte ranges that are on the disk for certain: "0-1048576,67108864-70000000", ends exclusive.
ALTER TABLE job_files ADD COLUMN have TEXT NOT NULL DEFAULT '';
UPDATE job_files SET have = '0-' || done WHERE done > 0;

-- Other names of installed models.
CREATE TABLE aliases (
  alias TEXT PRIMARY KEY,
  model TEXT NOT NULL REFERENCES models (name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What a hub said last of a repository of the catalogue, when the user asked.
CREATE TABLE catalogue_answers (
  repo TEXT PRIMARY KEY,
  data TEXT NOT NULL, -- JSON
  time INTEGER NOT NULL -- milliseconds since 1970, UTC
) STRICT, WITHOUT ROWID;
