package mailer_test

import (
	"testing"
	"time"

	"deltag/internal/deltag"
)

// TestNoticeOfDraft: a new title that a draft got is news to those whom the organiser had added, and to nobody else.
func TestNoticeOfDraft(t *testing.T) {
	onEachEngine(t, func(run runFunc) {
		run("IsForThoseWhoWereAddedBefore", func(t *testing.T, f *fixture) {
			e := f.newEvent(func(e *deltag.Event) { e.Status = deltag.EventDraft })
			added := signUpRequest(0)
			added.ByOrganiser = true
			if _, err := f.store.SignUp(ctx, e, added, f.clock()); err != nil {
				t.Fatal(err)
			}
			f.setTime(f.clock().Add(time.Second))
			f.edit(e, func(e *deltag.Event) { e.Title = "Et nyt navn" })
			f.setTime(f.clock().Add(time.Second))
			e = f.edit(e, func(e *deltag.Event) { e.Status = deltag.EventOpen })
			f.setTime(f.clock().Add(time.Second))
			f.signUp(e, 1)
			var expected []int
			for _, entry := range f.timeline(e.ID) {
				if entry.Kind == deltag.KindChanged {
					expected = append(expected, entry.Expected)
				}
			}
			want(t, expected, []int{1})
			f.setTime(f.clock().Add(10 * time.Minute))
			f.runDue()
			want(t, f.ses.to(address(0)), map[string]int{"confirmation": 1, "changed": 1})
			want(t, f.ses.to(address(1)), map[string]int{"confirmation": 1})
		})
	})
}
