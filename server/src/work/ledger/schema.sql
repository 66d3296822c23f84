-- States of a unit: 0 waiting, 1 blocked, 2 running, 3 done, 4 failed, 5 held.
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    deployment TEXT,
    priority INTEGER NOT NULL,
    -- What a person wants of it: 0 that it goes on, 1 that it pauses, 2 that it is cancelled.
    wish INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    -- What the engine measured, once a second while it works on it.
    fraction REAL,
    units_per_s REAL,
    time_left_s REAL,
    measured_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE unit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    memory_bytes INTEGER NOT NULL,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    -- How many of its predecessors are not done.
    waits_for INTEGER NOT NULL DEFAULT 0,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    -- Passing errors since a person last said "retry".
    attempts INTEGER NOT NULL DEFAULT 0,
    -- How often the process ended while it ran.
    crashes INTEGER NOT NULL DEFAULT 0,
    worker INTEGER,
    started_ms INTEGER,
    finished_ms INTEGER,
    outputs TEXT,
    error TEXT
) STRICT;

CREATE INDEX unit_waiting ON unit (priority DESC, id) WHERE state = 0;
CREATE INDEX unit_running ON unit (id) WHERE state = 2;
CREATE INDEX unit_failed ON unit (finished_ms DESC) WHERE state = 4;

CREATE TABLE wanted (
    job INTEGER NOT NULL REFERENCES job,
    unit INTEGER NOT NULL REFERENCES unit,
    PRIMARY KEY (job, unit)
) STRICT, WITHOUT ROWID;

CREATE INDEX wanted_unit ON wanted (unit, job);

CREATE TABLE dependency (
    unit INTEGER NOT NULL REFERENCES unit,
    predecessor INTEGER NOT NULL REFERENCES unit,
    PRIMARY KEY (unit, predecessor)
) STRICT, WITHOUT ROWID;

CREATE INDEX dependency_predecessor ON dependency (predecessor, unit);

-- How many units of a job are in a state: kept by triggers, so that nobody has to count.
CREATE TABLE tally (
    job INTEGER NOT NULL REFERENCES job,
    state INTEGER NOT NULL,
    units INTEGER NOT NULL,
    PRIMARY KEY (job, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER wanted_more AFTER INSERT ON wanted BEGIN
    INSERT INTO tally (job, state, units)
        SELECT NEW.job, state, 1 FROM unit WHERE id = NEW.unit
        ON CONFLICT (job, state) DO UPDATE SET units = units + 1;
END;

CREATE TRIGGER wanted_less BEFORE DELETE ON wanted BEGIN
    UPDATE tally SET units = units - 1
        WHERE job = OLD.job AND state = (SELECT state FROM unit WHERE id = OLD.unit);
END;

CREATE TRIGGER unit_moved AFTER UPDATE OF state ON unit WHEN OLD.state <> NEW.state BEGIN
    UPDATE tally SET units = units - 1
        WHERE state = OLD.state AND job IN (SELECT job FROM wanted WHERE unit = NEW.id);
    INSERT INTO tally (job, state, units)
        SELECT job, NEW.state, 1 FROM wanted WHERE unit = NEW.id
        ON CONFLICT (job, state) DO UPDATE SET units = units + 1;
END;
