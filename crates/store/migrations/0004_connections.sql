-- What Doorward presents upstream: connections of people, Doorward's own registrations at other authorization servers,
-- which of those an upstream has, and secrets that were entered. What is `sealed` tells nothing without the master key;
-- times are microseconds since 1970.

INSERT INTO counter (name, value) VALUES
    ('authority', 0),
    ('connection', 0),
    ('secret', 0);

-- Whose account is used where. `person` is empty where one connection serves all. `version` counts what a running process
-- has to see. `broken`: why it is of no use any more; then nothing is sealed. `refreshing_until`: somebody refreshes it,
-- for so long. `interrupted`: a refresh was begun, and what came of it is not known.
CREATE TABLE connection (
    place TEXT NOT NULL CHECK (place <> ''),
    person TEXT NOT NULL,
    issuer TEXT NOT NULL CHECK (issuer <> ''),
    client TEXT NOT NULL,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    sealed TEXT NOT NULL,
    expires BIGINT,
    broken TEXT,
    version BIGINT NOT NULL,
    refreshing_until BIGINT,
    interrupted BIGINT NOT NULL CHECK (interrupted IN (0, 1)),
    created BIGINT NOT NULL,
    refreshed BIGINT NOT NULL,
    PRIMARY KEY (place, person)
);

CREATE INDEX connection_by_person ON connection (person);

CREATE INDEX connection_by_version ON connection (version);

-- Connections that were removed: for those who remember them.
CREATE TABLE removed_connection (
    place TEXT NOT NULL,
    person TEXT NOT NULL,
    change BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    PRIMARY KEY (place, person)
);

CREATE INDEX removed_connection_by_change ON removed_connection (change);

CREATE INDEX removed_connection_by_time ON removed_connection (removed);

-- Doorward's clients at other authorization servers, where it registered itself.
CREATE TABLE own_registration (
    issuer TEXT NOT NULL CHECK (issuer <> ''),
    redirect_uri TEXT NOT NULL CHECK (redirect_uri <> ''),
    client_id TEXT NOT NULL,
    sealed_secret TEXT,
    method TEXT NOT NULL,
    secret_expires BIGINT,
    created BIGINT NOT NULL,
    PRIMARY KEY (issuer, redirect_uri)
);

-- The approved authorization server of each place, and another one that waits for approval. `change` counts what a running
-- process has to see. `rejected`: the one that was last turned down.
CREATE TABLE authority (
    place TEXT NOT NULL PRIMARY KEY CHECK (place <> ''),
    issuer TEXT NOT NULL CHECK (issuer <> ''),
    approved BIGINT NOT NULL,
    approved_by TEXT,
    waiting TEXT,
    first_seen BIGINT,
    last_seen BIGINT,
    rejected TEXT,
    change BIGINT NOT NULL
);

CREATE INDEX authority_by_change ON authority (change);

-- Secrets that were entered by command or API.
CREATE TABLE secret (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    sealed TEXT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
