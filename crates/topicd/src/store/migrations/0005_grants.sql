-- Further tokens of things, each for reading or for writing alone.

CREATE TABLE grants (
    -- Never used again: an operator who names one that is gone must not hit another.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    thing INTEGER NOT NULL REFERENCES things ON DELETE CASCADE,
    token BLOB NOT NULL UNIQUE,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write')),
    created INTEGER NOT NULL
);

CREATE INDEX grants_by_thing ON grants (thing, id);
