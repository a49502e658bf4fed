-- Until now only done was kept up to date, of files fetched from the first byte on.
UPDATE job_files SET have = CASE WHEN done > 0 THEN '0-' || done ELSE '' END;
