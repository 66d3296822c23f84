-- The middle of a candidate or a window in its recording: what stays where a clock is corrected.
CREATE TABLE recording (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE
) STRICT;
ALTER TABLE call ADD COLUMN recording INTEGER REFERENCES recording;
ALTER TABLE call ADD COLUMN middle_ns INTEGER;
ALTER TABLE drawn ADD COLUMN recording INTEGER REFERENCES recording;
ALTER TABLE drawn ADD COLUMN middle_ns INTEGER;

-- What somebody said something of is little beside all that was found.
CREATE INDEX call_said ON call (run, start_ns) WHERE version > 0;
