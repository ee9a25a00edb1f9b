package organiser_test

import (
	"context"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/organiser"
)

func TestAddRegistration(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(func(e *deltag.Event) { e.Status = deltag.EventClosed })
	t.Run("IsTakenWhileSignUpIsClosed", func(t *testing.T) {
		r := f.addRegistration(e, "mette@example.dk")
		wantEqual(t, r.Status, deltag.RegistrationConfirmed)
		wantEqual(t, r.Language, e.Language)
	})
	t.Run("LeavesSomebodyWhoIsSignedUpAsTheyAre", func(t *testing.T) {
		in := deltag.SignUpRequest{Name: "En anden", Email: deltag.Address{Original: "METTE@example.dk"}}
		_, r, err := f.AddRegistration(f.ctx, anna, e.ID, in)
		wantError(t, err, nil)
		wantEqual(t, r.Name, "Mette")
	})
	t.Run("IsRefusedAfterTheEnd", func(t *testing.T) {
		in := deltag.SignUpRequest{Name: "Søren", Email: deltag.Address{Original: "soeren@example.dk"}}
		_, _, err := f.AddRegistration(f.ctx, annaAt(e.EndsAt), e.ID, in)
		wantError(t, err, deltag.ErrClosed)
	})
}

// A racingStore lets somebody else write just before the first writes of a correction.
type racingStore struct {
	*dynamo.Store
	races int
	write func()
}

func (s *racingStore) UpdateByOrganiser(
	ctx context.Context, e deltag.Event, r deltag.Registration, in deltag.SignUpRequest, now time.Time,
) error {
	if s.races > 0 {
		s.races--
		s.write()
	}
	return s.Store.UpdateByOrganiser(ctx, e, r, in, now)
}

func TestEditRegistration(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	email, name := "rettet@example.dk", "Mette Eksempel"
	t.Run("CorrectsAnAddressThatIsUnsubscribedMeanwhile", func(t *testing.T) {
		r := f.addRegistration(e, "mette@example.dk")
		f.Store = &racingStore{Store: f.store, races: 1, write: func() {
			wantError(t, f.store.Unsubscribe(f.ctx, e, r, now), nil)
		}}
		_, got, err := f.EditRegistration(f.ctx, anna, e.ID, r.ID, organiser.RegistrationEdit{Email: &email})
		wantError(t, err, nil)
		wantEqual(t, got.Email.Original, email)
		wantEqual(t, got.AddressStatus, deltag.AddressUnsubscribed)
		_, _, err = f.Registration(f.ctx, anna, e.ID, r.ID)
		wantError(t, err, deltag.ErrNotFound)
	})
	t.Run("GivesUpWhenOthersKeepChangingIt", func(t *testing.T) {
		r := f.addRegistration(e, "signe@example.dk")
		f.Store = &racingStore{Store: f.store, races: 10, write: func() {
			e, r, err := f.store.EventAndRegistration(f.ctx, e.ID, r.ID)
			wantError(t, err, nil)
			request := deltag.SignUpRequest{Name: r.Name, Email: r.Email, Language: r.Language}
			wantError(t, f.store.UpdateByOrganiser(f.ctx, e, r, request, now), nil)
		}}
		_, _, err := f.EditRegistration(f.ctx, anna, e.ID, r.ID, organiser.RegistrationEdit{Name: &name})
		wantError(t, err, deltag.ErrConflict)
	})
	f.Store = f.store
	t.Run("IsNotStoredWhenItChangesNothing", func(t *testing.T) {
		r := f.addRegistration(e, "ole@example.dk")
		name, email := " "+r.Name, r.Email.Original
		edit := organiser.RegistrationEdit{Name: &name, Email: &email, Answers: map[string][]string{"hvad": {"Lære nyt "}}}
		_, got, err := f.EditRegistration(f.ctx, annaAt(now.Add(time.Hour)), e.ID, r.ID, edit)
		wantError(t, err, nil)
		wantEqual(t, got, r)
	})
	t.Run("CancelsInARequestOfItsOwn", func(t *testing.T) {
		r := f.addRegistration(e, "ida@example.dk")
		cancelled := deltag.RegistrationCancelled
		edit := organiser.RegistrationEdit{Status: &cancelled, Name: &name}
		_, _, err := f.EditRegistration(f.ctx, anna, e.ID, r.ID, edit)
		wantInvalid(t, err, "status: alone")
		edit.Name = nil
		_, first, err := f.EditRegistration(f.ctx, anna, e.ID, r.ID, edit)
		wantError(t, err, nil)
		wantEqual(t, first.Status, cancelled)
		question := deltag.Question{ID: "ny", Kind: deltag.QuestionShortText, Label: "Ny?", Required: true}
		_, _, err = f.EditEvent(f.ctx, anna, e.ID, organiser.AnyRevision, func(e deltag.Event) (deltag.Event, error) {
			e.Questions = []deltag.Question{question} // what is stored would be refused today
			return e, nil
		})
		wantError(t, err, nil)
		_, again, err := f.EditRegistration(f.ctx, annaAt(now.Add(time.Hour)), e.ID, r.ID, edit)
		wantError(t, err, nil)
		wantEqual(t, again, first)
	})
}

func TestEditAnswers(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	r := f.addRegistration(e, "anders@example.dk")
	_, _, err := f.EditEvent(f.ctx, anna, e.ID, organiser.AnyRevision, func(e deltag.Event) (deltag.Event, error) {
		e.Questions = []deltag.Question{
			{ID: "nyt", Kind: deltag.QuestionShortText, Label: "Nyt?", Required: true},
			{ID: "mere", Kind: deltag.QuestionShortText, Label: "Mere?"},
		}
		return e, nil
	})
	wantError(t, err, nil)
	for _, step := range []struct{ sent, want map[string][]string }{
		{map[string][]string{"mere": {"ja"}}, map[string][]string{"hvad": {"Lære nyt"}, "mere": {"ja"}}},
		{map[string][]string{"mere": {" "}}, map[string][]string{"hvad": {"Lære nyt"}}},
	} {
		edit := organiser.RegistrationEdit{Answers: step.sent}
		_, got, err := f.EditRegistration(f.ctx, anna, e.ID, r.ID, edit)
		wantError(t, err, nil)
		wantEqual(t, got.Answers, step.want)
	}
	edit := organiser.RegistrationEdit{Answers: map[string][]string{"nyt": {}, "hvad": {"x"}}}
	_, _, err = f.EditRegistration(f.ctx, anna, e.ID, r.ID, edit)
	wantInvalid(t, err, "answers.nyt: missing", "answers.hvad: unknown-question")
}

func TestEraseRegistration(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	r := f.addRegistration(e, "mette@example.dk")
	wantError(t, f.EraseRegistration(f.ctx, anna, e.ID, r.ID), nil)
	wantError(t, f.EraseRegistration(f.ctx, anna, e.ID, r.ID), deltag.ErrNotFound)
	_, stats, err := f.Stats(f.ctx, anna, e.ID)
	wantError(t, err, nil)
	wantEqual(t, stats.Erasures, 1)
	_, reconciled, err := f.Reconcile(f.ctx, anna, e.ID)
	wantError(t, err, nil)
	wantEqual(t, reconciled.HasDrift(), false)
	_, last, err := f.LastReconciliation(f.ctx, anna, e.ID)
	wantError(t, err, nil)
	wantEqual(t, last, reconciled)
}
