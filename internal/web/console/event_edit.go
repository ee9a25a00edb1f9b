package console

import (
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

func eventPath(id string) string { return "/organiser/events/" + url.PathEscape(id) }

// newEventPage begins with what most events have, as a draft.
func (s *site) newEventPage(w http.ResponseWriter, r *http.Request, p *page) error {
	e := organiser.NewEvent()
	e.Status, e.Language, e.Organiser.Email = deltag.EventDraft, p.Language, p.Principal.Name
	v := eventValues(e)
	key, err := deltag.NewID(rand.Reader)
	if err != nil {
		return err
	}
	v.Set("key", key)
	return s.renderEventForm(w, r, p, http.StatusOK, v, nil, nil, "")
}

func (s *site) createEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	if r.PostForm.Get("step") == "preview" {
		return s.previewEvent(w, r, p)
	}
	e, err := s.Organiser.CreateEvent(r.Context(), p.caller(), eventChange(r.PostForm))
	invalid, err := eventFaults(err)
	if text, status, ok := s.failure(w, r, p, err); ok {
		return s.renderEventForm(w, r, p, status, r.PostForm, nil, nil, text)
	}
	if err != nil {
		return err
	}
	if invalid != nil {
		return s.renderEventForm(w, r, p, http.StatusUnprocessableEntity, r.PostForm, invalid, nil, "")
	}
	return web.SeeOther(w, eventPath(e.ID)+"?done=created")
}

// eventFaults are the faults that the form shows.
func eventFaults(err error) (deltag.ValidationErrors, error) {
	if errors.Is(err, deltag.ErrSlugTaken) {
		return deltag.ValidationErrors{{Field: "slug", Code: "slug-taken"}}, nil
	}
	return fieldErrors(err)
}

// renderEventForm shows the form of e, nil for a new event, with why it could not be saved, if so.
func (s *site) renderEventForm(
	w http.ResponseWriter, r *http.Request, p *page, status int, v url.Values, invalid deltag.ValidationErrors,
	e *deltag.Event, failure string,
) error {
	view := p.eventFormView(v, invalid, e == nil)
	if failure != "" {
		view.Form.Error, p.HasErrors = failure, true
	}
	view.Form.Action, view.Form.Submit = "/organiser/events", p.Text("console.event.create")
	p.Title, p.Path = p.Text("console.event.new-title"), "/organiser/events/new"
	if e != nil {
		view.Form.Action, view.Form.Submit = eventPath(e.ID)+"/edit", p.Text("console.event.save")
		p.Title, p.Path = p.Text("console.event.edit-title", "title", e.Title), view.Form.Action
		p.Event = e
	}
	return s.renderWithPreview(w, r, p, status, view, v)
}

func (s *site) editPage(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.renderEventForm(w, r, p, http.StatusOK, eventValues(e), nil, &e, "")
}

// saveEvent asks before it saves what people are mailed about. Somebody who edits a version that another has changed since
// sees both, with what they typed, and may save it over that. A form that is sent again has nothing to change any more.
func (s *site) saveEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	if r.PostForm.Get("step") == "preview" {
		return s.previewEvent(w, r, p)
	}
	id, change := r.PathValue("id"), eventChange(r.PostForm)
	revisions := []int{} // none: what was edited is not known
	if revision, err := strconv.Atoi(r.PostForm.Get("revision")); err == nil {
		revisions = append(revisions, revision)
	}
	preview, err := s.Organiser.PreviewEdit(r.Context(), p.caller(), id, revisions, change)
	if err == nil && preview.Mails() && !confirmed(r) {
		return p.renderConfirm(w, preview, eventPath(id)+"/edit", r.PostForm)
	}
	if err == nil {
		_, _, err = s.Organiser.EditEvent(r.Context(), p.caller(), id, revisions, change)
	}
	if errors.Is(err, deltag.ErrStaleRevision) {
		return s.renderStaleForm(w, r, p)
	}
	invalid, err := eventFaults(err)
	if text, status, ok := s.failure(w, r, p, err); ok {
		e := &deltag.Event{ID: id, Title: r.PostForm.Get("title")}
		return s.renderEventForm(w, r, p, status, r.PostForm, nil, e, text)
	}
	if err != nil {
		return err
	}
	if invalid != nil {
		return s.renderEventForm(w, r, p, http.StatusUnprocessableEntity, r.PostForm, invalid, &preview.Before, "")
	}
	return web.SeeOther(w, eventPath(id)+"?done=saved")
}

func confirmed(r *http.Request) bool { return r.PostForm.Get("confirm") == deltag.CheckedValue }

// renderStaleForm keeps what was typed, and says what is saved instead wherever that differs.
func (s *site) renderStaleForm(w http.ResponseWriter, r *http.Request, p *page) error {
	id, change := r.PathValue("id"), eventChange(r.PostForm)
	preview, err := s.Organiser.PreviewEdit(r.Context(), p.caller(), id, organiser.AnyRevision, change)
	invalid, err := eventFaults(err)
	if err != nil {
		return err
	}
	e := preview.Before
	stored := eventValues(e)
	if invalid == nil && sameValues(stored, eventValues(preview.After)) {
		return web.SeeOther(w, eventPath(id)+"?done=saved") // sent again, or the same as the other's
	}
	r.PostForm.Set("revision", stored.Get("revision")) // to be saved again is to be meant
	view := p.eventFormView(r.PostForm, invalid, false)
	view.Form.Action, view.Form.Submit = eventPath(e.ID)+"/edit", p.Text("console.event.save")
	view.Form.Error, p.HasErrors = p.Text("console.event.stale"), true
	p.showStored(view, stored, r.PostForm)
	p.Title, p.Path, p.Event = p.Text("console.event.edit-title", "title", e.Title), view.Form.Action, &e
	return s.renderWithPreview(w, r, p, http.StatusConflict, view, r.PostForm)
}

// sameValues compares all but the revision.
func sameValues(a, b url.Values) bool {
	a, b = maps.Clone(a), maps.Clone(b)
	a.Del("revision")
	b.Del("revision")
	return a.Encode() == b.Encode()
}

// A confirmView says whom a change writes to, and has a form that makes it.
type confirmView struct {
	Lead   []string
	Action string
	Submit string
	Fields []hiddenField
	Back   string
	Danger bool
	// MayChange: the fields are those of the event's form, and a second button leads back to it. It sends the confirmation
	// too, as every button of the form does, so its step has to be looked at first.
	MayChange bool
}

type hiddenField struct{ Name, Value string }

// renderConfirm asks before people are mailed.
func (p *page) renderConfirm(
	w http.ResponseWriter, preview organiser.EditPreview, action string, form url.Values,
) error {
	kind := "promoted"
	var lead []string
	if preview.Notice != nil && (preview.Notice.Expected > 0 || preview.Promotions == 0) {
		kind = string(preview.Notice.Kind)
		lead = append(lead, p.Count("console.confirm."+kind, preview.Notice.Expected))
	}
	if preview.Promotions > 0 {
		lead = append(lead, p.Count("console.confirm.promoted", preview.Promotions))
	}
	v := confirmView{
		Lead: lead, Action: action, Submit: p.Text("console.confirm." + kind + ".submit"), Back: eventPath(preview.Before.ID),
		Danger: kind == string(deltag.KindEventCancelled), MayChange: form != nil,
	}
	form = maps.Clone(form)
	form.Del("confirm") // this page has both itself
	form.Del("step")
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			v.Fields = append(v.Fields, hiddenField{name, value})
		}
	}
	p.Title, p.Event, p.Path = p.Text("console.confirm."+kind+".title"), &preview.Before, v.Back
	return p.render(w, http.StatusOK, "confirm", v)
}

// Count is a sentence about n people: the words of key.none, key.one or key.
func (p *page) Count(key string, n int) string {
	switch n {
	case 0:
		return p.Text(key + ".none")
	case 1:
		return p.Text(key + ".one")
	}
	return p.Text(key, "n", n)
}

func (s *site) openEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.setStatus(w, r, p, deltag.EventOpen, "opened")
}

func (s *site) closeEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	return s.setStatus(w, r, p, deltag.EventClosed, "closed")
}

func (s *site) setStatus(
	w http.ResponseWriter, r *http.Request, p *page, status deltag.EventStatus, done string,
) error {
	id := r.PathValue("id")
	_, _, err := s.Organiser.EditEvent(r.Context(), p.caller(), id, organiser.AnyRevision,
		func(e deltag.Event) (deltag.Event, error) {
			if status == deltag.EventClosed && e.Status == deltag.EventDraft {
				return e, deltag.ValidationErrors{{Field: "status", Code: "not-open"}}
			}
			e.Status = status
			return e, nil
		})
	if err != nil {
		return err
	}
	return web.SeeOther(w, eventPath(id)+"?done="+done)
}

func (s *site) cancelEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	id := r.PathValue("id")
	if !confirmed(r) {
		preview, err := s.Organiser.PreviewCancel(r.Context(), p.caller(), id)
		if err != nil {
			return err
		}
		if preview.Notice == nil { // a draft, or over: nobody is told
			preview.Notice = &deltag.TimelineEntry{Kind: deltag.KindEventCancelled}
		}
		return p.renderConfirm(w, preview, eventPath(id)+"/cancel", nil)
	}
	if _, _, err := s.Organiser.CancelEvent(r.Context(), p.caller(), id); err != nil {
		return err
	}
	return web.SeeOther(w, eventPath(id)+"?done=cancelled")
}

// deleteEvent asks first. Somebody who signs up meanwhile keeps the event.
func (s *site) deleteEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	id := r.PathValue("id")
	if confirmed(r) {
		if err := s.Organiser.DeleteEvent(r.Context(), p.caller(), id); err != nil {
			return err
		}
		return web.SeeOther(w, "/organiser?done=event-deleted")
	}
	e, may, err := s.Organiser.MayDeleteEvent(r.Context(), p.caller(), id)
	if err != nil {
		return err
	}
	if !may {
		return deltag.ErrHasSignUps
	}
	p.Title, p.Event, p.Path = p.Text("console.confirm.delete.title"), &e, eventPath(id)
	return p.render(w, http.StatusOK, "confirm", confirmView{
		Lead: []string{p.Text("console.confirm.delete", "title", e.Title)}, Danger: true,
		Action: eventPath(id) + "/delete", Submit: p.Text("console.confirm.delete.submit"), Back: eventPath(id),
	})
}

func (s *site) copyEvent(w http.ResponseWriter, r *http.Request, p *page) error {
	e, err := s.Organiser.CopyEvent(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.SeeOther(w, eventPath(e.ID)+"/edit?done=copied")
}
