package tracker

import (
	"context"
	"fmt"
	"strings"

	"stint/internal/db"
	"stint/internal/seal"
)

// keysSchema: the ids of the keys that private texts in this database were sealed with, by the instant of the first
// use. The keys themselves are never stored.
const keysSchema = `
create table tracker_key (
	id text not null primary key,
	used_s bigint not null
)`

// Keys are the ids of the keys that this database needs, the first one used first; none before the first start.
func Keys(ctx context.Context, d *db.DB) (ids []string, err error) {
	if err := d.Migrate(ctx, "tracker_key", keysSchema); err != nil {
		return nil, err
	}
	err = d.View(ctx, func(tx *db.Tx) error {
		ids, err = keys(tx)
		return err
	})
	return ids, err
}

func keys(tx *db.Tx) (ids []string, err error) {
	rows, err := tx.Query("select id from tracker_key order by used_s, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// UseKeys notes that the first key of the ring is in use from now on. A ring that lacks a key which this database
// needs is refused, so that several servers on one database can't use different keys without noticing.
func UseKeys(ctx context.Context, d *db.DB, ring *seal.Ring) error {
	if _, err := Keys(ctx, d); err != nil {
		return err
	}
	return d.Do(ctx, func(tx *db.Tx) error {
		needed, err := keys(tx)
		if err != nil {
			return err
		}
		var missing []string
		for _, id := range needed {
			if !ring.Has(id) {
				missing = append(missing, id)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("private texts of this database are sealed with the key %s, which is not there; there is %s",
				strings.Join(missing, " and the key "), ring.Key())
		}
		_, err = tx.Exec("insert into tracker_key (id, used_s) values ($1, $2) on conflict (id) do nothing", ring.Key().String(), tx.Now.Unix())
		return err
	})
}
