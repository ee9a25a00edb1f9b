package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// Sort keys of the items that share an event's partition.
const (
	metaSK         = "META"
	counterSK      = "SEATS"     // the one tally of a limited event
	counterShardSK = "SEATS#"    // + shard: the tallies of an event without a limit
	promoteSK      = "PROMOTE"   // a seat may be free: see Promote
	reconcileSK    = "RECONCILE" // when to count next, and what was found last
	eraseSK        = "ERASE"     // retention
	purgeSK        = "PURGE#"    // what is left of an erased registration
	erasureSK      = "ERASURE#"  // that somebody had themselves erased, and when
	statsSK        = "STATS"     // what stays of an event when its people are erased
	registrationSK = "REG#"
	waitlistSK     = "WAIT#"
	deliverySK     = "MAIL#"
	mailingSK      = "MAILING#"
)

// Partitions of the index.
const (
	duePK    = "DUE"
	eventsPK = "EVENTS"
)

func eventPK(id string) string { return "EVENT#" + id }

func deliveryKey(k deltag.DeliveryKey) (pk, sk string) {
	return eventPK(k.EventID), fmt.Sprintf("%s%s#%s#%d", deliverySK, k.RegistrationID, k.Kind, k.Version)
}

func mailingKey(k deltag.MailingKey) (pk, sk string) {
	return eventPK(k.EventID), fmt.Sprintf("%s%s#%d", mailingSK, k.Kind, k.Version)
}

// waitlistKey sorts the line by the time of joining it.
func waitlistKey(r registrationItem) string { return waitlistSK + r.WaitlistedAt + "#" + r.ID }

func parseWaitlistKey(sk string) (since, id string) {
	since, id, _ = strings.Cut(strings.TrimPrefix(sk, waitlistSK), "#")
	return since, id
}

// ParseTask reads the keys of an item in the due index, as the index and the table's stream give them.
// An error names a key that is none of ours.
func ParseTask(pk, sk string) (deltag.DueTask, error) {
	eventID, ok := strings.CutPrefix(pk, "EVENT#")
	if !ok || !deltag.IsID(eventID) {
		return deltag.DueTask{}, fmt.Errorf("no task has the key %s", pk)
	}
	task := deltag.DueTask{EventID: eventID}
	kind, rest, _ := strings.Cut(sk, "#")
	parts := strings.Split(rest, "#")
	version, err := strconv.Atoi(parts[len(parts)-1])
	switch {
	case sk == promoteSK:
		task.Kind = deltag.TaskPromote
	case sk == reconcileSK:
		task.Kind = deltag.TaskReconcile
	case sk == eraseSK:
		task.Kind = deltag.TaskEraseEvent
	case kind+"#" == purgeSK && deltag.IsID(rest):
		task.Kind, task.RegistrationID = deltag.TaskPurgeDeliveries, rest
	case kind+"#" == deliverySK && len(parts) == 3 && err == nil:
		task.Kind = deltag.TaskDelivery
		task.Delivery = deltag.DeliveryKey{EventID: eventID, RegistrationID: parts[0], Kind: deltag.MailKind(parts[1]), Version: version}
	case kind+"#" == mailingSK && len(parts) == 2 && err == nil:
		task.Kind = deltag.TaskMailing
		task.Mailing = deltag.MailingKey{EventID: eventID, Kind: deltag.MailKind(parts[0]), Version: version}
	default:
		return deltag.DueTask{}, fmt.Errorf("no task has the key %s", kind)
	}
	return task, nil
}

type item = map[string]types.AttributeValue

func avString(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func avNumber(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func key(pk, sk string) item { return item{"PK": avString(pk), "SK": avString(sk)} }

// timeLayout has a fixed width, so that stamps sort as times do.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// formatTime writes a time, and "" for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// parseTime reads what stamp wrote; only stamp writes these attributes.
func parseTime(s string) time.Time {
	t, err := time.Parse(timeLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
