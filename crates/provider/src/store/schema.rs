//! The tables. Times are milliseconds since 1970 on the provider's clock; tokens and `apns-id`s are bytes.

/// Of schema version 1.
///
/// `lane` names an app in an environment: what is sent over one connection. Of a notification that isn't settled either
/// `turn` is set, its place in the order of sending, or `due_at`, when it comes back into that order.
pub(super) const SCHEMA: &str = "
CREATE TABLE apps (
    app_no INTEGER PRIMARY KEY AUTOINCREMENT,
    bundle_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    policy TEXT NOT NULL
) STRICT;
CREATE TABLE push_services (
    app_no INTEGER NOT NULL,
    environment TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    ca_pem TEXT,
    PRIMARY KEY (app_no, environment)
) STRICT, WITHOUT ROWID;
CREATE TABLE credentials (
    app_no INTEGER NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    key_id TEXT,
    team_id TEXT,
    secret BLOB NOT NULL,
    password TEXT,
    expires_at INTEGER,
    PRIMARY KEY (app_no, environment)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_keys (
    app_no INTEGER NOT NULL,
    kid TEXT NOT NULL,
    public_key_pem TEXT NOT NULL,
    PRIMARY KEY (app_no, kid)
) STRICT, WITHOUT ROWID;
CREATE TABLE server_keys (
    key_no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    apps TEXT,
    digest BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    app_no INTEGER NOT NULL,
    user TEXT NOT NULL,
    last_login_at INTEGER NOT NULL,
    PRIMARY KEY (app_no, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE installations (
    installation_no INTEGER PRIMARY KEY AUTOINCREMENT,
    app_no INTEGER NOT NULL,
    token BLOB NOT NULL,
    environment TEXT NOT NULL,
    user TEXT,
    epoch INTEGER,
    logout_epoch INTEGER,
    bound_at INTEGER,
    login_no INTEGER,
    tagged INTEGER NOT NULL DEFAULT 0,
    registered_at INTEGER NOT NULL,
    locale TEXT,
    time_zone TEXT,
    app_version TEXT,
    retired_reason TEXT,
    refused_reason TEXT,
    refused_at INTEGER,
    UNIQUE (app_no, token)
) STRICT;
CREATE INDEX installations_by_user ON installations (app_no, user, login_no) WHERE user IS NOT NULL;

CREATE TABLE pushes (
    push_no INTEGER PRIMARY KEY AUTOINCREMENT,
    push_id TEXT NOT NULL UNIQUE,
    app_no INTEGER NOT NULL,
    environment TEXT NOT NULL,
    lane INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    finished_at INTEGER,
    audience TEXT NOT NULL,
    policy TEXT NOT NULL,
    payload TEXT NOT NULL,
    push_type TEXT NOT NULL,
    priority INTEGER,
    expiration INTEGER,
    collapse_id TEXT,
    topic TEXT NOT NULL,
    why TEXT,
    planned INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    withdrawn INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    displayed INTEGER NOT NULL DEFAULT 0,
    suppressed INTEGER NOT NULL DEFAULT 0,
    opened INTEGER NOT NULL DEFAULT 0,
    dismissed INTEGER NOT NULL DEFAULT 0,
    action INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX pushes_by_app ON pushes (app_no, push_no);
CREATE INDEX pushes_sending ON pushes (lane, deadline_at) WHERE finished_at IS NULL;
CREATE INDEX pushes_finished ON pushes (finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE reasons (
    push_no INTEGER NOT NULL,
    step TEXT NOT NULL,
    word TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (push_no, step, word)
) STRICT, WITHOUT ROWID;
CREATE TABLE notifications (
    notification_no INTEGER PRIMARY KEY AUTOINCREMENT,
    push_no INTEGER NOT NULL,
    app_no INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    installation_no INTEGER NOT NULL,
    apns_id BLOB NOT NULL UNIQUE,
    token BLOB NOT NULL,
    user TEXT,
    tagged INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    turn INTEGER,
    due_at INTEGER,
    reason TEXT
) STRICT;
CREATE INDEX notifications_by_push ON notifications (push_no);
CREATE INDEX notifications_by_user ON notifications (app_no, user) WHERE user IS NOT NULL;
CREATE INDEX notifications_by_token ON notifications (app_no, token);
CREATE INDEX notifications_in_turn ON notifications (lane, turn) WHERE turn IS NOT NULL;
CREATE INDEX notifications_due ON notifications (lane, due_at) WHERE due_at IS NOT NULL;
CREATE TABLE events (
    notification_no INTEGER NOT NULL,
    step INTEGER NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT,
    PRIMARY KEY (notification_no, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    server_key TEXT NOT NULL,
    app_no INTEGER NOT NULL,
    key TEXT NOT NULL,
    body_digest BLOB NOT NULL,
    push_id TEXT NOT NULL,
    planned INTEGER NOT NULL,
    why TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (server_key, app_no, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (created_at);
CREATE TABLE receipt_cursors (
    lane INTEGER PRIMARY KEY,
    cursor TEXT NOT NULL
) STRICT;
";

/// From schema version 1 to 2; a new file gets both.
///
/// `made_by` is the user whose identity token told the installation's token first. `logouts` are of tokens that nobody has
/// told yet. Of a deleted app its number is left until the rows that bear it are gone.
pub(super) const VERSION_2: &str = "
ALTER TABLE installations ADD COLUMN made_by TEXT;
CREATE INDEX installations_by_maker ON installations (app_no, made_by) WHERE made_by IS NOT NULL;
CREATE TABLE deleted_apps (app_no INTEGER PRIMARY KEY) STRICT;
CREATE TABLE logouts (
    app_no INTEGER NOT NULL,
    token BLOB NOT NULL,
    user TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (app_no, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX logouts_by_user ON logouts (app_no, user, at);
CREATE INDEX logouts_by_age ON logouts (at);
";

/// From schema version 2 to 3; a new file gets it as well.
pub(super) const VERSION_3: &str = "
CREATE TABLE tags (
    installation_no INTEGER NOT NULL,
    tag TEXT NOT NULL,
    app_no INTEGER NOT NULL,
    PRIMARY KEY (installation_no, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_name ON tags (app_no, tag, installation_no);
CREATE TRIGGER tags_go_with_their_installation AFTER DELETE ON installations BEGIN
    DELETE FROM tags WHERE installation_no = old.installation_no;
END;
";
