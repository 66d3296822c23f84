-- How far units of a run hear at a sampling rate, in JSON: so that a network need not be open to plan what it
-- has done already. And how long the windows are that were drawn of it; they are all of one length.
ALTER TABLE run ADD COLUMN reach TEXT;
ALTER TABLE run ADD COLUMN window_ns INTEGER;
UPDATE run SET window_ns = (SELECT max(end_ns - start_ns) FROM drawn WHERE drawn.run = run.id);

-- Counts leave out what is not found any more, and ask the index alone.
DROP INDEX call_in_time;
CREATE INDEX call_in_time ON call (run, start_ns, class, score, verdict, end_ns, unit);
CREATE INDEX call_lost ON call (run, verdict) WHERE unit IS NULL;
