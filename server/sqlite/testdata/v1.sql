PRAGMA application_id = 1380142676;
CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
CREATE TABLE accounts (
		id        INTEGER PRIMARY KEY,
		name      TEXT NOT NULL UNIQUE,
		epoch     TEXT NOT NULL,
		seq       INTEGER NOT NULL,
		last_time INTEGER NOT NULL,
		floor     INTEGER NOT NULL,
		digest    TEXT NOT NULL
	) STRICT;
CREATE TABLE sessions (
		account     INTEGER NOT NULL,
		key         TEXT NOT NULL,
		seq         INTEGER NOT NULL,
		update_time INTEGER NOT NULL,
		ext         TEXT,
		ext_seq     INTEGER NOT NULL,
		msg         TEXT,
		msg_id      TEXT NOT NULL,
		msg_order   TEXT NOT NULL,
		revoke      TEXT,
		state       INTEGER NOT NULL,
		changed_at  INTEGER NOT NULL
	) STRICT;
CREATE UNIQUE INDEX sessions_key ON sessions (account, key);
CREATE UNIQUE INDEX sessions_seq ON sessions (account, seq);
CREATE UNIQUE INDEX sessions_time ON sessions (account, update_time);
CREATE INDEX sessions_gone ON sessions (account, state, seq) WHERE state <> 0;
CREATE INDEX sessions_gone_at ON sessions (changed_at, account) WHERE state <> 0;
CREATE TABLE clients (
		account  INTEGER NOT NULL,
		id       TEXT NOT NULL,
		last_mid INTEGER NOT NULL,
		seen_at  INTEGER NOT NULL,
		PRIMARY KEY (account, id)
	) STRICT;
CREATE INDEX clients_seen ON clients (seen_at, account);
CREATE TABLE receipts (
		account INTEGER NOT NULL,
		key     TEXT NOT NULL,
		hash    TEXT NOT NULL,
		answer  TEXT NOT NULL,
		at      INTEGER NOT NULL,
		PRIMARY KEY (account, key)
	) STRICT;
CREATE INDEX receipts_at ON receipts (at, account);
CREATE TABLE pending_revokes (
		account INTEGER NOT NULL,
		msg_id  TEXT NOT NULL,
		body    TEXT NOT NULL,
		at      INTEGER NOT NULL,
		PRIMARY KEY (account, msg_id)
	) STRICT;
CREATE INDEX pending_revokes_at ON pending_revokes (at, account);
CREATE TABLE teams (
		key      TEXT PRIMARY KEY,
		owner    TEXT NOT NULL,
		managers TEXT NOT NULL,
		members  TEXT NOT NULL
	) STRICT;
INSERT INTO schema_version VALUES (1);
INSERT INTO accounts VALUES (7, 'alice', '0123456789abcdef', 4, 1700000000003, 2, 'fedcba9876543210');
INSERT INTO sessions VALUES (7, 'p2p|bob', 3, 1700000000001, '', 2, '{"uuid":"m1","content":"it''s 漢😀"}', 'm1', '18446744073709551615', NULL, 0, 1700000000001);
INSERT INTO sessions VALUES (7, 'team|t|1', 4, 1700000000003, NULL, 0, NULL, 'm2', '7130316800000000000', '{"message":{"content":null}}', 0, 1700000000004);
INSERT INTO sessions VALUES (7, 'super_team|9', 2, 1700000000000, NULL, 0, NULL, 'm0', '9', NULL, 2, 1700000000000);
INSERT INTO clients VALUES (7, 'c1', 5, 1700000000002);
INSERT INTO receipts VALUES (7, 'm|m1', 'h', '{"serverId":"1"}', 1700000000001);
INSERT INTO pending_revokes VALUES (7, 'm3', '{"to":"p2p|bob"}', 1700000000002);
INSERT INTO teams VALUES ('team|t|1', 'alice', '["bob"]', '["alice","bob","漢"]');
