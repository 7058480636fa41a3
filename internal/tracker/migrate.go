package tracker

import (
	"context"

	"stint/internal/db"
)

// Migrate brings the tables up to date, for those who call Erase without an
// open Tracker.
func Migrate(ctx context.Context, d *db.DB) error { return d.Migrate(ctx, "tracker", schema...) }
