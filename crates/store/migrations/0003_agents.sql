-- A2A agents: whose tasks are whose, webhooks and what waits for them, approved cards, and rates that replicas share.
-- Owners stand here as the beginning of a SHA-256, in hex; times are microseconds since 1970.

INSERT INTO counter (name, value) VALUES
    ('card_pin', 0),
    ('push_config', 0),
    ('push_delivery', 0);

-- Who began a context. `noted`: when it was last mentioned, to the day.
CREATE TABLE context (
    agent TEXT NOT NULL,
    context TEXT NOT NULL CHECK (context <> ''),
    owner TEXT NOT NULL CHECK (length(owner) = 32),
    noted BIGINT NOT NULL,
    PRIMARY KEY (agent, context)
);

-- Tasks. `phase`: 0 open, 1 interrupted, 2 ended. `state_time` is the agent's, `created` and `noted` are ours.
CREATE TABLE task (
    agent TEXT NOT NULL,
    task TEXT NOT NULL CHECK (task <> ''),
    context TEXT,
    owner TEXT NOT NULL CHECK (length(owner) = 32),
    state TEXT NOT NULL,
    phase BIGINT NOT NULL CHECK (phase IN (0, 1, 2)),
    state_time BIGINT NOT NULL,
    version TEXT NOT NULL,
    binding TEXT NOT NULL,
    created BIGINT NOT NULL,
    noted BIGINT NOT NULL,
    PRIMARY KEY (agent, task)
);

CREATE INDEX task_by_owner ON task (agent, owner, state_time, task);

-- What quotas count.
CREATE INDEX task_not_ended ON task (agent, owner, phase) WHERE phase < 2;

CREATE INDEX task_ended ON task (noted) WHERE phase = 2;

-- Webhooks. Whoever knows the secret of the callback may send through it. The task is not known while the message that
-- brings the webhook is under way. `due`: when the oldest delivery that waits may be claimed, or its lease ends; nothing
-- waits where there is none. `ended`: when the last delivery was queued; what waits still goes out. `stopped`: when it was
-- given up.
CREATE TABLE push_config (
    callback_hash TEXT NOT NULL PRIMARY KEY CHECK (length(callback_hash) = 64),
    agent TEXT NOT NULL,
    task TEXT,
    config TEXT NOT NULL,
    owner TEXT NOT NULL CHECK (length(owner) = 32),
    url TEXT NOT NULL,
    sealed TEXT NOT NULL,
    dialect TEXT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT,
    ended BIGINT,
    stopped BIGINT,
    last_error TEXT,
    UNIQUE (agent, task, config),
    FOREIGN KEY (agent, task) REFERENCES task (agent, task) ON DELETE CASCADE
);

CREATE INDEX push_config_due ON push_config (due) WHERE due IS NOT NULL;

CREATE INDEX push_config_unbound ON push_config (created) WHERE task IS NULL;

-- What is delivered to webhooks, in the order of ids. What was delivered keeps its digest until it expires.
CREATE TABLE push_delivery (
    id BIGINT NOT NULL PRIMARY KEY,
    callback_hash TEXT NOT NULL REFERENCES push_config (callback_hash) ON DELETE CASCADE,
    body TEXT NOT NULL,
    digest TEXT CHECK (length(digest) = 64),
    attempts BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    delivered BIGINT,
    UNIQUE (callback_hash, digest)
);

CREATE INDEX push_delivery_waiting ON push_delivery (callback_hash, id) WHERE delivered IS NULL;

CREATE INDEX push_delivery_by_expiry ON push_delivery (expires);

-- The approved card of each agent, and another one that waits for approval. `change` counts what a running process has
-- to see. `rejected`: the digest of the card that was last turned down.
CREATE TABLE card_pin (
    agent TEXT NOT NULL PRIMARY KEY,
    card TEXT NOT NULL,
    digest TEXT NOT NULL CHECK (length(digest) = 64),
    provenance TEXT NOT NULL,
    approved BIGINT NOT NULL,
    approved_by TEXT,
    waiting_card TEXT,
    waiting_digest TEXT CHECK (length(waiting_digest) = 64),
    waiting_provenance TEXT,
    first_seen BIGINT,
    last_seen BIGINT,
    rejected TEXT CHECK (length(rejected) = 64),
    change BIGINT NOT NULL
);

CREATE INDEX card_pin_by_change ON card_pin (change);

-- How often: the moment that the rule keeps for each key, and how many the last admission granted.
CREATE TABLE rate (
    key_hash TEXT NOT NULL PRIMARY KEY CHECK (length(key_hash) = 64),
    state BIGINT NOT NULL,
    granted BIGINT NOT NULL
);
