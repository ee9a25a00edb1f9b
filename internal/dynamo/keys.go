package dynamo

import (
	"fmt"
	"strings"

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

func key(pk, sk string) item { return item{"PK": avString(pk), "SK": avString(sk)} }

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
