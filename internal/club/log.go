package club

import (
	"encoding/json"

	"stint/internal/db"
)

const columns = `id, time, type, note, user_name, status, method, aid, from_time, to_time,
	public, url, users, anonymous, visible`

// insert gives the action its id, stores it as the newest of the log and rings
// the bell. Whether a status action turns the public status is found out here.
func insert(tx *db.Tx, a *Action) error {
	id, err := tx.NextID("action")
	if err != nil {
		return err
	}
	a.ID = id
	switch {
	case a.Type == TypeStatus:
		a.Visible, err = turns(tx, a.Status)
	case a.Method == New:
		a.AID = id
	}
	if err != nil {
		return err
	}
	users := ""
	if len(a.Users) > 0 {
		text, err := json.Marshal(a.Users)
		if err != nil {
			return err
		}
		users = string(text)
	}
	tx.Ring(topic)
	_, err = tx.Exec(`insert into action (`+columns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		a.ID, a.Time, string(a.Type), a.Note, a.User, string(a.Status), string(a.Method), a.AID, a.From, a.To,
		flag(a.Public), a.URL, users, a.Anonymous, flag(a.Visible))
	return err
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// turns says whether a new status action changes the public status.
func turns(tx *db.Tx, s Status) (bool, error) {
	last, err := actions(tx, "type = 'status' order by id desc limit 1")
	if err != nil {
		return false, err
	}
	return len(last) == 0 || last[0].Status.InPublic() != s.InPublic(), nil
}

// actions returns the actions that fulfil a condition.
func actions(tx *db.Tx, where string, args ...any) ([]Action, error) {
	rows, err := tx.Query("select "+columns+" from action where "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Action
	for rows.Next() {
		var a Action
		var public, visible int
		var users string
		if err := rows.Scan(&a.ID, &a.Time, &a.Type, &a.Note, &a.User, &a.Status, &a.Method, &a.AID, &a.From, &a.To,
			&public, &a.URL, &users, &a.Anonymous, &visible); err != nil {
			return nil, err
		}
		a.Public, a.Visible = public == 1, visible == 1
		if users != "" {
			if err := json.Unmarshal([]byte(users), &a.Users); err != nil {
				return nil, err
			}
		}
		list = append(list, a)
	}
	return list, rows.Err()
}
