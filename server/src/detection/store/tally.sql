-- How many candidates a run has and how many of them somebody has reviewed, kept as they come and go: lists of
-- runs tell both, and a year of a busy detector has millions.
CREATE TABLE tally (
    run INTEGER PRIMARY KEY REFERENCES run,
    candidates INTEGER NOT NULL DEFAULT 0,
    reviewed INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO tally
SELECT run.id, count(call.id), total(call.verdict > 0)
FROM run LEFT JOIN call ON call.run = run.id GROUP BY run.id;

CREATE TRIGGER run_begins AFTER INSERT ON run BEGIN
    INSERT INTO tally (run) VALUES (new.id);
END;
CREATE TRIGGER run_ends BEFORE DELETE ON run BEGIN
    DELETE FROM tally WHERE run = old.id;
END;
CREATE TRIGGER call_comes AFTER INSERT ON call BEGIN
    UPDATE tally SET candidates = candidates + 1, reviewed = reviewed + (new.verdict > 0)
    WHERE run = new.run;
END;
CREATE TRIGGER call_goes AFTER DELETE ON call BEGIN
    UPDATE tally SET candidates = candidates - 1, reviewed = reviewed - (old.verdict > 0)
    WHERE run = old.run;
END;
CREATE TRIGGER call_is_reviewed AFTER UPDATE OF verdict ON call BEGIN
    UPDATE tally SET reviewed = reviewed + (new.verdict > 0) - (old.verdict > 0)
    WHERE run = new.run;
END;
