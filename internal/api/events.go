package api

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"deltag/internal/deltag"
)

// maxConflictRetries is how often an edit is made anew on an event that somebody else has changed in the meantime.
const maxConflictRetries = 5

// ListEvents implements GET /events.
func (s *server) ListEvents(w http.ResponseWriter, r *http.Request, p ListEventsParams) {
	limit, cursor, err := pagination(p.Limit, p.Cursor)
	var es []deltag.Event
	var next string
	if err == nil {
		es, next, err = s.Store.Events(r.Context(), cursor, limit)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := EventList{Items: []Event{}, Next: next}
	for _, e := range es {
		list.Items = append(list.Items, s.toEvent(e, nil))
	}
	write(w, http.StatusOK, list)
}

// CreateEvent implements POST /events.
func (s *server) CreateEvent(w http.ResponseWriter, r *http.Request) {
	raw, err := body(r)
	var e deltag.Event
	if err == nil {
		e, err = merge(newEvent(), raw)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.create(w, r, e)
}

// create gives e what no organiser sets, and stores it.
func (s *server) create(w http.ResponseWriter, r *http.Request, e deltag.Event) {
	var err, err2 error
	e.ID, err = deltag.NewID(s.Random)
	e.Secret, err2 = deltag.NewSecret(s.Random)
	e, plan := e.WithInitialState(s.Now())
	if err = errors.Join(err, err2); err == nil {
		err = s.Store.CreateEvent(r.Context(), e, plan)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Location", s.BaseURL+"/api/v1/events/"+e.ID)
	w.Header().Set("ETag", etag(e))
	write(w, http.StatusCreated, s.toEvent(e, &deltag.Counts{}))
}

// newEvent holds the defaults.
func newEvent() deltag.Event {
	return deltag.Event{
		Language: deltag.LanguageDanish, TimeZone: "Europe/Copenhagen", HasWaitlist: true, RetentionDays: 30,
		Reminders: deltag.DefaultReminders(), Status: deltag.EventOpen,
	}
}

// GetEvent implements GET /events/{id}.
func (s *server) GetEvent(w http.ResponseWriter, r *http.Request, id Id) {
	e, err := s.Store.Event(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeEvent(w, r, e)
}

// writeEvent shows e with its counts.
func (s *server) writeEvent(w http.ResponseWriter, r *http.Request, e deltag.Event) {
	c, err := s.Store.Counts(r.Context(), e)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("ETag", etag(e))
	write(w, http.StatusOK, s.toEvent(e, &c))
}

// EditEvent implements PATCH /events/{id}.
func (s *server) EditEvent(w http.ResponseWriter, r *http.Request, id Id, p EditEventParams) {
	raw, err := body(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.updateEvent(w, r, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) {
		if p.IfMatch != nil && *p.IfMatch != "*" && *p.IfMatch != etag(e) {
			return e, deltag.MailingChanges{}, errPrecondition
		}
		next, err := merge(e, raw)
		if err != nil {
			return e, deltag.MailingChanges{}, err
		}
		return e.Edit(next, s.Now())
	})
}

// CancelEvent implements POST /events/{id}/cancel. Repeating it is harmless.
func (s *server) CancelEvent(w http.ResponseWriter, r *http.Request, id Id) {
	e, err := s.Store.Event(r.Context(), id)
	if err == nil && e.Status == deltag.EventCancelled {
		s.writeEvent(w, r, e)
		return
	}
	s.updateEvent(w, r, id, func(e deltag.Event) (deltag.Event, deltag.MailingChanges, error) { return e.Cancel(s.Now()) })
}

// updateEvent edits the event as it is stored, and again if somebody was quicker.
func (s *server) updateEvent(w http.ResponseWriter, r *http.Request, id string, edit func(deltag.Event) (deltag.Event, deltag.MailingChanges, error)) {
	err := error(deltag.ErrConflict)
	for range maxConflictRetries {
		var e deltag.Event
		if e, err = s.Store.Event(r.Context(), id); err != nil {
			break
		}
		next, plan, fault := edit(e)
		if err = fault; err != nil {
			break
		}
		if err = s.Store.UpdateEvent(r.Context(), next, plan); err == nil {
			s.writeEvent(w, r, next)
			return
		}
		if !errors.Is(err, deltag.ErrConflict) {
			break
		}
	}
	s.fail(w, r, err)
}

// CloneEvent implements POST /events/{id}/clone.
func (s *server) CloneEvent(w http.ResponseWriter, r *http.Request, id Id) {
	var in Clone
	err := read(r, &in)
	var e deltag.Event
	if err == nil {
		e, err = s.Store.Event(r.Context(), id)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c := e.Clone(in.StartsAt.UTC())
	if in.Title != nil {
		c.Title = *in.Title
	}
	if in.Slug != nil {
		c.Slug = *in.Slug
	} else {
		c.Slug = strings.TrimRight(e.Slug[:min(len(e.Slug), 49)], "-") + "-" + in.StartsAt.In(e.Zone()).Format(time.DateOnly)
	}
	if err := c.Validate(); err != nil {
		s.fail(w, r, err)
		return
	}
	s.create(w, r, c)
}

// etag is the event's revision.
func etag(e deltag.Event) string { return strconv.Quote(strconv.Itoa(e.Revision)) }

// slugOf makes a slug of a title in Danish or English.
func slugOf(title string) string {
	latin := strings.NewReplacer("æ", "ae", "ø", "oe", "å", "aa", "ä", "ae", "ö", "oe", "ü", "u", "é", "e")
	words := strings.FieldsFunc(latin.Replace(strings.ToLower(title)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	slug := strings.Join(words, "-")
	return strings.Trim(slug[:min(len(slug), 60)], "-")
}

// toEvent converts an event for the wire. Times are told in its own zone.
func (s *server) toEvent(e deltag.Event, c *deltag.Counts) Event {
	zone := e.Zone()
	out := Event{
		Id: e.ID, Slug: e.Slug, Title: e.Title, Description: e.Description, Language: string(e.Language),
		StartsAt: e.StartsAt.In(zone), EndsAt: e.EndsAt.In(zone), TimeZone: e.TimeZone,
		Capacity: e.Capacity, WaitingList: e.HasWaitlist, JoinUrl: e.JoinURL,
		Organiser: Organiser{Name: e.Organiser.Name, Email: e.Organiser.Email}, RemindOrganiser: e.Organiser.ReceivesReminders,
		SignUpOpensAt: timePtr(e.SignUpOpensAt, zone), SignUpClosesAt: timePtr(e.SignUpClosesAt, zone),
		RetentionDays: e.RetentionDays, Status: string(e.Status), Url: s.BaseURL + "/e/" + e.Slug,
		Questions: toQuestions(e.Questions), Reminders: toReminders(e.Reminders),
	}
	if e.PromotionCutoff != 0 {
		until := e.PromotionCutoff.String()
		out.PromoteUntil = &until
	}
	if c != nil {
		counts := toCounts(*c)
		out.Counts = &counts
		if over := e.Overbooked(*c); over > 0 {
			out.OverCapacity = &over
		}
	}
	if e.PendingNotice.Kind != "" && s.Now().Before(e.PendingNotice.DueAt) {
		out.Notice = &Notice{Kind: string(e.PendingNotice.Kind), DueAt: e.PendingNotice.DueAt.In(zone)}
	}
	return out
}

// timePtr is nil for the zero time.
func timePtr(t time.Time, zone *time.Location) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.In(zone)
	return &t
}

func toQuestions(qs []deltag.Question) []Question {
	out := []Question{}
	for _, q := range qs {
		shown := Question{Id: q.ID, Kind: string(q.Kind), Label: q.Label, Required: &q.Required}
		if len(q.Options) > 0 {
			shown.Options = &q.Options
		}
		out = append(out, shown)
	}
	return out
}

func toReminders(rs []deltag.Reminder) []Reminder {
	out := []Reminder{}
	for _, r := range rs {
		kind := string(r.Kind)
		shown := Reminder{Kind: &kind, Offset: r.Offset.String()}
		if r.Text != "" {
			shown.Text = &r.Text
		}
		out = append(out, shown)
	}
	return out
}
