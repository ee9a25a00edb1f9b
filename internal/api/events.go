package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// ListEvents implements GET /events.
func (s *server) ListEvents(w http.ResponseWriter, r *http.Request, params ListEventsParams) {
	limit, cursor, err := pagination(params.Limit, params.Cursor)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page, err := s.Organiser.Events(r.Context(), callerOf(r), cursor, limit)
	err = web.LogUnreadable(r.Context(), s.Log, err)
	items := convertAll(page.Items, func(e deltag.Event) Event { return s.toEvent(e, nil, callerOf(r).Now) })
	s.answer(w, r, http.StatusOK, EventList{Items: items, Next: page.Next}, err)
}

// GetEvent implements GET /events/{id}.
func (s *server) GetEvent(w http.ResponseWriter, r *http.Request, id Id) {
	e, counts, err := s.Organiser.Event(r.Context(), callerOf(r), id)
	s.answerEvent(w, r, e, counts, err)
}

// CreateEvent implements POST /events.
func (s *server) CreateEvent(w http.ResponseWriter, r *http.Request) {
	raw, err := readBody(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	e, err := s.Organiser.CreateEvent(r.Context(), callerOf(r), mergePatch(raw))
	s.answerNewEvent(w, r, e, err)
}

// CloneEvent implements POST /events/{id}/clone.
func (s *server) CloneEvent(w http.ResponseWriter, r *http.Request, id Id) {
	var in Clone
	if !s.readJSON(w, r, &in) {
		return
	}
	e, err := s.Organiser.CloneEvent(r.Context(), callerOf(r), id, organiser.Clone(in))
	s.answerNewEvent(w, r, e, err)
}

// EditEvent implements PATCH /events/{id}.
func (s *server) EditEvent(w http.ResponseWriter, r *http.Request, id Id, params EditEventParams) {
	raw, err := readBody(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	revisions := expectedRevisions(params.IfMatch)
	e, counts, err := s.Organiser.EditEvent(r.Context(), callerOf(r), id, revisions, mergePatch(raw))
	s.answerEvent(w, r, e, counts, err)
}

// CancelEvent implements POST /events/{id}/cancel.
func (s *server) CancelEvent(w http.ResponseWriter, r *http.Request, id Id) {
	e, counts, err := s.Organiser.CancelEvent(r.Context(), callerOf(r), id)
	s.answerEvent(w, r, e, counts, err)
}

// DeleteEvent implements DELETE /events/{id}.
func (s *server) DeleteEvent(w http.ResponseWriter, r *http.Request, id Id) {
	err := s.Organiser.DeleteEvent(r.Context(), callerOf(r), id)
	s.answer(w, r, http.StatusNoContent, nil, err)
}

// SendNotice implements POST /events/{id}/notice.
func (s *server) SendNotice(w http.ResponseWriter, r *http.Request, id Id) {
	e, counts, err := s.Organiser.SendNotice(r.Context(), callerOf(r), id)
	s.answerEvent(w, r, e, counts, err)
}

func (s *server) answerEvent(w http.ResponseWriter, r *http.Request, e deltag.Event, c deltag.Counts, err error) {
	if err == nil {
		w.Header().Set("ETag", etag(e.Revision))
	}
	s.answer(w, r, http.StatusOK, s.toEvent(e, &c, callerOf(r).Now), err)
}

func (s *server) answerNewEvent(w http.ResponseWriter, r *http.Request, e deltag.Event, err error) {
	if err == nil {
		w.Header().Set("Location", s.BaseURL+"/api/v1/events/"+e.ID)
		w.Header().Set("ETag", etag(e.Revision))
	}
	s.answer(w, r, http.StatusCreated, s.toEvent(e, &deltag.Counts{}, callerOf(r).Now), err)
}

// etag is an event's revision.
func etag(revision int) string { return strconv.Quote(strconv.Itoa(revision)) }

// entityTags is a list of them (RFC 9110, section 13.1.1).
var entityTags = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:W/)?"[!#-~]*"(?:[ \t]*,[ \t]*(?:W/)?"[!#-~]*")*$`)
})

// expectedRevisions reads an If-Match header, of which any tag may be the event's. Those that no ETag of ours looks like,
// among them weak ones, are no revision of any event.
func expectedRevisions(ifMatch *string) []int {
	if ifMatch == nil || *ifMatch == "*" {
		return organiser.AnyRevision
	}
	revisions := []int{}
	if !entityTags().MatchString(*ifMatch) {
		return revisions
	}
	for tag := range strings.SplitSeq(*ifMatch, ",") { // tags of ours have no comma
		tag = strings.Trim(tag, " \t")
		revision, err := strconv.Atoi(strings.Trim(tag, `"`))
		if err == nil && tag == etag(revision) {
			revisions = append(revisions, revision)
		}
	}
	return revisions
}

// toEvent is e with its times in its own zone, and without counts if they are nil.
func (s *server) toEvent(e deltag.Event, c *deltag.Counts, now time.Time) Event {
	zone := e.Zone()
	out := Event{
		Id: e.ID, Slug: e.Slug, Title: e.Title, Description: e.Description, Language: string(e.Language),
		StartsAt: e.StartsAt.In(zone), EndsAt: e.EndsAt.In(zone), TimeZone: e.TimeZone,
		Capacity: e.Capacity, WaitingList: e.HasWaitlist, Verify: string(e.Verify), JoinUrl: e.JoinURL,
		Organiser:       Organiser{Name: e.Organiser.Name, Email: e.Organiser.Email},
		RemindOrganiser: e.Organiser.ReceivesReminders, DailyNote: e.Organiser.ReceivesDigest,
		SignUpOpensAt: timePtr(e.SignUpOpensAt, zone), SignUpClosesAt: timePtr(e.SignUpClosesAt, zone),
		RetentionDays: e.RetentionDays, Status: string(e.Status), Url: s.BaseURL + "/e/" + e.Slug,
		Questions: convertAll(e.Questions, toQuestion), Reminders: convertAll(e.ScheduledMails, toReminder),
		ConfirmationText: e.ConfirmationText,
	}
	if e.PromotionCutoff != 0 {
		out.PromoteUntil = new(e.PromotionCutoff.String())
	}
	if c != nil {
		out.Counts = new(toCounts(*c))
		if over := e.Overbooked(*c); over > 0 {
			out.OverCapacity = &over
		}
	}
	if notice := e.LatestNotice; notice.Kind != "" && now.Before(notice.DueAt) {
		out.Notice = &Notice{Kind: string(notice.Kind), DueAt: notice.DueAt.In(zone)}
	}
	return out
}

// timePtr is nil for the zero time.
func timePtr(t time.Time, zone *time.Location) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.In(zone))
}

func toQuestion(q deltag.Question) Question {
	out := Question{Id: q.ID, Kind: string(q.Kind), Label: q.Label, Required: &q.Required}
	if len(q.Options) > 0 {
		out.Options = &q.Options
	}
	return out
}

func toReminder(r deltag.ScheduledMail) Reminder {
	out := Reminder{Kind: new(string(r.Kind)), Offset: r.Offset.String()}
	if r.Text != "" {
		out.Text = &r.Text
	}
	return out
}

func toCounts(c deltag.Counts) Counts {
	return Counts{
		Confirmed: c.Confirmed, Waiting: c.Waitlisted, Cancelled: c.Cancelled, Unverified: c.Unverified, Attended: c.Attended,
	}
}
