package organiser_test

import (
	"fmt"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/municipality"
	"deltag/internal/organiser"
)

func (f fixture) signUp(e deltag.Event, organisation, email string, at time.Time) deltag.Registration {
	f.t.Helper()
	in := deltag.SignUpRequest{
		Name: "Mette", Organisation: organisation, Language: "da", ByOrganiser: true,
		Email: deltag.Address{Original: email, Normalized: email},
	}
	if _, err := f.store.SignUp(f.ctx, e, in, at); err != nil {
		f.t.Fatal(err)
	}
	_, r, err := f.store.EventAndRegistration(f.ctx, e.ID, deltag.RegistrationID(e, in.Email))
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// TestInsightCountsThoseWhoTakePart: a waitlist place counts, and who has cancelled does only as a sign-up of the day.
func TestInsightCountsThoseWhoTakePart(t *testing.T) {
	f := newFixture(t)
	one := 1
	e := f.newEvent(func(e *deltag.Event) { e.Capacity = &one })
	f.signUp(e, "Aarhus Kommune", "a@example.dk", now)
	f.signUp(e, "Århus kommune, HR", "b@example.dk", now.Add(time.Minute))
	f.signUp(e, "KL", "c@example.dk", now.Add(15*time.Hour)) // midnight in Copenhagen
	f.signUp(e, "", "d@example.dk", now)
	gone := f.signUp(e, "Odense Kommune", "e@example.dk", now.Add(time.Hour))
	if err := f.store.CancelRegistration(f.ctx, e, gone, now); err != nil {
		t.Fatal(err)
	}
	_, coverage, err := f.Coverage(f.ctx, anna, e.ID, "Odense\nAarhus")
	wantError(t, err, nil)
	wantEqual(t, coverage, municipality.Coverage{
		Expected: []municipality.Group{{Name: "Odense", Region: "Syddanmark"}, {Name: "Aarhus", Region: "Midtjylland", People: 2}},
		Others:   []municipality.Group{{People: 1}, {Name: "KL", People: 1}},
	})
	_, signUps, err := f.SignUps(f.ctx, anna, e.ID)
	wantError(t, err, nil)
	wantEqual(t, signUps, organiser.SignUps{
		ByDay: map[string]int{"2026-11-23": 4, "2026-11-24": 1},
		Organisations: []municipality.Group{
			{Name: "Aarhus", Region: "Midtjylland", People: 2}, {People: 1}, {Name: "KL", People: 1},
		},
	})
	t.Run("AndOnlyDaysOnceTheyAreErased", func(t *testing.T) {
		_, signUps, err := f.SignUps(f.ctx, annaAt(e.RetentionEndsAt()), e.ID)
		wantError(t, err, nil)
		wantEqual(t, signUps, organiser.SignUps{ByDay: map[string]int{"2026-11-23": 4, "2026-11-24": 1}})
	})
	t.Run("OfAnEventThatIs", func(t *testing.T) {
		_, _, err := f.Coverage(f.ctx, anna, "aaaaaaaaaaaaaaaaaaaa", "")
		wantError(t, err, deltag.ErrNotFound)
		_, _, err = f.SignUps(f.ctx, anna, "aaaaaaaaaaaaaaaaaaaa")
		wantError(t, err, deltag.ErrNotFound)
		_, _, err = f.MailReport(f.ctx, anna, "aaaaaaaaaaaaaaaaaaaa")
		wantError(t, err, deltag.ErrNotFound)
	})
}

func TestMailReport(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	m := e.NewMailing(deltag.KindMessage, 3, now, "Hej")
	m.Audience = deltag.AudienceAll
	wantError(t, f.store.PutMailing(f.ctx, m), nil)
	people := map[string]deltag.Registration{}
	for n, name := range []string{"bounced", "mended", "cancelled", "suppressed", "failed"} {
		r := f.signUp(e, "KL", name+"@example.dk", now)
		d := deltag.NewDelivery(r, deltag.KindMessage, 3, now.Add(time.Duration(n)))
		switch name {
		case "failed":
			d = d.Fail(deltag.ReasonRejected, now)
		case "suppressed":
			d = d.Skip(deltag.ReasonAddressBounced, now)
		default:
			d.Status = deltag.DeliveryBounced
		}
		d.Revision = 0
		wantError(t, f.store.SaveDelivery(f.ctx, d), nil)
		if name != "mended" && name != "failed" {
			wantError(t, f.store.SetAddressStatus(f.ctx, e, r, deltag.AddressBounced, now), nil)
		}
		people[name] = r
	}
	wantError(t, f.store.CancelRegistration(f.ctx, e, people["cancelled"], now), nil)

	_, report, err := f.MailReport(f.ctx, anna, e.ID)
	wantError(t, err, nil)
	var bounced []string
	for _, r := range report.Bounced {
		bounced = append(bounced, r.Email.Original)
	}
	wantEqual(t, bounced, []string{"bounced@example.dk", "suppressed@example.dk"})
	wantEqual(t, len(report.Failed), 1)
	wantEqual(t, report.Failed[0].Email.Original, "failed@example.dk")
	wantEqual(t, report.Outcomes[organiser.OutcomeKey{Kind: deltag.KindMessage, Version: 3}], organiser.Outcome{
		ByStatus: map[deltag.DeliveryStatus]int{
			deltag.DeliveryBounced: 3, deltag.DeliveryFailed: 1, deltag.DeliverySkipped: 1,
		},
		Skipped: map[deltag.Reason]int{deltag.ReasonAddressBounced: 1},
	})
	confirmations := report.Outcomes[organiser.OutcomeKey{Kind: deltag.KindConfirmation}]
	wantEqual(t, confirmations.ByStatus, map[deltag.DeliveryStatus]int{deltag.DeliveryPending: 5})
	wantEqual(t, len(report.Timeline), 4)

	t.Run("NamesSoManyAtMost", func(t *testing.T) {
		for n := range organiser.MaxNeedsHelp + 1 {
			r := f.signUp(e, "KL", fmt.Sprint("p", n, "@example.dk"), now)
			d := deltag.NewDelivery(r, deltag.KindMessage, 3, now).Fail(deltag.ReasonRejected, now)
			d.Revision = 0
			wantError(t, f.store.SaveDelivery(f.ctx, d), nil)
			wantError(t, f.store.SetAddressStatus(f.ctx, e, r, deltag.AddressBounced, now), nil)
			d = deltag.NewDelivery(r, deltag.KindMessage, 1, now)
			d.Status = deltag.DeliveryBounced
			wantError(t, f.store.SaveDelivery(f.ctx, d), nil)
		}
		_, report, err := f.MailReport(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		wantEqual(t, len(report.Failed), organiser.MaxNeedsHelp)
		wantEqual(t, len(report.Bounced), organiser.MaxNeedsHelp)
	})
}
