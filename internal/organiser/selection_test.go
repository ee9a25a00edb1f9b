package organiser_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/organiser"
	"deltag/internal/testing/storetest"
)

// allAt is a portion that has time for all.
func allAt(asked time.Time) organiser.Portion {
	return organiser.Portion{AskedAt: asked, HasTime: func() bool { return true }}
}

// addMany signs so many people up, and has their mail sent.
func (f fixture) addMany(e deltag.Event, n int) (ids []string) {
	f.t.Helper()
	for i := range n {
		ids = append(ids, f.addRegistration(e, fmt.Sprintf("p%d@example.dk", i)).ID)
	}
	f.finishMails(ids, e)
	return ids
}

// finishMails lets all mails to people have been sent.
func (f fixture) finishMails(ids []string, e deltag.Event) {
	f.t.Helper()
	for _, id := range ids {
		deliveries, err := f.store.DeliveriesOf(f.ctx, e.ID, id)
		for _, d := range deliveries {
			d.Status, d.NextAttemptAt, d.Revision = deltag.DeliverySent, time.Time{}, d.Revision+1
			if err == nil {
				err = f.store.SaveDelivery(f.ctx, d)
			}
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// mails are how many of a kind somebody has in the ledger.
func (f fixture) mails(e deltag.Event, id string, k deltag.MailKind) (n int) {
	f.t.Helper()
	deliveries, err := f.store.DeliveriesOf(f.ctx, e.ID, id)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range deliveries {
		if d.Kind == k {
			n++
		}
	}
	return n
}

func (f fixture) status(e deltag.Event, id string) deltag.RegistrationStatus {
	f.t.Helper()
	_, r, err := f.Registration(f.ctx, anna, e.ID, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return r.Status
}

func TestCancelSelected(t *testing.T) {
	later := annaAt(now.Add(time.Hour))
	t.Run("ThoseWhoAreTicked", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		ids := f.addMany(e, 5)
		ticked := organiser.Selection{IDs: []string{ids[3], ids[1], ids[1], "x", strings.Repeat("a", 20)}}
		for i, want := range []int{2, 0} { // a second press does nothing
			done, err := f.CancelSelected(f.ctx, later, e.ID, ticked, allAt(later.Now))
			wantError(t, err, nil)
			wantEqual(t, done, organiser.SelectionProgress{Changed: want})
			for n, id := range ids {
				wantEqual(t, f.status(e, id) == deltag.RegistrationCancelled, n == 1 || n == 3)
				wantEqual(t, f.mails(e, id, deltag.KindRegistrationCancelled), map[bool]int{true: 1}[n == 1 || n == 3])
			}
			later.Now = later.Now.Add(time.Duration(i+1) * time.Hour)
		}
	})
	t.Run("InPortions", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		ids := f.addMany(e, 30)
		for name, sel := range map[string]organiser.Selection{"all": {All: true}, "ticked": {IDs: ids}} {
			asked := allAt(now)
			asked.HasTime = func() bool { return false }
			changed, portions := 0, 0
			for {
				done, err := f.CancelSelected(f.ctx, later, e.ID, sel, asked)
				wantError(t, err, nil)
				if done.Changed > 8 {
					t.Errorf("%d at once", done.Changed)
				}
				changed += done.Changed
				portions++
				if asked.After = done.Next; done.Next == "" {
					break
				}
			}
			if want := map[string]int{"all": 30, "ticked": 0}[name]; portions < 4 || changed != want && changed != 30-want {
				t.Errorf("%s: %d in %d portions", name, changed, portions)
			}
		}
		for _, id := range ids {
			wantEqual(t, f.mails(e, id, deltag.KindRegistrationCancelled), 1)
		}
	})
	t.Run("NobodyWhoCameLater", func(t *testing.T) {
		f := newFixture(t)
		three := 3
		e := f.newEvent(func(e *deltag.Event) { e.Capacity, e.HasWaitlist = &three, true })
		ids := f.addMany(e, 5) // two wait
		_, late, err := f.AddRegistration(f.ctx, later, e.ID, deltag.SignUpRequest{
			Name: "Sen", Email: deltag.Address{Original: "sen@example.dk"},
		})
		wantError(t, err, nil)
		sel := organiser.Selection{All: true, Query: organiser.AttendeeQuery{Status: deltag.RegistrationConfirmed}}
		for range 2 { // those who wait get the seats in between, and keep them
			_, err = f.CancelSelected(f.ctx, later, e.ID, sel, allAt(now))
			wantError(t, err, nil)
			wantError(t, f.store.Promote(f.ctx, e.ID, later.Now), nil)
		}
		for n, id := range append(ids, late.ID) {
			wantEqual(t, f.status(e, id) == deltag.RegistrationCancelled, n < 3)
		}
	})
	t.Run("NobodyWhoHasSignedUpSinceItWasAsked", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		ids := f.addMany(e, 2)
		in := deltag.SignUpRequest{Name: "Mette", Email: deltag.Address{Original: "p1@example.dk"}}
		wantError(t, cancelRegistration(f, anna, e, deltag.Registration{ID: ids[1]}), nil)
		_, _, err := f.AddRegistration(f.ctx, annaAt(now.Add(time.Minute)), e.ID, in) // again
		wantError(t, err, nil)
		for _, sel := range []organiser.Selection{{All: true}, {IDs: ids}} {
			_, err := f.CancelSelected(f.ctx, later, e.ID, sel, allAt(now))
			wantError(t, err, nil)
		}
		wantEqual(t, f.status(e, ids[0]), deltag.RegistrationCancelled)
		wantEqual(t, f.status(e, ids[1]), deltag.RegistrationConfirmed)
	})
	t.Run("ThoseWhoWaitGetNoSeatOnTheWay", func(t *testing.T) {
		f := newFixture(t)
		one := 1
		e := f.newEvent(func(e *deltag.Event) { e.Capacity, e.HasWaitlist = &one, true })
		ids := f.addMany(e, 12)
		done, err := f.CancelSelected(f.ctx, later, e.ID, organiser.Selection{All: true}, allAt(now))
		wantError(t, err, nil)
		wantEqual(t, done.Changed, 12)
		for _, id := range ids {
			wantEqual(t, f.status(e, id), deltag.RegistrationCancelled)
			wantEqual(t, f.mails(e, id, deltag.KindPromoted), 0)
		}
	})
	t.Run("GoesOnAfterAFault", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		ids := f.addMany(e, 20)
		slices.Sort(ids)
		store := &failingCancel{Store: f.store, id: ids[9]}
		f.Store = store
		done, err := f.CancelSelected(f.ctx, later, e.ID, organiser.Selection{IDs: ids}, allAt(now))
		wantError(t, err, deltag.ErrUnavailable)
		if done.Changed < 8 || done.Next == "" {
			t.Fatalf("%+v", done)
		}
		before := done.Changed
		store.id = ""
		p := allAt(now)
		p.After = done.Next
		done, err = f.CancelSelected(f.ctx, later, e.ID, organiser.Selection{IDs: ids}, p)
		wantError(t, err, nil)
		wantEqual(t, before+done.Changed, 20)
	})
	t.Run("GoesOnBesideWhatCannotBeRead", func(t *testing.T) {
		for _, isTicked := range []bool{false, true} {
			engine := storetest.Embedded(t)
			f := newFixtureOn(t, engine)
			e := f.newEvent(nil)
			ids := f.addMany(e, 20)
			damage(t, engine, e, ids[4])
			damage(t, engine, e, ids[11])
			sel := organiser.Selection{All: true}
			if isTicked {
				sel = organiser.Selection{IDs: ids}
			}
			p := allAt(now)
			done, err := f.CancelSelected(f.ctx, later, e.ID, sel, p)
			if !deltag.IsUnreadable(err) || !strings.Contains(err.Error(), ids[4]) || !strings.Contains(err.Error(), ids[11]) {
				t.Errorf("error %v", err)
			}
			wantEqual(t, done, organiser.SelectionProgress{Changed: 18})
			for n, id := range ids {
				if n != 4 && n != 11 {
					wantEqual(t, f.status(e, id), deltag.RegistrationCancelled)
				}
			}
		}
	})
	t.Run("SkipsWhomOthersKeepChanging", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		ids := f.addMany(e, 3)
		f.Store = &failingCancel{Store: f.store, id: ids[1], err: deltag.ErrConflict}
		done, err := f.CancelSelected(f.ctx, later, e.ID, organiser.Selection{IDs: ids}, allAt(now))
		wantError(t, err, nil)
		wantEqual(t, done, organiser.SelectionProgress{Changed: 2, Failed: 1})
	})
}

// damage makes a registration unreadable.
func damage(t *testing.T, engine storetest.Engine, e deltag.Event, id string) {
	t.Helper()
	key := map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: storetest.PersonPK(e.ID, id)}, "SK": &types.AttributeValueMemberS{Value: "REG#" + id},
	}
	out, err := engine.Client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &engine.Table, Key: key})
	wantError(t, err, nil)
	out.Item["Answers"] = &types.AttributeValueMemberS{Value: "no map"}
	_, err = engine.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &engine.Table, Item: out.Item})
	wantError(t, err, nil)
}

// A failingCancel cancels everybody but one.
type failingCancel struct {
	*dynamo.Store
	id  string
	err error
}

func (s *failingCancel) CancelRegistration(
	ctx context.Context, e deltag.Event, r deltag.Registration, at time.Time,
) error {
	if r.ID == s.id && s.err != nil {
		return s.err
	}
	if r.ID == s.id {
		return deltag.ErrUnavailable
	}
	return s.Store.CancelRegistration(ctx, e, r, at)
}

func TestResendToSelected(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	ids := f.addMany(e, 5)
	_, r, err := f.Registration(f.ctx, anna, e.ID, ids[0])
	wantError(t, err, nil)
	wantError(t, f.store.SetAddressStatus(f.ctx, e, r, deltag.AddressBounced, now), nil)
	wantError(t, cancelRegistration(f, anna, e, deltag.Registration{ID: ids[1]}), nil)
	pending := f.addRegistration(e, "ny@example.dk") // its confirmation is on its way
	later := annaAt(now.Add(time.Hour))
	_, sum, err := f.SummariseSelection(f.ctx, later, e.ID, organiser.Selection{All: true})
	wantError(t, err, nil)
	wantEqual(t, sum, organiser.SelectionSummary{Selected: 6, Cancellable: 5, Resendable: 4})
	for press, want := range []int{3, 0, 0} {
		done, err := f.ResendToSelected(f.ctx, later, e.ID, organiser.Selection{All: true}, allAt(now.Add(time.Hour)))
		wantError(t, err, nil)
		wantEqual(t, done, organiser.SelectionProgress{Changed: want})
		later.Now = later.Now.Add(time.Duration(press+1) * time.Hour)
		f.finishMails(ids[2:], e) // the repetition comes when the first has been sent
	}
	for n, id := range append(ids, pending.ID) {
		wantEqual(t, f.mails(e, id, deltag.KindConfirmation), map[bool]int{true: 2, false: 1}[n >= 2 && n < 5])
	}
}
