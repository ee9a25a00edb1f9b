package dynamo_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestEventStats(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e := newEvent(t, s, nil)
		for n := range 5 {
			signUp(t, s, e, n, now.AddDate(0, 0, n/2))
		}
		midnight := time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC) // the next day in Copenhagen
		signUp(t, s, e, 9, midnight)
		must(t, s.Erase(ctx, e, registration(t, s, e, 4), now))
		_, merged := signUp(t, s, e, 8, now) // is no erasure
		changeAddress(t, s, e, merged, 3, now.AddDate(0, 0, 1))
		wanted := deltag.EventStats{
			Counts:       deltag.Counts{Confirmed: 5},
			SignUpsByDay: map[string]int{"2026-11-23": 2, "2026-11-24": 2, "2026-11-25": 1},
			Mails: map[deltag.MailKind]map[deltag.DeliveryStatus]int{
				deltag.KindConfirmation: {deltag.DeliveryPending: 5}, deltag.KindErasureReceipt: {deltag.DeliveryPending: 1},
				deltag.KindAddressChanged: {deltag.DeliveryPending: 1},
			},
			Erasures: 1,
		}
		got, err := s.EventStats(ctx, e)
		must(t, err)
		want(t, got, wanted)
		eraseEvent(t, engine, e)
		got, err = s.EventStats(ctx, e)
		must(t, err)
		wanted.ErasedAt = e.RetentionEndsAt()
		want(t, got, wanted)
		wantNothingLeft(t, engine, e, "@example.dk")
	})
}
