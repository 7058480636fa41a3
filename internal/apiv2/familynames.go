package apiv2

import "stint/internal/tracker"

// Members and parameters of the family that are only known here.
const (
	fieldSession = "session"

	fieldID      tracker.Field = "session.id"
	fieldDom     tracker.Field = "dom"
	fieldNewLink tracker.Field = "newlink"
	fieldAsked   tracker.Field = "asked"
	fieldCode    tracker.Field = "code"
	fieldOwner   tracker.Field = "owner"
	fieldAlways  tracker.Field = "penalty.always" // of a game
)

// familyNames are the wire's words beside those of sessions.php (readings, "The family").
var familyNames = map[tracker.Field]string{
	fieldID:                 fieldSession,
	fieldDom:                "dom",
	fieldNewLink:            "newlink",
	fieldAsked:              "action",
	fieldCode:               "code",
	fieldOwner:              "owner",
	tracker.FieldGame:       "game",
	tracker.FieldChoice:     "type",
	tracker.FieldToken:      "token",
	tracker.FieldSource:     "source",
	tracker.FieldAction:     "action",
	tracker.FieldCursor:     "cursor",
	tracker.FieldClientSeed: "clientseed",
	tracker.FieldKeyholder:  "keyholder",
	tracker.FieldImport:     "import",

	"link." + tracker.FieldVotes: "link.waitint",

	// Of a change of settings (readings, "Settings' names").
	"changed.dice." + tracker.FieldNumber:        "dice.dices",
	"changed.dice." + tracker.FieldUnit:          "dice.addunit",
	"changed.dice." + tracker.FieldWait:          "dice.waitint",
	"changed.dice." + tracker.FieldWaitUnit:      "dice.waitunit",
	"changed.dice." + tracker.FieldMin:           "dice.minmultiplier",
	"changed.dice." + tracker.FieldMax:           "dice.maxmultiplier",
	"changed.dice." + fieldPenalty:               "dice.penalties",
	"changed.dice." + tracker.FieldPenaltyMin:    "dice.penalties.min",
	"changed.dice." + tracker.FieldPenaltyAmount: "dice.penalties.addint",
	"changed.dice." + tracker.FieldPenaltyUnit:   "dice.penalties.addunit",
	"changed.dice." + fieldAlways:                "dice.penalties.always",

	"changed.link." + tracker.FieldAdd:     "link.addint",
	"changed.link." + tracker.FieldAddUnit: "link.addunit",
	"changed.link." + tracker.FieldSub:     "link.subint",
	"changed.link." + tracker.FieldSubUnit: "link.subunit",
	"changed.link." + tracker.FieldVotes:   "link.waitint",
	"changed.link." + fieldReset:           "link.resetvotes",
	"changed.link." + tracker.FieldMin:     "link.minmultiplier",
	"changed.link." + tracker.FieldMax:     "link.maxmultiplier",

	"changed.luck." + tracker.FieldAdd:           "luck.addint",
	"changed.luck." + tracker.FieldAddUnit:       "luck.addunit",
	"changed.luck." + tracker.FieldSub:           "luck.subint",
	"changed.luck." + tracker.FieldSubUnit:       "luck.subunit",
	"changed.luck." + tracker.FieldWait:          "luck.waitint",
	"changed.luck." + tracker.FieldWaitUnit:      "luck.waitunit",
	"changed.luck." + tracker.FieldMin:           "luck.minmultiplier",
	"changed.luck." + tracker.FieldMax:           "luck.maxmultiplier",
	"changed.luck." + fieldPenalty:               "luck.penalties",
	"changed.luck." + tracker.FieldPenaltyMin:    "luck.penalties.min",
	"changed.luck." + tracker.FieldPenaltyAmount: "luck.penalties.addint",
	"changed.luck." + tracker.FieldPenaltyUnit:   "luck.penalties.addunit",
	"changed.luck." + fieldAlways:                "luck.penalties.always",
}
