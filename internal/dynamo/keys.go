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
	metaSK    = "META"
	seatsSK   = "SEATS"   // the one tally of a limited event
	tallySK   = "SEATS#"  // + shard: the tallies of an event without a limit
	promoteSK = "PROMOTE" // a seat may be free: see Promote
	recountSK = "RECOUNT" // when to count next, and what was found last
	eraseSK   = "ERASE"   // retention
	purgeSK   = "PURGE#"  // what is left of an erased registration
	receiptSK = "ERASED#" // that somebody had themselves erased, and when
	numbersSK = "NUMBERS" // what stays of an event when its people are erased
	regSK     = "REG#"
	waitSK    = "WAIT#"
	mailSK    = "MAIL#"
	mailingSK = "MAILING#"
)

// Partitions of the index.
const (
	duePK    = "DUE"
	eventsPK = "EVENTS"
)

func eventPK(id string) string { return "EVENT#" + id }

func mailKey(k deltag.DeliveryKey) (pk, sk string) {
	return eventPK(k.EventID), fmt.Sprintf("%s%s#%s#%d", mailSK, k.RegistrationID, k.Kind, k.Version)
}

func mailingKey(k deltag.MailingKey) (pk, sk string) {
	return eventPK(k.EventID), fmt.Sprintf("%s%s#%d", mailingSK, k.Kind, k.Version)
}

// waitKey sorts the line by the time of joining it.
func waitKey(r registrationItem) string { return waitSK + r.WaitingSince + "#" + r.ID }

func parseWaitKey(sk string) (since, id string) {
	since, id, _ = strings.Cut(strings.TrimPrefix(sk, waitSK), "#")
	return since, id
}

// ParseTask reads the keys of an item in the due index, as the index and the table's stream give them.
// An error names a key that is none of ours.
func ParseTask(pk, sk string) (deltag.Task, error) {
	eventID, ok := strings.CutPrefix(pk, "EVENT#")
	if !ok || !deltag.IsID(eventID) {
		return deltag.Task{}, fmt.Errorf("no task has the key %s", pk)
	}
	task := deltag.Task{EventID: eventID}
	kind, rest, _ := strings.Cut(sk, "#")
	parts := strings.Split(rest, "#")
	version, err := strconv.Atoi(parts[len(parts)-1])
	switch {
	case sk == promoteSK:
		task.Promote = true
	case sk == recountSK:
		task.Recount = true
	case sk == eraseSK:
		task.Erase = true
	case kind+"#" == purgeSK && deltag.IsID(rest):
		task.Purge = rest
	case kind+"#" == mailSK && len(parts) == 3 && err == nil:
		task.Delivery = deltag.DeliveryKey{EventID: eventID, RegistrationID: parts[0], Kind: deltag.Kind(parts[1]), Version: version}
	case kind+"#" == mailingSK && len(parts) == 2 && err == nil:
		task.Mailing = deltag.MailingKey{EventID: eventID, Kind: deltag.Kind(parts[0]), Version: version}
	default:
		return deltag.Task{}, fmt.Errorf("no task has the key %s", kind)
	}
	return task, nil
}

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

func key(pk, sk string) item { return item{"PK": str(pk), "SK": str(sk)} }

// stampLayout has a fixed width, so that stamps sort as times do.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

// stamp writes a time, and "" for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stampLayout)
}

// unstamp reads what stamp wrote; only stamp writes these attributes.
func unstamp(s string) time.Time {
	t, err := time.Parse(stampLayout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
