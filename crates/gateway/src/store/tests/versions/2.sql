-- The log's file as version 2 made it, with a team, an app, a device, and what was stored for it.
PRAGMA application_id = 1215129427;
PRAGMA user_version = 2;
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE notifications(
    seq INTEGER PRIMARY KEY, registration_no INTEGER NOT NULL, apns_id BLOB NOT NULL, headers BLOB NOT NULL,
    payload BLOB NOT NULL, accepted_at INTEGER NOT NULL, stored_after INTEGER NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE ends(
    seq INTEGER PRIMARY KEY, stage INTEGER NOT NULL, reason TEXT, at INTEGER NOT NULL, no INTEGER NOT NULL);
CREATE TABLE ended(
    seq INTEGER PRIMARY KEY, registration_no INTEGER NOT NULL, apns_id BLOB NOT NULL,
    accepted_at INTEGER NOT NULL, stored_after INTEGER NOT NULL, stage INTEGER NOT NULL, reason TEXT, at INTEGER NOT NULL);
CREATE TABLE registrations(
    no INTEGER PRIMARY KEY, device INTEGER NOT NULL, environment INTEGER NOT NULL, topic_no INTEGER NOT NULL,
    generation INTEGER NOT NULL, instance TEXT NOT NULL, registered_at INTEGER NOT NULL, ended_at INTEGER);
CREATE UNIQUE INDEX registrations_by_key ON registrations(device, environment, topic_no, generation);
CREATE TABLE feedback(
    no INTEGER PRIMARY KEY AUTOINCREMENT, registration_no INTEGER NOT NULL UNIQUE, environment INTEGER NOT NULL,
    topic_no INTEGER NOT NULL);
CREATE INDEX feedback_by_topic ON feedback(environment, topic_no, no);
CREATE TABLE devices(
    id INTEGER PRIMARY KEY, secret_hash BLOB NOT NULL, enrolment_key INTEGER NOT NULL, enrolled_at INTEGER NOT NULL);
CREATE TABLE enrolment_keys(
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, team TEXT NOT NULL, apps TEXT NOT NULL, environments TEXT NOT NULL,
    quota INTEGER NOT NULL, per_minute INTEGER NOT NULL, expires_at INTEGER, admitted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE token_keys(no INTEGER PRIMARY KEY, key BLOB NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE teams(id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE apps(bundle_id TEXT PRIMARY KEY, team TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE topics(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, bundle_id TEXT NOT NULL);
CREATE TABLE provider_keys(
    key_id TEXT PRIMARY KEY, team TEXT NOT NULL, public_key BLOB NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('seq_limit', 65537);
INSERT INTO teams VALUES ('TEAM123456', 'A team');
INSERT INTO apps(bundle_id, team) VALUES ('com.example.news', 'TEAM123456');
INSERT INTO topics(no, name, bundle_id) VALUES (1, 'com.example.news', 'com.example.news');
INSERT INTO devices VALUES (7, x'', 0, 1795313045067);
INSERT INTO registrations VALUES (1, 7, 0, 1, 1795313045, '', 1795313045067, NULL);
INSERT INTO notifications VALUES (
    41, 1, x'009b4a0a6e2f5e4a5f9d760f5d1e9f5f10', x'0a05616c6572742d', CAST('{"aps":{"alert":"kept"}}' AS BLOB), 4099852800000, 0, 4102444800000);
