-- A source over a channel of a deployment.
CREATE TABLE run (
    -- Never given twice.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment TEXT NOT NULL,
    -- A hash of all that makes its candidates.
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    -- Where candidates come from, and how a person named it, in JSON.
    source TEXT NOT NULL,
    wanted TEXT NOT NULL,
    -- All settings, in YAML.
    config TEXT NOT NULL,
    channel INTEGER NOT NULL,
    -- What it tells apart, in JSON; candidates name a class by its index.
    classes TEXT NOT NULL,
    score_unit TEXT NOT NULL,
    score_s REAL NOT NULL,
    created_ns INTEGER NOT NULL,
    dated INTEGER NOT NULL,
    UNIQUE (deployment, key)
) STRICT;

-- A span of the clock whose candidates are all in.
CREATE TABLE unit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run,
    key TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    -- The best scores of its parts: float32, little-endian, class by class.
    curve BLOB NOT NULL,
    -- The program that made it, and what it could not hear, a line each.
    software TEXT NOT NULL,
    problems TEXT NOT NULL,
    UNIQUE (run, key)
) STRICT;
CREATE INDEX unit_in_time ON unit (run, start_ns);

CREATE TABLE call (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run,
    -- NULL where it is not found any more, but somebody said something of it.
    unit INTEGER REFERENCES unit,
    class INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    low_hz REAL NOT NULL,
    high_hz REAL NOT NULL,
    score REAL NOT NULL,
    clicks INTEGER,
    interval_s REAL,
    -- What is said of it now: 0 nothing, 1 accepted, 2 rejected, 3 relabelled.
    verdict INTEGER NOT NULL DEFAULT 0,
    -- How often something was said.
    version INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Holds all that a density, a count or a histogram asks for.
CREATE INDEX call_in_time ON call (run, start_ns, class, score, verdict, end_ns);
CREATE INDEX call_by_score ON call (run, score, start_ns);
CREATE INDEX call_of_unit ON call (unit);

-- Everything that was ever said of a candidate.
CREATE TABLE review (
    call INTEGER NOT NULL REFERENCES call,
    version INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    label TEXT NOT NULL,
    note TEXT NOT NULL,
    author TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    PRIMARY KEY (call, version)
) STRICT, WITHOUT ROWID;

-- A window that was drawn at random, to learn how much is missed.
CREATE TABLE drawn (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES run,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    -- How often something was said.
    version INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run, start_ns)
) STRICT;

-- Everything that was ever said of such a window.
CREATE TABLE drawn_review (
    drawn INTEGER NOT NULL REFERENCES drawn,
    version INTEGER NOT NULL,
    -- What was said, in JSON.
    review TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    PRIMARY KEY (drawn, version)
) STRICT, WITHOUT ROWID;
