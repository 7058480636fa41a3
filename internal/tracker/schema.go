package tracker

// schema is the tracker's tables. Instants are Unix seconds (_s), or milliseconds where plays are concerned (_ms);
// offsets (_off) are seconds east of UTC, kept as they were when the instant was set; spans are an amount and a unit in
// seconds.
//
// tracker_session: no two rows of a user overlap; at most one is active. lockedby and notes are sealed. salt keys the
// voters' identities and is taken away when the session ends. due_s is the next instant at which the clock does
// something to an active session (its schedule is reached, or a day with penalties is over), next_day the local day
// that is judged next, reached_s the last scheduled end that was reached, draws how many draws were made,
// setting another number whenever a setting of its games changes, vote_hour and hour_votes count the votes without an
// account in an hour of UTC.
//
// tracker_tally: how many sessions of a user start in each quarter, a stretch of 90 days counted from 1970, and how many of them
// are public: totals and deep pages are read from it.
//
// tracker_log: what happened, in commit order. Rows with a type are the session's history. unit_s is what was applied,
// rolled_s what was drawn, schedule_s the scheduled end after it, draw the draw as it can be verified.
//
// tracker_game: the settings of a game as JSON, and how it stands: all plays, those of the owner's local day, the last one;
// since_s is from when its penalty holds.
//
// tracker_chain: what is known of the seeds of a session's draws (session_id 0: of the account's): the commitment, the
// client's own seed, how many draws were made (of the account's), and the number that stands for the session in the
// generator's text.
// tracker_seeds: the seeds, sealed. tracker_draw: the draws of an account's chain.
//
// tracker_vote: the last vote of a voter, who is known by a keyed hash only. tracker_day: what midnight found for a
// game and day. tracker_change: changes of game settings. tracker_up: when the server ran. tracker_keyholder: who may
// play in whose sessions, and open invitations (accepted_s null), by the SHA-256 of their codes.
//
// tracker_once: first answers, kept for a day, with who asked (0: the public) and whose session they tell of.
var schema = []string{`
create table tracker_session (
	id bigint not null primary key,
	user_id bigint not null,
	start_s bigint not null,
	start_off integer not null,
	end_s bigint,
	end_off integer,
	scheduled_s bigint,
	scheduled_off integer,
	limit_s bigint,
	limit_off integer,
	active integer not null,
	public integer not null,
	lockedby bytea,
	notes bytea,
	inserted_s bigint not null,
	has_history integer not null,
	has_changes integer not null,
	reached_s bigint,
	next_day bigint,
	due_s bigint,
	draws integer not null default 0,
	setting bigint not null default 0,
	vote_hour bigint not null default 0,
	hour_votes integer not null default 0,
	salt bytea
);
create index tracker_session_due on tracker_session (due_s) where due_s is not null;
create unique index tracker_session_start on tracker_session (user_id, start_s);
create index tracker_session_public on tracker_session (user_id, public, start_s);
create unique index tracker_session_active on tracker_session (user_id) where active = 1;

create table tracker_tally (
	user_id bigint not null,
	quarter bigint not null,
	n bigint not null,
	public bigint not null,
	primary key (user_id, quarter)
);

create table tracker_game (
	session_id bigint not null,
	game text not null,
	settings text not null,
	token text,
	since_s bigint not null,
	plays bigint not null,
	day bigint not null,
	day_plays bigint not null,
	last_ms bigint not null,
	primary key (session_id, game)
);
create unique index tracker_game_token on tracker_game (token) where token is not null;

create table tracker_log (
	id bigint not null primary key,
	user_id bigint not null,
	session_id bigint not null,
	kind text not null,
	at_ms bigint not null,
	type text,
	source text,
	dom integer not null,
	unit_s bigint,
	rolled_s bigint,
	schedule_s bigint,
	multi integer,
	nonce integer,
	draw text
);
create index tracker_log_session on tracker_log (user_id, session_id, at_ms, id);

create table tracker_chain (
	user_id bigint not null,
	session_id bigint not null,
	commitment bytea not null,
	client_seed text not null,
	used integer not null,
	number bigint not null,
	primary key (session_id, user_id)
);

create table tracker_seeds (
	user_id bigint not null,
	session_id bigint not null,
	marks bytea not null,
	primary key (session_id, user_id)
);

create table tracker_draw (
	user_id bigint not null,
	nonce integer not null,
	draw text not null,
	primary key (user_id, nonce)
);

create table tracker_vote (
	session_id bigint not null,
	voter bytea not null,
	at_ms bigint not null,
	primary key (session_id, voter)
);

create table tracker_day (
	session_id bigint not null,
	game text not null,
	day bigint not null,
	plays bigint not null,
	applied_s bigint not null,
	reason text not null,
	at_ms bigint not null,
	primary key (session_id, day, game)
);

create table tracker_change (
	id bigint not null primary key,
	session_id bigint not null,
	game text not null,
	action text not null,
	at_ms bigint not null,
	by_user bigint not null,
	before text,
	after text
);
create index tracker_change_session on tracker_change (session_id, at_ms, id);

create table tracker_up (
	since_ms bigint not null primary key,
	until_ms bigint not null
);

create table tracker_keyholder (
	id bigint not null primary key,
	owner_id bigint not null,
	keyholder_id bigint not null,
	code bytea not null,
	invited_s bigint not null,
	accepted_s bigint
);
create unique index tracker_keyholder_pair on tracker_keyholder (owner_id, keyholder_id) where accepted_s is not null;
create index tracker_keyholder_owner on tracker_keyholder (owner_id);
create index tracker_keyholder_keyholder on tracker_keyholder (keyholder_id);
create index tracker_keyholder_code on tracker_keyholder (code);

create table tracker_once (
	token_id bigint not null,
	key text not null,
	user_id bigint not null,
	about_id bigint not null,
	body bytea not null,
	status integer not null,
	answer bytea not null,
	at_s bigint not null,
	primary key (token_id, key)
);
create index tracker_once_at on tracker_once (at_s)
`}
