-- Apps that the operator has made. Those of the settings are not in here.

CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    created INTEGER NOT NULL
) WITHOUT ROWID;
