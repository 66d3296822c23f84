-- How much sound the units of a job listen to together, seconds; 0 where they do something else.
ALTER TABLE job ADD COLUMN sound_s REAL NOT NULL DEFAULT 0;
