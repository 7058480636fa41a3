package apiv2

import "stint/internal/tracker"

// Members that are only known here.
const (
	fieldType   tracker.Field = "type"
	fieldPublic tracker.Field = "public"

	// Of a game:
	fieldOn       tracker.Field = "on"
	fieldReset    tracker.Field = "reset"
	fieldPenalty  tracker.Field = "penalty"
	fieldOnlyThat tracker.Field = "penalty.only" // the minimum of a day is also the maximum
)

// names are the wire's words for what a request can hold (document, "POST", "PATCH" and "Query Parameters").
var names = map[tracker.Field]string{
	fieldType:                   "type",
	fieldPublic:                 "public",
	tracker.FieldLockedBy:       "lockedby",
	tracker.FieldNotes:          "notes",
	tracker.FieldStartDate:      "startdate",
	tracker.FieldStartTime:      "starttime",
	tracker.FieldEndDate:        "enddate",
	tracker.FieldEndTime:        "endtime",
	tracker.FieldEndNow:         "endNow",
	tracker.FieldScheduledDate:  "scheduledend",
	tracker.FieldScheduledTime:  "scheduledendtime",
	tracker.FieldMaxEnd:         "maxend",
	tracker.FieldLimitDate:      "limitend",
	tracker.FieldLimitTime:      "limitendtime",
	tracker.FieldFrom:           "from",
	tracker.FieldTo:             "to",
	tracker.FieldLimit:          "limit",
	tracker.FieldOffset:         "offset",
	tracker.FieldIdempotencyKey: "Idempotency-Key",

	"dice." + fieldOn:                    "dices",
	"dice." + tracker.FieldNumber:        "dicenumber",
	"dice." + tracker.FieldUnit:          "diceunit",
	"dice." + tracker.FieldWait:          "dicetimewait",
	"dice." + tracker.FieldWaitUnit:      "dicetimeunitwait",
	"dice." + tracker.FieldMin:           "diceminmulti",
	"dice." + tracker.FieldMax:           "dicemaxmulti",
	"dice." + fieldPenalty:               "dicespen",
	"dice." + tracker.FieldPenaltyMin:    "mindiceplay",
	"dice." + tracker.FieldPenaltyAmount: "pendicetime",
	"dice." + tracker.FieldPenaltyUnit:   "pendiceunit",
	"dice." + fieldOnlyThat:              "diceplaylimit",

	"link." + fieldOn:              "links",
	"link." + tracker.FieldAdd:     "linkadd",
	"link." + tracker.FieldAddUnit: "linkaddunit",
	"link." + tracker.FieldSub:     "linksub",
	"link." + tracker.FieldSubUnit: "linksubunit",
	"link." + fieldReset:           "resetvotes",
	"link." + tracker.FieldMin:     "linkminmulti",
	"link." + tracker.FieldMax:     "linkmaxmulti",

	"luck." + fieldOn:                    "luck",
	"luck." + tracker.FieldAdd:           "randadd",
	"luck." + tracker.FieldAddUnit:       "randaddunit",
	"luck." + tracker.FieldSub:           "randsub",
	"luck." + tracker.FieldSubUnit:       "randsubunit",
	"luck." + tracker.FieldWait:          "randtimewait",
	"luck." + tracker.FieldWaitUnit:      "randtimeunitwait",
	"luck." + tracker.FieldMin:           "randminmulti",
	"luck." + tracker.FieldMax:           "randmaxmulti",
	"luck." + fieldPenalty:               "luckpen",
	"luck." + tracker.FieldPenaltyMin:    "minluckplay",
	"luck." + tracker.FieldPenaltyAmount: "penlucktime",
	"luck." + tracker.FieldPenaltyUnit:   "penlcukunit",
	"luck." + fieldOnlyThat:              "luckplaylimit",
}

// luckPenaltyUnit is the document's penlcukunit, spelt right (readings, "penlcukunit").
const luckPenaltyUnit = "penluckunit"

// documented are the members that the document, or Stint's documentation, gives a meaning somewhere.
var documented = func() map[string]bool {
	set := map[string]bool{luckPenaltyUnit: true}
	for _, name := range names {
		set[name] = true
	}
	return set
}()

func wireName(f tracker.Field) string {
	if name, ok := names[f]; ok {
		return name
	}
	return familyNames[f]
}
