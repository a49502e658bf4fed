-- How an imported model's files are here: link, clone, hardlink or copy; '' = downloaded or converted.
ALTER TABLE models ADD COLUMN placement TEXT NOT NULL DEFAULT '';
-- What the user chose for this model: JSON, of app/models.Choices.
ALTER TABLE models ADD COLUMN choices TEXT NOT NULL DEFAULT '{}';

-- What was measured on this machine, by what: JSON.
CREATE TABLE measurements (
  what TEXT PRIMARY KEY,
  data TEXT NOT NULL,
  time INTEGER NOT NULL -- milliseconds since 1970, UTC
) STRICT, WITHOUT ROWID;
