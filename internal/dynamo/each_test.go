package dynamo_test

import (
	"errors"
	"slices"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

func TestEach(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := newStoreOfShortPages(engine)
		e, other := newEvent(t, s, nil), newEvent(t, s, nil)
		signUpMany(t, s, e, 100)
		signUpMany(t, s, other, 1)
		var names, expected []string
		for n := range 100 {
			expected = append(expected, person(n).Name)
		}
		slices.Sort(expected)

		t.Run("Registration", func(t *testing.T) {
			names = nil
			must(t, s.EachRegistration(ctx, e.ID, func(r deltag.Registration) error {
				names = append(names, r.Name)
				return nil
			}))
			slices.Sort(names)
			want(t, names, expected)
		})
		t.Run("Delivery", func(t *testing.T) {
			mails := map[string]int{}
			must(t, s.EachDelivery(ctx, e.ID, func(d deltag.Delivery) error {
				mails[d.RegistrationID]++
				return nil
			}))
			want(t, len(mails), 100)
		})
		t.Run("EndsWithTheFirstError", func(t *testing.T) {
			stop, calls := errors.New("stop"), 0
			err := s.EachRegistration(ctx, e.ID, func(deltag.Registration) error {
				calls++
				return stop
			})
			if !errors.Is(err, stop) || calls > 8 {
				t.Errorf("%v after %d calls", err, calls)
			}
		})
		t.Run("RegistrationsByID", func(t *testing.T) {
			var ids []string
			for n := range 100 {
				ids = append(ids, deltag.RegistrationID(e, person(n).Email))
			}
			rs, err := s.RegistrationsByID(ctx, e.ID, append(ids, ids[0][1:]+"a", "", "x"))
			must(t, err)
			want(t, len(rs), 100)
			rs, err = s.RegistrationsByID(ctx, e.ID, nil)
			must(t, err)
			want(t, len(rs), 0)
			corrupt(t, engine, e, "REG#"+ids[7], func(it item) { it["Answers"] = str("no map") })
			rs, err = s.RegistrationsByID(ctx, e.ID, ids)
			wantUnreadable(t, err, ids[7])
			want(t, len(rs), 99)
		})
	})
}
