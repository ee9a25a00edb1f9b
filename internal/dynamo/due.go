package dynamo

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
)

// DueTasks lists what the index says is due at now, the longest overdue first.
func (s *Store) DueTasks(ctx context.Context, now time.Time, limit int) ([]deltag.DueTask, error) {
	out, err := s.queryPage(ctx, query{index: "GSI1", pk: duePK, from: "0", to: formatTime(now), limit: limit})
	if err != nil {
		return nil, err
	}
	tasks := make([]deltag.DueTask, 0, len(out.Items))
	for _, it := range out.Items {
		task, err := ParseTask(stringAttr(it, "PK"), stringAttr(it, "SK"))
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
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

// putPromoteTask notes in the due index that a seat may be free, in the transaction that frees it. So the
// seat finds its next holder also when the function dies before it gets there.
func (s *Store) putPromoteTask(eventID string, now time.Time) types.TransactWriteItem {
	return s.put(item{
		"PK": avString(eventPK(eventID)), "SK": avString(promoteSK), "GSI1PK": avString(duePK), "GSI1SK": avString(formatTime(now)),
		"Nonce": avString(rand.Text()), // two may be put at one time
	}, "", nil)
}

// putEraseTask keeps the date on which the event's personal data are erased in the due index.
func (s *Store) putEraseTask(e deltag.Event) types.TransactWriteItem {
	return s.put(item{
		"PK": avString(eventPK(e.ID)), "SK": avString(eraseSK), "GSI1PK": avString(duePK), "GSI1SK": avString(formatTime(e.RetentionEndsAt())),
	}, "", nil)
}

// putPurgeTasks notes that the ledger rows of registration ids, which hold their addresses, are to go.
func (s *Store) putPurgeTasks(eventID string, ids []string, now time.Time) []types.TransactWriteItem {
	var actions []types.TransactWriteItem
	for _, id := range ids {
		actions = append(actions, s.put(item{
			"PK": avString(eventPK(eventID)), "SK": avString(purgeSK + id), "GSI1PK": avString(duePK), "GSI1SK": avString(formatTime(now)),
		}, "", nil))
	}
	return actions
}
