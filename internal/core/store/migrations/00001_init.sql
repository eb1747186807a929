-- +goose Up

-- every request that was acknowledged or refused, as it came
CREATE TABLE message (
    id     INTEGER PRIMARY KEY,
    time   TEXT   NOT NULL, -- RFC 3339, UTC
    source TEXT   NOT NULL, -- '' if the bytes were not a message
    type   TEXT   NOT NULL,
    launch BIGINT NOT NULL, -- the launch that sent it, 0 unknown
    reply  TEXT   NOT NULL, -- type of the reply
    op     TEXT   NOT NULL, -- what it did to the checklist with its payload: update, set, clear, or '' nothing
    key    TEXT   NOT NULL, -- at this checklist key
    body   BLOB   NOT NULL  -- the request's bytes, cut if they were not a message
);

-- the checklist is the newest base and the messages after it
CREATE TABLE checklist_base (
    message INTEGER PRIMARY KEY, -- the last message that it contains
    yaml    BLOB   NOT NULL
);

CREATE TABLE launch (
    id     INTEGER PRIMARY KEY,
    final  INTEGER NOT NULL, -- 1 when nothing more is expected
    record TEXT    NOT NULL  -- launch.Launch as JSON
);
CREATE INDEX launch_unfinished ON launch (id) WHERE final = 0;

CREATE TABLE barrier (
    id     INTEGER PRIMARY KEY,
    open   INTEGER NOT NULL,
    record TEXT    NOT NULL  -- engine.Barrier as JSON
);
CREATE INDEX barrier_open ON barrier (id) WHERE open = 1;

CREATE TABLE alert (
    id     INTEGER PRIMARY KEY,
    time   TEXT   NOT NULL,
    record TEXT   NOT NULL -- feed.Alert as JSON
);

-- what operators asked for, and what they were told
CREATE TABLE operation (
    id      TEXT PRIMARY KEY, -- chosen by the client: the same request twice has one row
    time    TEXT NOT NULL,
    author  TEXT NOT NULL,
    command TEXT NOT NULL,
    args    TEXT NOT NULL,
    reply   TEXT NOT NULL
);

-- +goose Down
DROP TABLE operation;
DROP TABLE alert;
DROP TABLE barrier;
DROP TABLE launch;
DROP TABLE checklist_base;
DROP TABLE message;
