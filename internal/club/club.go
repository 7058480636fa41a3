package club

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"stint/internal/db"
)

// topic is the bell that rings after every new action.
const topic = "club"

const schema = `
create table action (
	id bigint primary key,
	time bigint not null,
	type text not null,
	note text not null,
	user_name text not null,
	status text not null,
	method text not null,
	aid bigint not null,
	from_time bigint not null,
	to_time bigint not null,
	public integer not null,
	url text not null,
	users text not null,
	anonymous bigint not null,
	visible integer not null
);
create index action_type on action (type, id);
create index action_time on action (time, id);
create index action_visible on action (type, id) where visible = 1;
create index action_aid on action (aid, id) where type = 'announcement';
create index action_to on action (to_time) where type = 'announcement';
create table present (name text primary key, since bigint not null, seen bigint not null);
create table anonymous (client text primary key, users bigint not null, seen bigint not null);
create table look (id integer primary key, at bigint not null)
`

// Options are a club's habits.
type Options struct {
	PresenceTimeout  time.Duration // how long a heartbeat keeps a person present
	PresenceInterval time.Duration // how often presence is looked at
}

// Club is the log and its rules over a database. Its methods may be called by
// any number of goroutines, and by several processes on one database.
type Club struct {
	db      *db.DB
	options Options
}

// Open prepares the tables. A log that is still empty begins with one status
// action (closed, note "initial state") and one empty presence action (readings, "Actions").
func Open(ctx context.Context, d *db.DB, o Options) (*Club, error) {
	if err := d.Migrate(ctx, "club", schema); err != nil {
		return nil, err
	}
	c := &Club{d, o}
	return c, d.Do(ctx, func(tx *db.Tx) error {
		var at int64
		err := tx.QueryRow("select at from look where id = 1").Scan(&at)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		now := tx.Now.Unix()
		if _, err := tx.Exec("insert into look (id, at) values (1, $1)", now); err != nil {
			return err
		}
		first := Action{Time: now, Type: TypeStatus, Note: "initial state", User: "stint", Status: Closed}
		if err := insert(tx, &first); err != nil {
			return err
		}
		return insert(tx, &Action{Time: now, Type: TypePresence})
	})
}

// Wait returns as soon as the log has grown since the call that returned heard;
// the first call passes 0. It may also return without a reason.
func (c *Club) Wait(ctx context.Context, heard uint64) (uint64, error) {
	return c.db.Wait(ctx, topic, heard)
}

// Now is the present second by the database's clock.
func (c *Club) Now() int64 { return c.db.Now().Unix() }

// SetStatus records that user set the status (document, "PUT Status"), also if
// it is the same as before.
func (c *Club) SetStatus(ctx context.Context, user string, status Status, note string) (Action, error) {
	user, err := CheckUser(user)
	if err != nil {
		return Action{}, err
	}
	if err := CheckNote(note); err != nil {
		return Action{}, err
	}
	var a Action
	err = c.db.Do(ctx, func(tx *db.Tx) error {
		a = Action{Time: tx.Now.Unix(), Type: TypeStatus, User: user, Status: status, Note: note}
		return insert(tx, &a)
	})
	return a, err
}

// Announce makes a new announcement (document, "New announcement").
func (c *Club) Announce(ctx context.Context, d Draft) (Action, error) {
	return c.draft(ctx, func(tx *db.Tx) (Action, error) { return draftNew(d, tx.Now.Unix()) })
}

// Modify changes announcement aid (document, "Modify announcement").
func (c *Club) Modify(ctx context.Context, aid int64, d Draft) (Action, error) {
	return c.draft(ctx, func(tx *db.Tx) (Action, error) {
		last, err := newest(tx, aid)
		if err != nil {
			return Action{}, err
		}
		return draftMod(d, last, tx.Now.Unix())
	})
}

// Delete takes announcement aid away before it begins (document, "Delete
// announcement"). Only the draft's user counts, if it has one.
func (c *Club) Delete(ctx context.Context, aid int64, d Draft) (Action, error) {
	return c.draft(ctx, func(tx *db.Tx) (Action, error) {
		last, err := newest(tx, aid)
		if err != nil {
			return Action{}, err
		}
		return draftDel(d, last, tx.Now.Unix())
	})
}

func (c *Club) draft(ctx context.Context, make func(*db.Tx) (Action, error)) (a Action, err error) {
	err = c.db.Do(ctx, func(tx *db.Tx) error {
		if a, err = make(tx); err != nil {
			return err
		}
		return insert(tx, &a)
	})
	return a, err
}

// newest returns the newest action of an announcement that was not deleted.
func newest(tx *db.Tx, aid int64) (Action, error) {
	list, err := actions(tx, "type = 'announcement' and aid = $1 order by id desc limit 1", aid)
	if err != nil {
		return Action{}, err
	}
	if len(list) == 0 || list[0].Method == Del {
		return Action{}, notFound(aid)
	}
	return list[0], nil
}
