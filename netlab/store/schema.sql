-- One lab's memory. Wishes and the choices made once; what Linux can tell is never kept here, only what was last reported of it.

-- The wish: every object without its status, as JSON in Kubernetes' shape. `revision` is the store's revision of its last change.
CREATE TABLE objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    uid TEXT NOT NULL, body TEXT NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;

CREATE INDEX objects_by_revision ON objects (revision);

-- The texts that objects were read from: the file's name as it was typed, its absolute path ('' for standard input), a digest.
CREATE TABLE sources (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL,
    UNIQUE (name, path, digest)
);

-- Where an object was written: in which source and on which line, or by which command (then `source` is 0). With a source, `verb`
-- is the command that changed the object since. What has no row was made by `up`, or for its owner (manifest/origin.py).
CREATE TABLE origins (
    uid TEXT PRIMARY KEY, source INTEGER NOT NULL, line INTEGER NOT NULL, verb TEXT NOT NULL
) WITHOUT ROWID;

-- The manifest of an object that was applied last, as JSON, and the store's revision when it was merged: an object whose own
-- revision is not above that one is still what came of it.
CREATE TABLE manifests (
    uid TEXT PRIMARY KEY, body TEXT NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;

-- The last reported status of a Pod. Apart from the wish, so that a status never makes a new revision.
CREATE TABLE statuses (
    uid TEXT PRIMARY KEY, body TEXT NOT NULL
) WITHOUT ROWID;

-- Choices that are kept: Node and addresses of a Pod, ClusterIPs, NodePorts. `topic` is a field of Assignments.
CREATE TABLE assignments (
    topic TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (topic, key)
) WITHOUT ROWID;

-- How often a container was restarted, and what it waits for (desired/restarts.py).
CREATE TABLE restarts (
    uid TEXT NOT NULL, container TEXT NOT NULL,
    restarts INTEGER NOT NULL, delay_s REAL NOT NULL, until REAL NOT NULL,
    PRIMARY KEY (uid, container)
) WITHOUT ROWID;

-- Network namespaces by name, written down before they are made: what is not here is never touched (law 4).
CREATE TABLE namespaces (name TEXT PRIMARY KEY) WITHOUT ROWID;

-- What happened, newest last; the same event again only raises `count`. Times are seconds since the epoch.
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    type TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    first_s REAL NOT NULL, last_s REAL NOT NULL, count INTEGER NOT NULL,
    UNIQUE (kind, namespace, name, type, reason, message)
);

-- Single values: `lab` (JSON), `revision`, `synced` (the revision at which nothing was left to do), `deleting` (`down` has begun),
-- `given` (how often the choices were changed),
-- `stale-flows` (network namespaces of Nodes whose rules changed and whose UDP flows are still to be looked at),
-- `udp-endpoints` (a digest of who may answer UDP, as of the last look at the flows).
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
