package organiser_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/dynamo"
	"deltag/internal/organiser"
)

// A listedStore has these attendees, spread over the parts of the list, whatever is stored.
type listedStore struct {
	*dynamo.Store
	attendees []deltag.Attendee
	failsOn   int // a part, from 1
}

func (s *listedStore) Attendees(_ context.Context, _ string, part int) (list []deltag.Attendee, err error) {
	if part+1 == s.failsOn {
		return nil, deltag.ErrUnavailable
	}
	for i, a := range s.attendees {
		if i%deltag.AttendeeParts == part {
			a.ID = fmt.Sprintf("%020d", i)
			list = append(list, a)
		}
	}
	return list, nil
}

func named(names ...string) (all []deltag.Attendee) {
	for i, name := range names {
		all = append(all, deltag.Attendee{
			Name: name, Email: fmt.Sprintf("p%d@example.dk", i), Status: deltag.RegistrationConfirmed,
			RegisteredAt: now.Add(time.Duration(i) * time.Minute), AddressStatus: deltag.AddressOK,
		})
	}
	return all
}

// list is the names that a query finds, all pages of them.
func (f fixture) list(t *testing.T, e deltag.Event, q organiser.AttendeeQuery) (names []string) {
	t.Helper()
	for {
		page, err := f.Attendees(f.ctx, anna, e.ID, q)
		wantError(t, err, nil)
		for _, a := range page.Attendees {
			names = append(names, a.Name)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			wantEqual(t, page.Total, len(names))
			return names
		}
	}
}

func TestAttendeesAreSortedAsInDanish(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	want := []string{
		"3F", "Ana", "Anne", "Anne Berg", "Anne-Marie", "Annesofie", "Bo", "Brønd", "Brå", "D'Arcy", "Duus", "Émile", "Emma",
		"My", "Müller", "Zoë", "Ægir", "Äljaž", "Ærø", "Øster", "Öström", "Aage", "Åge B", "Aalborg", "Århus", "Жанна",
	}
	shuffled := slices.Clone(want)
	slices.Sort(shuffled)
	f.Store = &listedStore{Store: f.store, attendees: named(shuffled...)}
	wantEqual(t, f.list(t, e, organiser.AttendeeQuery{Sort: organiser.SortName}), want)
	slices.Reverse(want)
	wantEqual(t, f.list(t, e, organiser.AttendeeQuery{Sort: "-name"}), want)
}

func TestAttendeesAreFound(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	for name, searches := range map[string][]string{
		"Søren Ærø":          {"soren", "SOEREN", "Sören", "ærø", "aero", "aeroe", "ero", "rø søren"},
		"Åse Østergård":      {"åse", "aase", "ase", "ostergaard", "Oestergård", "østergaard"},
		"Boersen":            {"oersen", "ersen", "børsen", "borsen"},
		"Rene\u0301 Müller":  {"René", "rene", "muller"},
		"Jens O'Neil-Hansen": {"o'neil", "neil-h", "jens hansen"},
	} {
		f.Store = &listedStore{Store: f.store, attendees: named(name)}
		for _, search := range searches {
			if got := f.list(t, e, organiser.AttendeeQuery{Search: search}); len(got) != 1 {
				t.Errorf("%q does not find %s", search, name)
			}
		}
		for _, search := range []string{"xyz", "søren åse"} {
			if got := f.list(t, e, organiser.AttendeeQuery{Search: search}); len(got) != 0 {
				t.Errorf("%q finds %s", search, name)
			}
		}
	}
}

func TestAttendeesPages(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	store := &listedStore{Store: f.store}
	f.Store = store
	for i := range 333 {
		store.attendees = append(store.attendees, named("Mette", fmt.Sprint("Bo ", i%7))[i%2])
	}
	for _, sort := range []organiser.AttendeeSort{"name", "-name", "email", "status", "-organisation", "-registeredAt"} {
		t.Run(string(sort), func(t *testing.T) {
			if got := len(f.list(t, e, organiser.AttendeeQuery{Sort: sort})); got != 333 {
				t.Errorf("%d", got)
			}
		})
	}
	first, err := f.Attendees(f.ctx, anna, e.ID, organiser.AttendeeQuery{Sort: "name"})
	wantError(t, err, nil)
	t.Run("NobodyIsMissedWhoIsThereWhileOthersCome", func(t *testing.T) {
		last := first.Attendees[len(first.Attendees)-1]
		store.attendees = append(store.attendees, named("Aase", "Adam", "Anders")...)
		next, err := f.Attendees(f.ctx, anna, e.ID, organiser.AttendeeQuery{Sort: "name", Cursor: first.Next})
		wantError(t, err, nil)
		if slices.ContainsFunc(next.Attendees, func(a deltag.Attendee) bool { return a.ID == last.ID }) {
			t.Error("somebody is on both pages")
		}
	})
	t.Run("ACursorNamesNobodyAndBelongsToItsList", func(t *testing.T) {
		for _, q := range []organiser.AttendeeQuery{
			{Sort: "-name", Cursor: first.Next}, {Sort: "name", Cursor: first.Next[1:]}, {Sort: "name", Cursor: "x"},
		} {
			_, err := f.Attendees(f.ctx, anna, e.ID, q)
			wantInvalid(t, err, "cursor: bad-cursor")
		}
		other := f.newEvent(func(e *deltag.Event) { e.Slug = "andet" })
		_, err := f.Attendees(f.ctx, anna, other.ID, organiser.AttendeeQuery{Sort: "name", Cursor: first.Next})
		wantInvalid(t, err, "cursor: bad-cursor")
	})
	t.Run("APartThatCantBeReadFailsTheList", func(t *testing.T) {
		store.failsOn = 7
		_, err := f.Attendees(f.ctx, anna, e.ID, organiser.AttendeeQuery{})
		wantError(t, err, deltag.ErrUnavailable)
	})
}

func TestAttendeeFilters(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(func(e *deltag.Event) {
		e.Questions = []deltag.Question{
			{ID: "hvor", Kind: deltag.QuestionMultipleChoice, Label: "Hvor?", Options: []string{"Her", "Der"}},
			{ID: "hvad", Kind: deltag.QuestionShortText, Label: "Hvad?"},
		}
	})
	all := named("Ida", "Bo", "Åse")
	all[0].Status, all[0].AllowsNews = deltag.RegistrationCancelled, true
	all[0].Answers = map[string][]string{"hvor": {"Her", "Der"}}
	all[1].AttendedAt = now
	all[1].Answers = map[string][]string{"hvor": {"Der"}, "hvad": {"Tillid på arbejdet"}}
	all[2].AddressStatus = deltag.AddressBounced
	f.Store = &listedStore{Store: f.store, attendees: all}
	answers := func(id, value string) map[string]string { return map[string]string{id: value} }
	for name, c := range map[string]struct {
		q    organiser.AttendeeQuery
		want string
	}{
		"All":             {organiser.AttendeeQuery{}, "Åse Bo Ida"},
		"Status":          {organiser.AttendeeQuery{Status: deltag.RegistrationCancelled}, "Ida"},
		"NotStatus":       {organiser.AttendeeQuery{Status: deltag.RegistrationCancelled, Not: []string{"status"}}, "Åse Bo"},
		"Mail":            {organiser.AttendeeQuery{Mail: deltag.AddressBounced}, "Åse"},
		"NotMail":         {organiser.AttendeeQuery{Mail: deltag.AddressBounced, Not: []string{"mail"}}, "Bo Ida"},
		"Attended":        {organiser.AttendeeQuery{Attended: new(true)}, "Bo"},
		"NotAttended":     {organiser.AttendeeQuery{Attended: new(false)}, "Åse Ida"},
		"Updates":         {organiser.AttendeeQuery{Updates: new(true)}, "Ida"},
		"NoUpdates":       {organiser.AttendeeQuery{Updates: new(false)}, "Åse Bo"},
		"Answer":          {organiser.AttendeeQuery{Answers: answers("hvor", "Der")}, "Bo Ida"},
		"NotAnswer":       {organiser.AttendeeQuery{Answers: answers("hvor", "Her"), Not: []string{"answers.hvor"}}, "Åse Bo"},
		"NoAnswer":        {organiser.AttendeeQuery{Answers: answers("hvor", "-")}, "Åse"},
		"AnAnswer":        {organiser.AttendeeQuery{Answers: answers("hvor", "-"), Not: []string{"answers.hvor"}}, "Bo Ida"},
		"PartOfATypedOne": {organiser.AttendeeQuery{Answers: answers("hvad", "pa ARBEJDE")}, "Bo"},
		"Several":         {organiser.AttendeeQuery{Answers: answers("hvor", "Der"), Attended: new(false)}, "Ida"},
	} {
		t.Run(name, func(t *testing.T) {
			wantEqual(t, strings.Join(f.list(t, e, c.q), " "), c.want)
			_, exported, err := f.ExportAttendees(f.ctx, anna, e.ID, c.q, organiser.ExportPart{})
			wantError(t, err, nil)
			n := 0
			for _, err := range exported {
				wantError(t, err, nil)
				n++
			}
			wantEqual(t, n, len(strings.Fields(c.want)))
		})
	}
	_, err := f.Attendees(f.ctx, anna, e.ID, organiser.AttendeeQuery{
		Status: "x", Mail: "y", Sort: "age", Answers: answers("nope", "x"),
		Not: []string{"status", "mail", "q", "answers.hvor", "answers.nope"},
	})
	wantInvalid(t, err, "status: unknown-status", "mail: unknown-status", "sort: bad-parameter", "answers.nope: unknown-question",
		"not: bad-parameter", "not: bad-parameter")
}

func TestExportAttendees(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	store := &listedStore{Store: f.store, attendees: slices.Repeat(named("Mette", "Bo"), 40)}
	f.Store = store
	export := func(part organiser.ExportPart, sort organiser.AttendeeSort) (rows int, err error) {
		_, attendees, err := f.ExportAttendees(f.ctx, anna, e.ID, organiser.AttendeeQuery{Sort: sort}, part)
		if err != nil {
			return 0, err
		}
		for _, err := range attendees {
			if err != nil {
				return rows, err
			}
			rows++
		}
		return rows, nil
	}
	for _, c := range []struct {
		part    organiser.ExportPart
		sort    organiser.AttendeeSort
		failsOn int
		rows    int
		want    error
	}{
		{organiser.ExportPart{}, "", 0, 80, nil},
		{organiser.ExportPart{Number: 1, Of: 2}, "", 0, 40, nil},
		{organiser.ExportPart{Number: 2, Of: 2}, "name", 0, 40, nil},
		{organiser.ExportPart{}, "", 1, 0, deltag.ErrUnavailable},
		{organiser.ExportPart{}, "", 3, 10, deltag.ErrUnavailable},
		{organiser.ExportPart{}, "name", 3, 0, deltag.ErrUnavailable},
	} {
		store.failsOn = c.failsOn
		rows, err := export(c.part, c.sort)
		wantError(t, err, c.want)
		wantEqual(t, rows, c.rows)
	}
	for _, part := range []organiser.ExportPart{{Number: 0, Of: 2}, {Number: 3, Of: 2}, {Number: 1, Of: 17}, {Number: 1}} {
		_, err := export(part, "")
		wantInvalid(t, err, "part: bad-parameter")
	}
}

func TestNoteAttended(t *testing.T) {
	f := newFixture(t)
	e := f.newEvent(nil)
	r := f.addRegistration(e, "mette@example.dk")
	for i, step := range []struct {
		attended bool
		count    int
		at       time.Time
	}{{true, 1, now}, {true, 1, now}, {false, 0, time.Time{}}, {false, 0, time.Time{}}, {true, 1, now.Add(4 * time.Hour)}} {
		by := annaAt(now.Add(time.Duration(i) * time.Hour))
		wantError(t, f.NoteAttended(f.ctx, by, e.ID, r.ID, step.attended), nil)
		_, got, err := f.Registration(f.ctx, anna, e.ID, r.ID)
		wantError(t, err, nil)
		wantEqual(t, got.AttendedAt, step.at)
		_, counts, err := f.Event(f.ctx, anna, e.ID)
		wantError(t, err, nil)
		wantEqual(t, counts.Attended, step.count)
	}
	wantError(t, f.NoteAttended(f.ctx, anna, e.ID, strings.Repeat("a", 20), true), deltag.ErrNotFound)
}

func TestGiveSeat(t *testing.T) {
	f := newFixture(t)
	one := 1
	e := f.newEvent(func(e *deltag.Event) { e.Capacity = &one })
	mette, bo := f.addRegistration(e, "mette@example.dk"), f.addRegistration(e, "bo@example.dk")
	give := func(id string, want deltag.RegistrationStatus, wantErr error) {
		t.Helper()
		r, err := f.GiveSeat(f.ctx, anna, e.ID, id)
		if !errors.Is(err, wantErr) || r.Status != want {
			t.Errorf("%s, %v, want %s, %v", r.Status, err, want, wantErr)
		}
	}
	give(mette.ID, deltag.RegistrationConfirmed, nil)
	give(bo.ID, deltag.RegistrationWaitlisted, deltag.ErrFull)
	cancelled := deltag.RegistrationCancelled
	_, _, err := f.EditRegistration(f.ctx, anna, e.ID, mette.ID, organiser.RegistrationEdit{Status: &cancelled})
	wantError(t, err, nil)
	give(bo.ID, deltag.RegistrationConfirmed, nil) // by itself
	give(mette.ID, deltag.RegistrationWaitlisted, nil)
	_, got, err := f.Registration(f.ctx, anna, e.ID, mette.ID)
	wantError(t, err, nil)
	wantEqual(t, got.Answers, mette.Answers)
	_, err = f.GiveSeat(f.ctx, annaAt(e.EndsAt), e.ID, mette.ID)
	wantError(t, err, deltag.ErrClosed)
}
