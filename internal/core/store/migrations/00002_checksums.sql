-- +goose Up

-- Every row gets a checksum (CRC32C over all its columns), and what was there is copied over by migrate.go.
ALTER TABLE message RENAME TO message_1;
ALTER TABLE checklist_base RENAME TO checklist_base_1;
ALTER TABLE launch RENAME TO launch_1;
ALTER TABLE barrier RENAME TO barrier_1;
ALTER TABLE alert RENAME TO alert_1;
ALTER TABLE operation RENAME TO operation_1;

-- every request that was acknowledged or refused, as it came
CREATE TABLE message (
    id      INTEGER PRIMARY KEY,
    time    TEXT    NOT NULL, -- RFC 3339, UTC
    source  TEXT    NOT NULL, -- '' if the bytes were not a message
    type    TEXT    NOT NULL,
    launch  INTEGER NOT NULL, -- the launch that sent it, 0 unknown
    reply   TEXT    NOT NULL, -- type of the reply
    op      TEXT    NOT NULL, -- what it did to the checklist with its payload: update, set, clear, or '' nothing
    key     TEXT    NOT NULL, -- at this checklist key
    request TEXT    NOT NULL, -- the broker's number of it, '' none
    sender  TEXT    NOT NULL, -- the number that its worker gave it, '' none
    prev    INTEGER NOT NULL, -- the message before: a row that is gone leaves a gap
    bodycrc INTEGER NOT NULL, -- checksum of body
    crc     INTEGER NOT NULL, -- checksum of all before
    body    BLOB    NOT NULL  -- the request's bytes, cut if they were not a message; last, so that the rest is read without it
);

-- the checklist is the newest base and the messages after it
CREATE TABLE checklist_base (
    message INTEGER PRIMARY KEY, -- the last message that it contains
    yaml    BLOB    NOT NULL,
    crc     INTEGER NOT NULL
);

CREATE TABLE launch (
    id     INTEGER PRIMARY KEY,
    final  INTEGER NOT NULL, -- 1 when nothing more is expected
    worker TEXT    NOT NULL,
    time   TEXT    NOT NULL, -- when it was decided
    record TEXT    NOT NULL, -- launch.Launch as JSON
    crc    INTEGER NOT NULL
);
CREATE INDEX launch_open ON launch (id) WHERE final = 0;
CREATE INDEX launch_worker ON launch (worker, id) WHERE final = 1;

CREATE TABLE barrier (
    id     INTEGER PRIMARY KEY,
    open   INTEGER NOT NULL,
    time   TEXT    NOT NULL, -- when it was opened
    record TEXT    NOT NULL, -- engine.Barrier as JSON
    crc    INTEGER NOT NULL
);
CREATE INDEX barrier_still_open ON barrier (id) WHERE open = 1;

CREATE TABLE alert (
    id     INTEGER PRIMARY KEY,
    open   INTEGER NOT NULL,
    time   TEXT    NOT NULL, -- when it began
    record TEXT    NOT NULL, -- engine.Alert as JSON
    crc    INTEGER NOT NULL
);
CREATE INDEX alert_open ON alert (id) WHERE open = 1;

-- what operators asked for, and what they were told
CREATE TABLE operation (
    id      TEXT    PRIMARY KEY, -- chosen by the client: the same request twice has one row
    time    TEXT    NOT NULL,
    author  TEXT    NOT NULL,
    command TEXT    NOT NULL,
    args    TEXT    NOT NULL,
    reply   TEXT    NOT NULL,
    crc     INTEGER NOT NULL
);
CREATE INDEX operation_time ON operation (time);

-- what the last commit left: one row
CREATE TABLE head (
    id           INTEGER PRIMARY KEY, -- 1
    commits      INTEGER NOT NULL,    -- how many there were
    version      INTEGER NOT NULL,    -- of this schema
    last_message INTEGER NOT NULL,    -- the highest numbers ever given away
    last_launch  INTEGER NOT NULL,
    last_barrier INTEGER NOT NULL,
    last_alert   INTEGER NOT NULL,
    batch        INTEGER NOT NULL,    -- digest of the last batch: the same batch again is there already
    live         INTEGER NOT NULL,    -- digest of all rows that a start reads
    crc          INTEGER NOT NULL
);

-- what must be told once, e.g. that damage was repaired
CREATE TABLE note (
    name TEXT    PRIMARY KEY,
    text TEXT    NOT NULL,
    crc  INTEGER NOT NULL
);
