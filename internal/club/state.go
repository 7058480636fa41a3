package club

import (
	"cmp"
	"maps"
	"slices"
)

// State is what follows from the log up to one action. The zero value is the
// state before the first action.
type State struct {
	Head int64 // id of the newest action

	LastStatus       Action // the newest status action
	ChangedStatus    Action // the newest that differs from the status action before it
	PublicStatus     Action // the newest at which the public status turned
	LastAnnouncement Action // zero if there is none
	LastPresence     Action

	current map[int64]Action // by aid: newest action of announcements that may not have ended
}

// Apply moves the state on by one action, whose id must be the next.
func (s *State) Apply(a Action) {
	s.Head = a.ID
	switch a.Type {
	case TypeStatus:
		if a.Status != s.LastStatus.Status {
			s.ChangedStatus = a
		}
		if a.Visible {
			s.PublicStatus = a
		}
		s.LastStatus = a
	case TypeAnnouncement:
		s.LastAnnouncement = a
		if s.current == nil {
			s.current = map[int64]Action{}
		}
		if a.Method == Del {
			delete(s.current, a.AID)
		} else {
			s.current[a.AID] = a
		}
	case TypePresence:
		s.LastPresence = a
	}
}

// Newest returns the newest action of each type that there is, in id order.
func (s *State) Newest() []Action {
	all := []Action{s.LastStatus, s.LastAnnouncement, s.LastPresence}
	all = slices.DeleteFunc(all, func(a Action) bool { return a.ID == 0 })
	slices.SortFunc(all, func(a, b Action) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Current returns the announcements that have not ended at second now, each as
// its newest action, ordered by From, then AID. It forgets those that have ended.
func (s *State) Current(now int64) []Action {
	maps.DeleteFunc(s.current, func(_ int64, a Action) bool { return a.To < now })
	return slices.SortedFunc(maps.Values(s.current), func(a, b Action) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.AID, b.AID))
	})
}
