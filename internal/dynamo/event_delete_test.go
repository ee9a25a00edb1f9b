package dynamo_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/testing/storetest"
)

// itemsOf are the kinds of items that there are of an event, in order, without the marks and the task that a deletion
// leaves for a while.
func itemsOf(t *testing.T, engine storetest.Engine, e deltag.Event) (kinds []string) {
	t.Helper()
	for _, it := range engine.Dump(t) {
		sk := it["SK"].(string)
		if !isOf(e, it) && it["PK"] != "SLUG#"+e.Slug {
			continue
		}
		if sk != "ERASE" && (sk != "COUNTS" || it["EventDeleted"] != true) {
			kind, _, _ := strings.Cut(sk, "#")
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// finishDeletion runs the task of a deleted event until it is done.
func finishDeletion(t *testing.T, s *dynamo.Store, e deltag.Event, at time.Time) {
	t.Helper()
	for done := false; !done; {
		var err error
		done, err = s.EraseEvent(ctx, e.ID, at)
		must(t, err)
	}
}

// nextRequest is the request to interrupt after another one: ever fewer, and the fewest on DynamoDB Local, which takes
// a second for a transaction that large.
func nextRequest(t *testing.T, at int) int {
	t.Helper()
	if strings.Contains(t.Name(), "DynamoDBLocal") {
		return 4 * at
	}
	return at + 1 + at/3
}

const afterDeletion = dynamo.DeletionDelay

func TestDeleteEvent(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		for name, c := range map[string]struct {
			event func(*deltag.Event)
			use   func(*testing.T, *dynamo.Store, deltag.Event)
		}{
			"ADraft":             {event: func(e *deltag.Event) { e.Status = deltag.EventDraft }},
			"ALimitedOne":        {event: withCapacity(3)},
			"OneWithALaterLimit": {use: func(t *testing.T, s *dynamo.Store, e deltag.Event) { setCapacity(t, s, e, 3) }},
			"OneThatTheOrganiserHasTried": {use: func(t *testing.T, s *dynamo.Store, e deltag.Event) {
				must(t, s.SaveDelivery(ctx, deltag.NewOrganiserDelivery(e, deltag.KindPreview, 7, now)))
				must(t, s.PutMailing(ctx, deltag.Mailing{EventID: e.ID, Kind: deltag.KindMessage, Version: 9, DueAt: now}))
				_, err := s.Reconcile(ctx, e.ID, now.Add(time.Hour))
				must(t, err)
			}},
			"OneWithASeatThatWasReturned": {event: withCapacity(3), use: func(t *testing.T, s *dynamo.Store, e deltag.Event) {
				p := newProcess(engine)
				var written atomic.Int32
				p.injectFault(crashAfterWrite(1, &written), 1, forever)
				_, err := p.store.SignUp(ctx, e, person(1), now) // takes a seat, and dies
				wantError(t, err, deltag.ErrUnavailable)
				unused, err := s.IsUnused(ctx, e.ID)
				must(t, err)
				want(t, unused, false)
				for n := range 3 {
					must(t, runTasks(s, now.Add(time.Duration(n)*2*time.Minute)))
				}
			}},
			"OneThatIsOver": {use: func(t *testing.T, _ *dynamo.Store, e deltag.Event) { eraseEvent(t, engine, e) }},
			"ACancelledOne": {event: func(e *deltag.Event) { e.Status = deltag.EventCancelled }},
		} {
			t.Run(name, func(t *testing.T) {
				s := engine.Store()
				e := newEvent(t, s, c.event)
				if c.use != nil {
					c.use(t, s, e)
				}
				unused, err := s.IsUnused(ctx, e.ID)
				must(t, err)
				want(t, unused, true)
				for range 2 {
					must(t, s.DeleteEvent(ctx, e.ID, now))
					want(t, itemsOf(t, engine, e), []string(nil))
				}
				_, err = s.Event(ctx, e.ID)
				wantError(t, err, deltag.ErrNotFound)
				_, err = s.EventBySlug(ctx, e.Slug)
				wantError(t, err, deltag.ErrNotFound)
				finishDeletion(t, s, e, now.Add(afterDeletion))
				wantNothingLeft(t, engine, e, e.ID)
				wantError(t, s.DeleteEvent(ctx, e.ID, now), deltag.ErrNotFound)
			})
		}
	})
}

func TestDeleteEventThatSomebodySignedUpFor(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		for name, c := range map[string]struct {
			event func(*deltag.Event)
			use   func(t *testing.T, e deltag.Event, r deltag.Registration)
		}{
			"Confirmed":     {},
			"ConfirmedSeat": {event: withCapacity(1)},
			"Waiting": {event: withCapacity(1), use: func(t *testing.T, e deltag.Event, r deltag.Registration) {
				signUp(t, s, e, 2, now)
				must(t, s.Erase(ctx, e, r, now))
			}},
			"Cancelled": {use: func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.CancelRegistration(ctx, e, r, now))
			}},
			"Unverified": {event: func(e *deltag.Event) { e.Verify = deltag.VerifyAlways }},
			"Erased": {use: func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.Erase(ctx, e, r, now))
				sendFinalMail(t, s, e, r.Email)
			}},
			"ErasedAfterAttending": {use: func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.MarkAttended(ctx, e, r, now))
				must(t, s.Erase(ctx, e, registration(t, s, e, 1), now))
			}},
			"ErasedWithItsEvent": {use: func(t *testing.T, e deltag.Event, r deltag.Registration) { eraseEvent(t, engine, e) }},
			"ErasedBeforeItsEvent": {use: func(t *testing.T, e deltag.Event, r deltag.Registration) {
				must(t, s.Erase(ctx, e, r, now))
				eraseEvent(t, engine, e)
			}},
			"InADraft": {event: func(e *deltag.Event) { e.Status = deltag.EventDraft }},
		} {
			t.Run(name, func(t *testing.T) {
				e, r := eventWithPerson1(t, s, c.event)
				if c.use != nil {
					c.use(t, e, r)
				}
				before := itemsOf(t, engine, e)
				wantError(t, s.DeleteEvent(ctx, e.ID, now), deltag.ErrHasSignUps)
				want(t, itemsOf(t, engine, e), before)
				unused, err := s.IsUnused(ctx, e.ID)
				must(t, err)
				want(t, unused, false)
			})
		}
	})
}

// TestDeleteEventWhileSomebodySignsUp interrupts each by the other before each of its requests: one of both wins.
func TestDeleteEventWhileSomebodySignsUp(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		check := func(t *testing.T, e deltag.Event, at int, signedUp, deleted error) {
			t.Helper()
			switch {
			case signedUp == nil && errors.Is(deleted, deltag.ErrHasSignUps):
				registration(t, s, e, 1)
				want(t, len(kinds(t, s, registration(t, s, e, 1))), 1)
			case errors.Is(signedUp, deltag.ErrNotFound) && deleted == nil:
				want(t, itemsOf(t, engine, e), []string(nil))
				finishDeletion(t, s, e, now.Add(afterDeletion))
				wantNothingLeft(t, engine, e, e.ID)
			default:
				t.Errorf("interrupted before request %d: sign-up %v, deletion %v", at, signedUp, deleted)
			}
		}
		for name, change := range map[string]func(*deltag.Event){
			"WithoutALimit":    nil,
			"WithALimit":       withCapacity(2),
			"WithoutAWaitlist": func(e *deltag.Event) { withCapacity(2)(e); e.HasWaitlist = false },
			"ToVerify":         func(e *deltag.Event) { e.Verify = deltag.VerifyAlways },
		} {
			t.Run(name, func(t *testing.T) {
				for at, more := 1, true; more; at = nextRequest(t, at) {
					e := newEvent(t, s, change)
					deleted := errors.New("not deleted")
					p := interrupted(engine, at, func() { deleted = s.DeleteEvent(ctx, e.ID, now) })
					_, signedUp := p.store.SignUp(ctx, e, person(1), now)
					if more = p.Count() >= at; more && !errors.Is(deleted, deltag.ErrUnavailable) {
						check(t, e, at, signedUp, deleted)
					}
				}
				for at, more := 1, true; more; at = nextRequest(t, at) {
					e := newEvent(t, s, change)
					signedUp := errors.New("not signed up")
					p := interrupted(engine, at, func() { _, signedUp = s.SignUp(ctx, e, person(1), now) })
					deleted := p.store.DeleteEvent(ctx, e.ID, now)
					if more = p.Count() >= at; more {
						check(t, e, at, signedUp, deleted)
					}
				}
			})
		}
		t.Run("AFunctionWithAnOldCopySignsNobodyUp", func(t *testing.T) {
			for _, change := range []func(*deltag.Event){nil, withCapacity(2)} {
				e := newEvent(t, s, change)
				must(t, s.DeleteEvent(ctx, e.ID, now))
				_, err := s.SignUp(ctx, e, person(1), now.Add(time.Second))
				wantError(t, err, deltag.ErrNotFound)
				want(t, itemsOf(t, engine, e), []string(nil))
			}
		})
	})
}

// TestDeleteEventCrashes stops the process after each write, as if its function had died.
func TestDeleteEventCrashes(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		for n, more := int32(1), true; more; n++ {
			e := newEvent(t, s, withCapacity(2))
			setCapacity(t, s, e, 3)
			must(t, s.SaveDelivery(ctx, deltag.NewOrganiserDelivery(e, deltag.KindPreview, 7, now)))
			p := newProcess(engine)
			var written atomic.Int32
			p.injectFault(crashAfterWrite(n, &written), 1, forever)
			_ = p.store.DeleteEvent(ctx, e.ID, now)
			more = written.Load() >= n
			_, err := s.Event(ctx, e.ID)
			wantError(t, err, deltag.ErrNotFound)  // the first write is the one that counts
			must(t, s.DeleteEvent(ctx, e.ID, now)) // pressed again
			finishDeletion(t, s, e, now)           // nothing yet: it is not due
			finishDeletion(t, s, e, now.Add(afterDeletion))
			wantNothingLeft(t, engine, e, e.ID)

			again := newEvent(t, s, withCapacity(2))
			p = newProcess(engine)
			written.Store(0)
			p.injectFault(crashAfterWrite(n, &written), 1, forever)
			_ = p.store.DeleteEvent(ctx, again.ID, now)
			finishDeletion(t, s, again, now.Add(afterDeletion)) // by the tick alone
			wantNothingLeft(t, engine, again, again.ID)
		}
	})
}

// TestDeleteEventMeanwhile is what others do to the event at the same time.
func TestDeleteEventMeanwhile(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		limit := func(e deltag.Event) error {
			next := e
			next.Capacity = capacity(5)
			next, mailings, err := e.Edit(next, now)
			must(t, err)
			return s.UpdateEvent(ctx, next, mailings)
		}
		t.Run("AnEditOrTheDeletionComesFirst", func(t *testing.T) {
			for at, more := 1, true; more; at = nextRequest(t, at) {
				e := newEvent(t, s, nil)
				var edited error
				p := interrupted(engine, at, func() { edited = limit(e) })
				must(t, p.store.DeleteEvent(ctx, e.ID, now))
				if edited != nil {
					wantError(t, edited, deltag.ErrNotFound)
				}
				want(t, itemsOf(t, engine, e), []string(nil))
				finishDeletion(t, s, e, now.Add(afterDeletion)) // so that the table stays small
				more = p.Count() >= at
			}
		})
		t.Run("TheTasksOfTheEventBringNothingBack", func(t *testing.T) {
			for at, more := 1, true; more; at = nextRequest(t, at) {
				e := newEvent(t, s, withCapacity(2))
				p := interrupted(engine, at, func() { must(t, s.DeleteEvent(ctx, e.ID, now)) })
				_, err := p.store.Reconcile(ctx, e.ID, now)
				more = p.Count() >= at
				if err != nil && !errors.Is(err, deltag.ErrConflict) && !errors.Is(err, deltag.ErrNotFound) {
					t.Errorf("interrupted before request %d: %v", at, err)
				}
				must(t, s.Promote(ctx, e.ID, now))
				must(t, s.CheckSeats(ctx, e.ID, now))
				if more {
					want(t, itemsOf(t, engine, e), []string(nil))
					finishDeletion(t, s, e, now.Add(afterDeletion))
				}
			}
		})
		t.Run("WhatALateRequestWritesIsDeletedToo", func(t *testing.T) {
			e := newEvent(t, s, nil)
			must(t, s.DeleteEvent(ctx, e.ID, now))
			must(t, s.PutMailing(ctx, deltag.Mailing{EventID: e.ID, Kind: deltag.KindMessage, Version: 9, DueAt: now}))
			must(t, s.SaveDelivery(ctx, deltag.NewOrganiserDelivery(e, deltag.KindPreview, 7, now)))
			finishDeletion(t, s, e, now.Add(afterDeletion))
			wantNothingLeft(t, engine, e, e.ID)
		})
		t.Run("AFormThatIsSentTwiceBringsItNotBack", func(t *testing.T) {
			e := newEvent(t, s, nil)
			must(t, s.DeleteEvent(ctx, e.ID, now))
			wantError(t, s.CreateEvent(ctx, e, deltag.MailingChanges{}), deltag.ErrConflict)
			finishDeletion(t, s, e, now.Add(afterDeletion))
			must(t, s.CreateEvent(ctx, e, deltag.MailingChanges{}))
			signUp(t, s, e, 1, now)
		})
		t.Run("TwoAtOnce", func(t *testing.T) {
			for at, more := 1, true; more; at = nextRequest(t, at) {
				e := newEvent(t, s, withCapacity(2))
				p := interrupted(engine, at, func() { must(t, s.DeleteEvent(ctx, e.ID, now)) })
				must(t, p.store.DeleteEvent(ctx, e.ID, now))
				want(t, itemsOf(t, engine, e), []string(nil))
				finishDeletion(t, s, e, now.Add(afterDeletion)) // so that the table stays small
				more = p.Count() >= at
			}
		})
	})
}
