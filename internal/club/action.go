// Package club is the domain of the club wing: one global log of actions that
// say whether the club is open, who announces to come when, and who is there.
// The rules come from the club-status API, version 0 ("document" below), and
// Stint's readings of it.
//
// The log is the truth: State is a fold over it, and a public view contains only
// what follows from public facts.
package club

// Type is one of the three kinds of action.
type Type string

// The types of the document, "Action types".
const (
	TypeStatus       Type = "status"
	TypeAnnouncement Type = "announcement"
	TypePresence     Type = "presence"
)

// Status is what the club's door says.
type Status string

// The values of the document, "Status actions".
const (
	Public  Status = "public"
	Private Status = "private"
	Closed  Status = "closed"
)

// InPublic is the status as everybody may know it: private is closed (document,
// "Public API").
func (s Status) InPublic() Status {
	if s == Private {
		return Closed
	}
	return s
}

// Method is what an announcement action does.
type Method string

// The methods of the document, "Announcement actions".
const (
	New Method = "new"
	Mod Method = "mod"
	Del Method = "del"
)

// Action is one entry of the log. Which fields count depends on its type.
type Action struct {
	ID   int64 // from 1, without gaps, in commit order
	Time int64 // Unix seconds
	Type Type
	Note string

	User string // status and announcement: who did it

	Status Status // status

	Method   Method // announcement
	AID      int64  // the id of the announcement's New action
	From, To int64  // Unix seconds, both inclusive
	Public   bool
	URL      string // "" for none

	Users     []Present // presence: sorted by name, by byte
	Anonymous int64     // presence: people counted without names

	// Visible says that the public view shows this action: a status action at
	// which the public status turned, or a public announcement (readings,
	// "Public view").
	Visible bool
}

// Present is a person who is there.
type Present struct {
	Name  string
	Since int64 // Unix seconds
}
