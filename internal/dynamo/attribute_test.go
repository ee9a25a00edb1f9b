package dynamo_test

import (
	"errors"
	"strings"
	"testing"

	"deltag/internal/deltag"
	"deltag/internal/testing/storetest"
)

// TestDamagedTime stores what is no time where one belongs.
func TestDamagedTime(t *testing.T) {
	storetest.RunOnEngines(t, func(t *testing.T, engine storetest.Engine) {
		s := engine.Store()
		e, r := eventWithPerson1(t, s, nil)
		d := confirmation(t, s, r)
		mailing := deltag.MailingKey{EventID: e.ID, Kind: "reminder-P1D", Version: 1}
		for name, c := range map[string]struct {
			sk, attribute string
			read          func() error
		}{
			"Registration": {"REG#" + r.ID, "WaitlistedAt", func() error {
				_, _, err := s.EventAndRegistration(ctx, e.ID, r.ID)
				return err
			}},
			"Delivery": {"MAIL#" + r.ID + "#confirmation#1", "GSI1SK", func() error {
				_, err := s.Delivery(ctx, d.DeliveryKey)
				return err
			}},
			"Mailing": {"MAILING#reminder-P1D#1", "GSI1SK", func() error { _, err := s.Mailing(ctx, mailing); return err }},
			"Event":   {"META", "SignUpClosesAt", func() error { _, err := s.Event(ctx, e.ID); return err }},
		} {
			t.Run(name+"IsAnError", func(t *testing.T) {
				must(t, c.read())
				corrupt(t, engine, e, c.sk, func(it item) { it[c.attribute] = str("2026-12-01") })
				wantUnreadable(t, c.read(), c.sk)
				corrupt(t, engine, e, c.sk, func(it item) { it[c.attribute] = str("2026-12-01T12:00:00.000000000Z") })
			})
		}
	})
}

func wantUnreadable(t testing.TB, err error, name string) {
	t.Helper()
	if unreadable := (deltag.UnreadableError{}); !errors.As(err, &unreadable) || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v is none that says that %s can't be read", err, name)
	}
}
