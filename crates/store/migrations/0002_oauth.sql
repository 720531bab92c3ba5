-- The authorization server: people, clients, and what people gave to clients. Tokens, codes, secrets and cookies stand
-- here as SHA-256 in hex only; the length is checked so that one in clear is refused. Times are microseconds since
-- 1970, lists are JSON.

-- Transactions of which one must wait for the other raise the same counter first.
INSERT INTO counter (name, value) VALUES
    ('revocation', 0),
    ('first_administrator', 0),
    ('registration', 0),
    ('keys', 0),
    ('forgetting', 0);

-- Local users. The password's hash is argon2id.
CREATE TABLE local_user (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    password_hash TEXT NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    administrator BIGINT NOT NULL,
    groups TEXT NOT NULL,
    created BIGINT NOT NULL
);

-- Browsers in which somebody is signed in, and as whom.
CREATE TABLE browser_session (
    hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    groups TEXT NOT NULL,
    domain TEXT,
    administrator BIGINT NOT NULL,
    provider TEXT,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

CREATE INDEX browser_session_by_subject ON browser_session (subject);

CREATE INDEX browser_session_by_use ON browser_session (seen);

-- OAuth clients. `used`: when something was last granted to it or refreshed by it, to the hour.
CREATE TABLE client (
    id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    kind TEXT NOT NULL,
    name TEXT,
    redirect_uris TEXT NOT NULL,
    authentication TEXT NOT NULL,
    jwks TEXT,
    jwks_uri TEXT,
    grant_types TEXT NOT NULL,
    resource TEXT,
    secret_hash TEXT CHECK (length(secret_hash) = 64),
    created BIGINT NOT NULL,
    used BIGINT
);

-- Clients that registered themselves go when they are not used.
CREATE INDEX client_never_used ON client (created, id) WHERE kind = 'dynamic' AND used IS NULL;

CREATE INDEX client_by_use ON client (used) WHERE kind = 'dynamic' AND used IS NOT NULL;

-- Authorization codes, with the grant that their redemption makes.
CREATE TABLE authorization_code (
    hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
    grant_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    groups TEXT NOT NULL,
    domain TEXT,
    client TEXT NOT NULL,
    client_name TEXT,
    redirect TEXT,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    expires BIGINT NOT NULL,
    redeemed BIGINT
);

CREATE INDEX authorization_code_by_subject ON authorization_code (subject);

CREATE INDEX authorization_code_by_client ON authorization_code (client);

CREATE INDEX authorization_code_by_expiry ON authorization_code (expires);

-- What clients were granted. `ends`: whatever happens; `expires`: when the last of its tokens does.
CREATE TABLE client_grant (
    grant_id TEXT NOT NULL PRIMARY KEY CHECK (grant_id <> ''),
    subject TEXT NOT NULL,
    groups TEXT NOT NULL,
    domain TEXT,
    client TEXT NOT NULL,
    client_name TEXT,
    redirect TEXT,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    last_used BIGINT,
    revoked BIGINT
);

CREATE INDEX client_grant_by_subject ON client_grant (subject);

CREATE INDEX client_grant_by_client ON client_grant (client);

CREATE INDEX client_grant_by_time ON client_grant (created, grant_id);

CREATE INDEX client_grant_by_expiry ON client_grant (expires);

CREATE TABLE access_token (
    hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
    grant_id TEXT NOT NULL REFERENCES client_grant (grant_id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX access_token_by_grant ON access_token (grant_id);

CREATE INDEX access_token_by_expiry ON access_token (expires);

-- Refresh tokens. One that was used is kept until it expires, so that a second use shows.
CREATE TABLE refresh_token (
    hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
    grant_id TEXT NOT NULL REFERENCES client_grant (grant_id) ON DELETE CASCADE,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    successor TEXT
);

CREATE INDEX refresh_token_by_grant ON refresh_token (grant_id);

CREATE INDEX refresh_token_by_expiry ON refresh_token (expires);

-- What replicas must no longer remember: all tokens of a grant, or one. Kept until these have expired.
CREATE TABLE revocation (
    change BIGINT NOT NULL PRIMARY KEY,
    grant_id TEXT,
    token_hash TEXT CHECK (length(token_hash) = 64),
    expires BIGINT NOT NULL
);

CREATE INDEX revocation_by_expiry ON revocation (expires);

-- What people need not be asked again. The first column is a hash of the four that follow: they may be longer than
-- PostgreSQL lets an index be.
CREATE TABLE consent (
    id_hash TEXT NOT NULL PRIMARY KEY CHECK (length(id_hash) = 64),
    subject TEXT NOT NULL,
    client TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    resource TEXT NOT NULL,
    scopes TEXT NOT NULL,
    client_digest TEXT NOT NULL,
    created BIGINT NOT NULL
);

CREATE INDEX consent_by_subject ON consent (subject);

CREATE INDEX consent_by_client ON consent (client);

-- Identifiers that count once: of assertions, of sign-ins.
CREATE TABLE used_once (
    kind TEXT NOT NULL,
    id_hash TEXT NOT NULL CHECK (length(id_hash) = 64),
    expires BIGINT NOT NULL,
    PRIMARY KEY (kind, id_hash)
);

CREATE INDEX used_once_by_expiry ON used_once (expires);

-- Keys that the master key wraps, and under which everything else is sealed.
CREATE TABLE data_key (
    id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    purpose TEXT NOT NULL,
    wrapped TEXT NOT NULL,
    created BIGINT NOT NULL
);

-- Private signing keys, sealed. `since`: when it came into its state.
CREATE TABLE signing_key (
    kid TEXT NOT NULL PRIMARY KEY CHECK (kid <> ''),
    algorithm TEXT NOT NULL,
    sealed TEXT NOT NULL,
    state TEXT NOT NULL,
    created BIGINT NOT NULL,
    since BIGINT NOT NULL
);
