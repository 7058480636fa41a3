package club

import (
	"encoding/json"

	"stint/internal/db"
)

const columns = `id, time, type, note, user_name, status, method, aid, from_time, to_time,
	public, url, users, anonymous, visible`

// visible is the value of the column visible: what the action says, but for a
// status action whether it is more or less public than the newest one before it.
const visible = `case when $3 <> 'status' then $15
	when exists (select 1 from action where type = 'status' and (status = 'public') = ($6 = 'public')
		and id = (select max(id) from action where type = 'status')) then 0
	else 1 end`

// insert gives the action its id, stores it as the newest of the log and rings
// the bell. Whether a status action is visible is known only to the table.
func insert(tx *db.Tx, a *Action) error {
	id, err := tx.NextID("action")
	if err != nil {
		return err
	}
	a.ID = id
	if a.Method == New {
		a.AID = id
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
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, `+visible+`)`,
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
