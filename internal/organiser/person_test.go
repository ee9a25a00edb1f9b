package organiser_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/testing/storetest"
)

var mette = deltag.Address{Original: "mette@example.dk", Normalized: "mette@example.dk"}

// newPerson signs mette up for n events.
func (f fixture) newPerson(n int) {
	f.t.Helper()
	for i := range n {
		e := f.newEvent(func(e *deltag.Event) { e.Slug = fmt.Sprint("slug-", i) })
		f.addRegistration(e, mette.Original)
		f.addRegistration(e, "bo@example.dk")
	}
}

// erasures are what an erasure did: events with a registration, mails, and events that are not done.
func erasures(all []organiser.PersonErasure) (registrations, mails, failed int) {
	for _, e := range all {
		mails += e.Mails
		if e.HadRegistration {
			registrations++
		}
		if e.Err != nil {
			failed++
		}
	}
	return registrations, mails, failed
}

func TestErasePerson(t *testing.T) {
	t.Run("ErasesAtEveryEventAndNobodyElse", func(t *testing.T) {
		f := newFixture(t)
		f.newPerson(3)
		moved := f.newEvent(func(e *deltag.Event) { e.Slug = "flyttet" })
		r := f.addRegistration(moved, mette.Original)
		to := "ny@example.dk"
		_, _, err := f.EditRegistration(f.ctx, anna, moved.ID, r.ID, organiser.RegistrationEdit{Email: &to})
		wantError(t, err, nil)

		done, err := f.ErasePerson(f.ctx, anna, mette)
		wantError(t, err, nil)
		registrations, mails, failed := erasures(done)
		wantEqual(t, []int{len(done), registrations, mails, failed}, []int{4, 3, 4, 0})
		p, err := f.Person(f.ctx, anna, mette)
		wantError(t, err, nil)
		wantEqual(t, len(p.Erasable()), 0)
		receipts := 0
		for _, trace := range p.Traces {
			wantEqual(t, len(trace.ErasedAt), 1)
			receipts += len(trace.Deliveries)
		}
		wantEqual(t, []int{len(p.Traces), receipts}, []int{3, 3})
		for name, want := range map[string]int{"bo@example.dk": 3, to: 1} {
			other, err := f.Person(f.ctx, anna, deltag.Address{Original: name, Normalized: name})
			wantError(t, err, nil)
			wantEqual(t, len(other.Erasable()), want)
		}
		again, err := f.ErasePerson(f.ctx, anna, mette)
		wantError(t, err, nil)
		wantEqual(t, len(again), 0)
	})
	t.Run("KeepsTheSuppression", func(t *testing.T) {
		f := newFixture(t)
		e := f.newEvent(nil)
		r := f.addRegistration(e, mette.Original)
		wantError(t, f.store.Suppress(f.ctx, e, r.Email, r, deltag.AddressBounced, now), nil)
		_, err := f.ErasePerson(f.ctx, anna, mette)
		wantError(t, err, nil)
		p, err := f.Person(f.ctx, anna, mette)
		wantError(t, err, nil)
		wantEqual(t, p.Record.Status, deltag.AddressBounced)
	})
	t.Run("GoesOnAfterAFailureAndWhenItIsRepeated", func(t *testing.T) {
		f := newFixture(t)
		f.newPerson(4)
		var writes atomic.Int32
		f.transport.InjectFault(func(_ int, r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
			if storetest.IsWrite(r) && writes.Add(1) == 3 { // the first is about the address
				return &http.Response{ // that nobody repeats
					StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
					Body: io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}`)),
				}, nil
			}
			return send()
		})
		done, err := f.ErasePerson(f.ctx, anna, mette)
		wantError(t, err, nil)
		f.transport.InjectFault(nil)
		_, _, failed := erasures(done)
		wantEqual(t, []int{len(done), failed}, []int{4, 1})
		for _, want := range []int{1, 0} {
			done, err = f.ErasePerson(f.ctx, anna, mette)
			wantError(t, err, nil)
			_, _, failed = erasures(done)
			wantEqual(t, []int{len(done), failed}, []int{want, 0})
		}
	})
	t.Run("SaysWhatIsNotDoneWhenTheTimeIsOver", func(t *testing.T) {
		f := newFixture(t)
		f.newPerson(2)
		ctx, cancel := context.WithTimeout(f.ctx, 1500*time.Millisecond) // less than what is kept for the answer
		defer cancel()
		done, err := f.ErasePerson(ctx, anna, mette)
		wantError(t, err, nil)
		_, _, failed := erasures(done)
		wantEqual(t, []int{len(done), failed}, []int{2, 2})
		wantError(t, done[0].Err, deltag.ErrUnavailable)
	})
	t.Run("IsNotForReaders", func(t *testing.T) {
		f := newFixture(t)
		f.newPerson(1)
		reader := anna
		reader.Role = deltag.RoleReader
		_, err := f.ErasePerson(f.ctx, reader, mette)
		wantError(t, err, deltag.ErrForbidden)
		p, err := f.Person(f.ctx, reader, mette)
		wantError(t, err, nil)
		wantEqual(t, len(p.Erasable()), 1)
	})
}
