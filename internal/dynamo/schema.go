package dynamo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// Sort keys of the items of an event. Those that end in # are prefixes.
const (
	metaSK         = "META"        // the event
	mailingSK      = "MAILING#"    // + kind # version
	recipientsSK   = "RECIPIENTS#" // + kind # version: whom a message is for, if they were picked
	promoteSK      = "PROMOTE"     // task: a seat may be free while people wait
	reconcileSK    = "RECONCILE"   // task, and the result of the last reconciliation
	eraseSK        = "ERASE"       // task: the retention period ends
	digestSK       = "DIGEST"      // task: tell the organiser how it is coming along, with what the last one told
	statsSK        = "STATS"       // statistics, kept when the people of the event are erased
	registrationSK = "REG#"        // + registration
	deliverySK     = "MAIL#"       // + registration # kind # version
	purgeSK        = "PURGE#"      // + registration; task: delete the deliveries of an erased registration
	expireSK       = "EXPIRE#"     // + registration; task: erase what was not verified in time about it
	giveBackSK     = "GIVEBACK#"   // + registration; task: give its seat back, unless its address was corrected
	noteSK         = "NOTE#"       // + version # registration: whom an organiser's note is about
	erasureSK      = "ERASURE#"    // + time # registration: an erasure on request, without personal data
	countsSK       = "COUNTS"      // how many registrations of the shard have each status
	seatSK         = "SEAT#"       // + seat: who has it
	seatCounterSK  = "SEATS"       // how many seats are taken
	waitlistSK     = "WAIT#"       // + time # registration
)

// Partitions of the index.
const (
	eventsPK  = "EVENTS"
	duePK     = "DUE#"     // + due shard: what one person may wait for
	dueBulkPK = "DUE#BULK" // work on all of an event
)

// Shards spread what belongs to one event over as many partitions, since DynamoDB takes only 1,000 write units a second
// in one. docs/scaling.md has the arithmetic.
const (
	shards    = 64
	dueShards = 16
)

// shardOf is the shard of a registration: the first 6 bits of its id, which is random. Shards are in the order of ids.
func shardOf(registrationID string) int {
	if !deltag.IsID(registrationID) {
		return 0 // nothing has such a key
	}
	first, second := strings.IndexByte(idOrder, registrationID[0]), strings.IndexByte(idOrder, registrationID[1])
	return first<<1 | second>>4
}

const idOrder = "234567abcdefghijklmnopqrstuvwxyz" // deltag.IDAlphabet in the order of sort keys

func key(pk, sk string) item { return item{"PK": avString(pk), "SK": avString(sk)} }

// keyOf is the key of an item, or of an entry of the index.
func keyOf(it item) item { return item{"PK": it["PK"], "SK": it["SK"]} }

// keyText tells items apart in a map.
func keyText(it item) string { return stringAttr(it, "PK") + stringAttr(it, "SK") }

// fitsKey says whether an item can have the key: DynamoDB refuses longer ones, which come from requests' paths.
func fitsKey(key item) bool {
	return len(stringAttr(key, "PK")) <= 2048 && len(stringAttr(key, "SK")) <= 1024
}

// An event has one partition for itself, one for each shard of its registrations, and two more. Their keys begin with
// that of the first.
const eventPrefix = "EVENT#"

func eventPK(id string) string { return eventPrefix + id }

func shardPK(eventID string, shard int) string {
	return fmt.Sprintf("%s#%02d", eventPK(eventID), shard)
}

// personPK is the partition of a registration, and of everything that belongs to it alone.
func personPK(eventID, registrationID string) string {
	return shardPK(eventID, shardOf(registrationID))
}

func waitlistPK(eventID string) string { return eventPK(eventID) + "#WAIT" }

func seatCounterPK(eventID string) string { return eventPK(eventID) + "#SEATS" }

// parseEventPK reads the event's id from the key of any of its partitions.
func parseEventPK(pk string) (id string, ok bool) {
	id, ok = strings.CutPrefix(pk, eventPrefix)
	id, _, _ = strings.Cut(id, "#")
	return id, ok && deltag.IsID(id)
}

func eventKey(id string) item { return key(eventPK(id), metaSK) }

func slugKey(slug string) item { return key("SLUG#"+slug, "SLUG") }

// personKey is the key of an item of which each registration has one, at most.
func personKey(eventID, registrationID, prefix string) item {
	return key(personPK(eventID, registrationID), prefix+registrationID)
}

func registrationKey(eventID, id string) item { return personKey(eventID, id, registrationSK) }

func expireKey(eventID, id string) item { return personKey(eventID, id, expireSK) }

func giveBackKey(eventID, id string) item { return personKey(eventID, id, giveBackSK) }

func purgeKey(eventID, id string) item { return personKey(eventID, id, purgeSK) }

// waitlistKey sorts the waitlist by the time of joining it.
func waitlistKey(r deltag.Registration) item {
	return key(waitlistPK(r.EventID), waitlistSK+formatTime(r.WaitlistedAt)+"#"+r.ID)
}

func parseWaitlistKey(sk string) (joinedAt, registrationID string) {
	joinedAt, registrationID, _ = strings.Cut(strings.TrimPrefix(sk, waitlistSK), "#")
	return joinedAt, registrationID
}

func erasureKey(r deltag.Registration, now time.Time) item {
	return key(personPK(r.EventID, r.ID), erasureSK+formatTime(now)+"#"+r.ID)
}

func deliveryKey(k deltag.DeliveryKey) item {
	sk := fmt.Sprintf("%s%s#%s#%d", deliverySK, k.RegistrationID, k.Kind, k.Version)
	return key(personPK(k.EventID, k.RegistrationID), sk)
}

// parseDeliveryKey reads what follows deliverySK in a sort key.
func parseDeliveryKey(eventID, rest string) (deltag.DeliveryKey, bool) {
	parts := strings.Split(rest, "#")
	if len(parts) != 3 {
		return deltag.DeliveryKey{}, false
	}
	version, err := strconv.Atoi(parts[2])
	return deltag.DeliveryKey{
		EventID: eventID, RegistrationID: parts[0], Kind: deltag.MailKind(parts[1]), Version: version,
	}, err == nil
}

func mailingKey(k deltag.MailingKey) item {
	return key(eventPK(k.EventID), fmt.Sprintf("%s%s#%d", mailingSK, k.Kind, k.Version))
}

func recipientsKey(k deltag.MailingKey) item {
	return key(eventPK(k.EventID), fmt.Sprintf("%s%s#%d", recipientsSK, k.Kind, k.Version))
}

// parseMailingKey reads what follows mailingSK in a sort key.
func parseMailingKey(eventID, rest string) (deltag.MailingKey, bool) {
	kind, number, _ := strings.Cut(rest, "#")
	version, err := strconv.Atoi(number)
	return deltag.MailingKey{EventID: eventID, Kind: deltag.MailKind(kind), Version: version}, err == nil
}

// Schema is the table as template.yaml makes it in AWS, for engines that start empty.
func Schema(table string) *dynamodb.CreateTableInput {
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	keys := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{
			{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange},
		}
	}
	return &dynamodb.CreateTableInput{
		TableName:   &table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("PK"), attribute("SK"), attribute("GSI1PK"), attribute("GSI1SK"),
		},
		KeySchema: keys("PK", "SK"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("GSI1"),
			KeySchema:  keys("GSI1PK", "GSI1SK"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}
}
