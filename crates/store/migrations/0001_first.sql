-- One text for SQLite and PostgreSQL: TEXT and BIGINT only, no engine's own functions.

-- The audit log. Every entry names the hash of the entry before it in its chain.
CREATE TABLE audit (
    chain TEXT NOT NULL CHECK (chain <> ''),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    time TEXT NOT NULL,
    body TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain, seq)
);

-- The newest entries over all chains.
CREATE INDEX audit_by_time ON audit (time);

-- Where runs started and stopped, without reading the records in between.
CREATE INDEX audit_runs ON audit (chain, seq) WHERE kind <> 'record';

-- The last entry of each chain, so that cutting off a tail shows.
CREATE TABLE audit_head (
    chain TEXT NOT NULL PRIMARY KEY CHECK (chain <> ''),
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
);

-- Numbers that are given out in the order of commits: whoever raises one holds its row until the commit.
CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counter (name, value) VALUES ('ended_session', 0);

-- Legacy MCP sessions that a client ended, remembered until they would have expired.
CREATE TABLE ended_session (
    id_hash TEXT NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL,
    change BIGINT NOT NULL
);

CREATE INDEX ended_session_by_change ON ended_session (change);

CREATE INDEX ended_session_by_expiry ON ended_session (expires);
