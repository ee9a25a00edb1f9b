package console

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// A wordingView is the form of the organiser's own words in the mails of an event.
type wordingView struct {
	Form     *web.Form
	Revision string
	Mails    []wordingRow
	CanSave  bool
}

// A wordingRow is a mail with its words.
type wordingRow struct {
	Kind     deltag.MailKind
	Name     string
	Field    *web.Field // nil: the words are final
	Text     []string   // the final words, in paragraphs
	When     string
	Fault    string // of words that came too late
	Typed    string // those words
	CanReset bool
	Preview  *frame
	Note     string // why the words are final, or why there is no preview
}

// wordingValues are the form's values of an event.
func wordingValues(e deltag.Event) url.Values {
	v := url.Values{"revision": {strconv.Itoa(e.Revision)}}
	for _, k := range e.MailTextKinds() {
		v.Set(deltag.MailTextField(k), e.MailText(k))
	}
	return v
}

// wordingChange is the change that a sent form makes. What the form does not have stays.
func wordingChange(form url.Values, now time.Time) organiser.EventChange {
	return func(e deltag.Event) (deltag.Event, error) {
		f := eventForm{Values: form}
		for _, k := range e.MailTextKinds() {
			text := e.MailText(k)
			f.text(deltag.MailTextField(k), &text)
			next, err := e.WithMailText(k, text, now)
			invalid, err := fieldErrors(err)
			if err != nil {
				return e, err
			}
			f.invalid = append(f.invalid, invalid...)
			e = next
		}
		return e, f.invalid.Err()
	}
}

func (s *site) wordingPage(w http.ResponseWriter, r *http.Request, p *page) error {
	e, rows, err := s.wordingRows(r, p)
	if err != nil {
		return err
	}
	return s.renderWording(w, p, http.StatusOK, e, rows, wordingValues(e), nil, "")
}

// wordingRows are the mails of an event, as they are stored.
func (s *site) wordingRows(r *http.Request, p *page) (deltag.Event, []wordingRow, error) {
	e, counts, timeline, err := s.Organiser.Timeline(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return e, nil, err
	}
	var rows []wordingRow
	for _, k := range e.MailTextKinds() {
		row := wordingRow{Kind: k, Name: p.MailKindText(k), When: p.wordingTime(e, k, counts, timeline)}
		if e.MailTextIsFinal(k, p.now) {
			row.Text = web.Paragraphs(e.MailText(k))
			if e.Status != deltag.EventCancelled {
				row.Note = p.Text("console.wording.final")
			}
		} else {
			row.Field = &web.Field{Name: deltag.MailTextField(k), Label: row.Name, Kind: "long", Hint: row.When}
		}
		rows = append(rows, row)
	}
	return e, rows, nil
}

// wordingTime says when a mail goes out and to how many, or what became of it.
func (p *page) wordingTime(
	e deltag.Event, k deltag.MailKind, counts deltag.Counts, timeline []deltag.TimelineEntry,
) string {
	if e.Status == deltag.EventCancelled {
		return p.because(deltag.DeliverySkipped, deltag.ReasonEventCancelled)
	}
	if k == deltag.KindConfirmation {
		return p.Count("console.wording.confirmation", counts.Confirmed)
	}
	i := slices.IndexFunc(timeline, func(t deltag.TimelineEntry) bool {
		return t.Kind == k && t.Version == e.ScheduleVersion && t.Reason != deltag.ReasonNoText
	})
	if i < 0 {
		return p.Text("console.wording.follow-up", "time", p.timeText(e.MailDueAt(k), e))
	}
	return p.timelineRow(e, timeline[i], nil).Text
}

// renderWording shows what was typed, with why it could not be saved, if so.
func (s *site) renderWording(
	w http.ResponseWriter, p *page, status int, e deltag.Event, rows []wordingRow, v url.Values,
	invalid deltag.ValidationErrors, failure string,
) error {
	var fields []web.Field
	for i := range rows {
		row := &rows[i]
		if row.Field != nil {
			row.Field.Value = v.Get(row.Field.Name)
			row.CanReset = row.Field.Value != ""
			fields = append(fields, *row.Field)
		}
	}
	view := wordingView{Form: p.NewForm(fields, invalid), Revision: v.Get("revision"), CanSave: len(fields) > 0}
	for i, n := 0, 0; i < len(rows); i++ {
		if rows[i].Field != nil {
			rows[i].Field = &fields[n]
			n++
		}
	}
	view.Mails = rows
	p.addLateFaults(&view, v, invalid)
	if failure != "" {
		view.Form.Error, p.HasErrors = failure, true
	}
	view.Form.Action, view.Form.Submit = eventPath(e.ID)+"/wording", p.Text("console.event.save")
	p.Title, p.Path, p.Event = p.Text("console.wording.title"), view.Form.Action, &e
	if slices.ContainsFunc(rows, func(row wordingRow) bool { return row.Preview != nil }) {
		p.FrameStyles = s.Previews.MailStyles()
	}
	return p.render(w, status, "wording", view)
}

// addLateFaults shows words that came too late beside the mail, and faults of no mail above the form.
func (p *page) addLateFaults(view *wordingView, v url.Values, invalid deltag.ValidationErrors) {
	for _, fault := range invalid {
		i := slices.IndexFunc(view.Mails, func(row wordingRow) bool { return deltag.MailTextField(row.Kind) == fault.Field })
		switch {
		case i >= 0 && view.Mails[i].Field != nil: // beside its field
			continue
		case i < 0:
			view.Form.Error = strings.TrimSpace(view.Form.Error + " " + p.FieldError(fault))
		default:
			row := &view.Mails[i]
			row.Fault, row.Typed = p.FieldError(fault), v.Get(fault.Field)
			view.Form.Errors = append(view.Form.Errors, web.FieldMessage{ID: fault.Field, Label: row.Name, Text: row.Fault})
		}
		p.HasErrors = true
	}
}

// saveWording shows a mail, empties its words, or saves all. No mail goes out, so nothing is asked.
func (s *site) saveWording(w http.ResponseWriter, r *http.Request, p *page) error {
	id := r.PathValue("id")
	step, mail, _ := strings.Cut(r.PostForm.Get("step"), ":")
	if step == "preview" || step == "reset" {
		return s.previewWording(w, r, p, step, deltag.MailKind(mail))
	}
	revisions := []int{} // none: what was edited is not known
	if revision, err := strconv.Atoi(r.PostForm.Get("revision")); err == nil {
		revisions = append(revisions, revision)
	}
	_, _, err := s.Organiser.EditEvent(r.Context(), p.caller(), id, revisions, wordingChange(r.PostForm, p.now))
	if err == nil {
		return web.SeeOther(w, eventPath(id)+"/wording?done=saved")
	}
	if errors.Is(err, deltag.ErrStaleRevision) {
		return s.renderStaleWording(w, r, p)
	}
	invalid, err := fieldErrors(err)
	if err != nil {
		return s.renderUnsavedWording(w, r, p, err)
	}
	e, rows, err := s.wordingRows(r, p)
	if err != nil {
		return s.renderUnsavedWording(w, r, p, err)
	}
	return s.renderWording(w, p, http.StatusUnprocessableEntity, e, rows, r.PostForm, invalid, "")
}

// renderUnsavedWording keeps what was typed while the table fails. Any other error is for another page.
func (s *site) renderUnsavedWording(w http.ResponseWriter, r *http.Request, p *page, err error) error {
	failure, status, ok := s.failure(w, r, p, err)
	if !ok {
		return err
	}
	e := deltag.Event{ID: r.PathValue("id"), Language: p.Language}
	return s.renderWording(w, p, status, e, p.typedRows(r.PostForm), r.PostForm, nil, failure)
}

// typedRows are the mails that a sent form has words for, without a read of the table, which may not answer.
func (p *page) typedRows(form url.Values) []wordingRow {
	var rows []wordingRow
	for _, name := range slices.Sorted(maps.Keys(form)) {
		k := deltag.KindConfirmation
		if kind, isReminder := strings.CutPrefix(name, "reminders."); isReminder {
			k = deltag.MailKind(kind)
		}
		if k.IsKnown() && deltag.MailTextField(k) == name {
			label := p.MailKindText(k)
			rows = append(rows, wordingRow{Kind: k, Name: label, Field: &web.Field{Name: name, Label: label, Kind: "long"}})
		}
	}
	return rows
}

// previewWording shows a mail with the words that were typed, or with the standard ones, and stores nothing.
func (s *site) previewWording(w http.ResponseWriter, r *http.Request, p *page, step string, k deltag.MailKind) error {
	if step == "reset" {
		r.PostForm.Set(deltag.MailTextField(k), "")
	}
	change := wordingChange(r.PostForm, p.now)
	preview, err := s.Organiser.PreviewEvent(r.Context(), p.caller(), r.PathValue("id"), change)
	invalid, err := fieldErrors(err)
	if err != nil {
		return s.renderUnsavedWording(w, r, p, err)
	}
	e, rows, err := s.wordingRows(r, p)
	if err != nil {
		return s.renderUnsavedWording(w, r, p, err)
	}
	if invalid != nil {
		return s.renderWording(w, p, http.StatusUnprocessableEntity, e, rows, r.PostForm, invalid, "")
	}
	for i := range rows {
		switch row := &rows[i]; {
		case row.Kind != k:
		case k.IsFollowUp() && preview.After.MailText(k) == "":
			row.Note = p.Text("console.wording.not-sent")
		default:
			shown, err := s.mailFrame(p, preview.After, k)
			if err != nil {
				return err
			}
			row.Preview = &shown
		}
	}
	return s.renderWording(w, p, http.StatusOK, e, rows, r.PostForm, nil, "")
}

// renderStaleWording keeps what was typed, and says what is saved instead wherever that differs. Words for a reminder
// that is gone are shown once more, to be copied.
func (s *site) renderStaleWording(w http.ResponseWriter, r *http.Request, p *page) error {
	e, rows, err := s.wordingRows(r, p)
	if err != nil {
		return s.renderUnsavedWording(w, r, p, err)
	}
	stored, typed := wordingValues(e), r.PostForm
	differs := false
	for i := range rows {
		name := deltag.MailTextField(rows[i].Kind)
		text := e.MailText(rows[i].Kind)
		(&eventForm{Values: typed}).text(name, &text)
		if text == stored.Get(name) {
			continue
		}
		differs = true
		if rows[i].Field != nil {
			rows[i].Field.Hint = p.storedText(stored.Get(name))
		} else {
			rows[i].Fault, rows[i].Typed = p.Text("error.mail-is-due"), typed.Get(name)
		}
	}
	for name, values := range typed {
		kind, isReminder := strings.CutPrefix(name, "reminders.")
		k := deltag.MailKind(kind)
		if isReminder && k.IsReminder() && k.IsKnown() && !stored.Has(name) && values[0] != "" {
			differs = true
			rows = append(rows, wordingRow{
				Kind: k, Name: p.MailKindText(k), Fault: p.Text("console.wording.no-reminder"), Typed: values[0],
			})
		}
	}
	if !differs {
		return web.SeeOther(w, eventPath(e.ID)+"/wording?done=saved") // sent again, or the same as the other's
	}
	typed.Set("revision", stored.Get("revision")) // to be saved again is to be meant
	return s.renderWording(w, p, http.StatusConflict, e, rows, typed, nil, p.Text("console.event.stale"))
}

// storedText says what is saved instead of what was typed.
func (p *page) storedText(text string) string {
	if text == "" {
		text = p.Text("console.wording.none")
	}
	return p.Text("console.event.stored-value", "value", text)
}
