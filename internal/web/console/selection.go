package console

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"deltag/internal/attendeelist"
	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// A selectionView is what is asked, done and left about the attendees that somebody has selected.
type selectionView struct {
	Lead      []string
	Action    string
	Fields    []hiddenField
	Submit    string // "": there is nothing to do
	Danger    bool
	Back      string // the list
	Fault     string
	Done, Of  int // people, of a change that has begun
	Addresses *addressesView
}

// An addressesView is the addresses of those who may be written to.
type addressesView struct {
	Text                   string // "": there is none
	Label, Hint            string
	LeftOut, None          string // what is said of those who may not
	CopyButton, CopiedText string
}

// maxTicked is how many can be ticked one by one; a page of the list has fewer.
const maxTicked = 500

// parseSelection reads who is selected: rid of each, or all=yes and the filters.
func parseSelection(form url.Values) (organiser.Selection, error) {
	if len(form["rid"]) > maxTicked {
		return organiser.Selection{}, web.ErrBadRequest
	}
	q, err := organiser.ParseAttendeeQuery(attendeeValues(form))
	q.Cursor = ""
	return organiser.Selection{IDs: form["rid"], All: form.Get("all") == deltag.CheckedValue, Query: q}, err
}

// selectionFields are the fields of a form that say who is selected.
func selectionFields(form url.Values) (fields []hiddenField) {
	chosen := url.Values{"rid": form["rid"]}
	if form.Get("all") == deltag.CheckedValue {
		chosen = without(attendeeValues(form), "cursor")
		chosen.Set("all", deltag.CheckedValue)
	}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		for _, value := range chosen[name] {
			fields = append(fields, hiddenField{name, value})
		}
	}
	return fields
}

// changeSelection asks before it does what a button of the list says to those who are selected.
func (s *site) changeSelection(w http.ResponseWriter, r *http.Request, p *page) error {
	sel, err := parseSelection(r.PostForm)
	if err != nil {
		return err
	}
	id, list := r.PathValue("id"), eventPath(r.PathValue("id"))+"/attendees"
	v := selectionView{
		Action: list + "/selection", Fields: selectionFields(r.PostForm),
		Back: withQuery(list, without(attendeeValues(r.PostForm), "cursor")),
	}
	p.Path = v.Back
	action := r.PostForm.Get("action")
	v.Fields = append(v.Fields, hiddenField{"action", action})
	if confirmed(r) && (action == "cancel" || action == "resend") {
		return s.changePortion(w, r, p, sel, v)
	}
	e, sum, err := s.Organiser.SummariseSelection(r.Context(), p.caller(), id, sel)
	if err != nil {
		return err
	}
	p.Event, p.Title = &e, p.Text("console.selection.title")
	if sum.Selected == 0 {
		v.Fault, p.HasErrors = p.Text("console.selection.none"), true
		return p.render(w, http.StatusUnprocessableEntity, "selection", v)
	}
	switch action {
	case "cancel", "resend":
		return p.renderSelectionQuestion(w, e, sum, action, v)
	case "addresses":
		return s.renderSelectedAddresses(w, r, p, sel, v)
	case "message":
		return s.selectionMessage(w, r, p, sel)
	case "csv":
		return s.exportSelection(w, r, p, sel, sum, attendeelist.CSV)
	case "xlsx":
		return s.exportSelection(w, r, p, sel, sum, attendeelist.XLSX)
	}
	return web.ErrBadRequest
}

// renderSelectionQuestion says how many are meant, and what happens to them.
func (p *page) renderSelectionQuestion(
	w http.ResponseWriter, e deltag.Event, sum organiser.SelectionSummary, action string, v selectionView,
) error {
	p.Title = p.Text("console.selection." + action + ".title")
	affected := sum.Resendable
	getsMail := p.now.Before(e.EndsAt) && e.Status != deltag.EventCancelled
	if action == "cancel" {
		affected = sum.Cancellable + sum.Unverified
	} else if !getsMail {
		affected = 0
	}
	switch {
	case action == "cancel" && sum.Cancellable > 0 && getsMail:
		v.Lead = append(v.Lead, p.Count("console.selection.cancel", sum.Cancellable))
	case action == "cancel" && sum.Cancellable > 0:
		v.Lead = append(v.Lead, p.Count("console.selection.cancel-silent", sum.Cancellable))
	case action == "resend" && affected > 0:
		v.Lead = append(v.Lead, p.Count("console.selection.resend", affected))
	case action == "resend" && !getsMail:
		v.Lead = append(v.Lead, p.Text("console.selection.resend.over"))
	}
	if action == "cancel" && sum.Unverified > 0 {
		v.Lead = append(v.Lead, p.Count("console.selection.erase", sum.Unverified))
	}
	if left := sum.Selected - affected; left > 0 && (action == "cancel" || getsMail) {
		v.Lead = append(v.Lead, p.Count("console.selection."+action+".left", left))
	}
	if affected > 0 {
		v.Submit, v.Danger = p.Text("console.selection."+action+".submit"), action == "cancel"
		v.Fields = append(v.Fields,
			hiddenField{"of", strconv.Itoa(affected)}, hiddenField{"asked", p.now.UTC().Format(time.RFC3339Nano)})
	}
	return p.render(w, http.StatusOK, "selection", v)
}

// portionTime is how long one portion of a change goes on. A function ends after 29 seconds, and the last few people may
// have to wait for the table.
const portionTime = 8 * time.Second

// changePortion does as much of a change as fits, and offers to go on.
func (s *site) changePortion(
	w http.ResponseWriter, r *http.Request, p *page, sel organiser.Selection, v selectionView,
) error {
	form, action := r.PostForm, r.PostForm.Get("action")
	number := func(name string) int {
		n, _ := strconv.Atoi(form.Get(name))
		return max(0, n)
	}
	asked, err := time.Parse(time.RFC3339Nano, form.Get("asked"))
	if err != nil {
		return web.ErrBadRequest
	}
	change := s.Organiser.ResendToSelected
	if action == "cancel" {
		change = s.Organiser.CancelSelected
	}
	begun := s.Now()
	progress, err := change(r.Context(), p.caller(), r.PathValue("id"), sel, organiser.Portion{
		AskedAt: asked, After: form.Get("after"), HasTime: func() bool { return s.Now().Sub(begun) < portionTime },
	})
	hasUnreadable := form.Get("unreadable") == deltag.CheckedValue || deltag.IsUnreadable(err)
	err = web.LogUnreadable(r.Context(), s.Log, err)
	status := http.StatusOK
	if failure, code, ok := s.failure(w, r, p, err); ok {
		v.Fault, status, p.HasErrors = failure, code, true
	} else if err != nil {
		return err
	}
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p.Event, p.Title = &e, p.Text("console.selection."+action+".title")
	failed := number("failed") + progress.Failed
	v.Done, v.Of = number("done")+progress.Changed, number("of")
	if progress.Next == "" {
		v.Lead = []string{p.Count("console.selection."+action+".done", v.Done)}
		if failed > 0 {
			v.Lead = append(v.Lead, p.Count("console.selection.failed", failed))
		}
		if hasUnreadable {
			v.Lead = append(v.Lead, p.Text("console.selection.unreadable"))
		}
		return p.render(w, status, "selection", v)
	}
	v.Of = max(v.Done, v.Of)
	v.Lead = []string{
		p.Text("console.selection.progress", "n", p.Number(v.Done), "of", p.Number(v.Of)),
		p.Text("console.selection.go-on.text"),
	}
	v.Submit = p.Text("console.selection.go-on")
	for name, value := range map[string]string{
		"asked": form.Get("asked"), "after": progress.Next, "done": strconv.Itoa(v.Done), "failed": strconv.Itoa(failed),
		"of": strconv.Itoa(v.Of),
	} {
		v.Fields = append(v.Fields, hiddenField{name, value})
	}
	if hasUnreadable {
		v.Fields = append(v.Fields, hiddenField{"unreadable", deltag.CheckedValue})
	}
	return p.render(w, status, "selection", v)
}

func (s *site) renderSelectedAddresses(
	w http.ResponseWriter, r *http.Request, p *page, sel organiser.Selection, v selectionView,
) (err error) {
	if v.Addresses, err = s.addresses(r.Context(), p, r.PathValue("id"), sel); err != nil {
		return err
	}
	p.Title, p.Script = p.Text("console.attendees.addresses"), web.Asset(files, "copy.js")
	return p.render(w, http.StatusOK, "selection", v)
}

// addresses are what an organiser pastes into the field Bcc: Outlook wants a semicolon, and others take it.
func (s *site) addresses(
	ctx context.Context, p *page, eventID string, sel organiser.Selection,
) (*addressesView, error) {
	_, attendees, err := s.Organiser.Selected(ctx, p.caller(), eventID, sel)
	if err != nil {
		return nil, err
	}
	var all []string
	leftOut := 0
	for a, err := range attendees {
		if err != nil {
			return nil, err
		}
		if sel.MayWriteTo(a) {
			all = append(all, a.Email)
		} else {
			leftOut++
		}
	}
	v := &addressesView{
		Text: strings.Join(all, "; "), Label: p.Text("console.attendees.addresses-label", "n", p.Number(len(all))),
		Hint: p.Text("console.attendees.addresses-hint"), None: p.Text("console.attendees.addresses-none"),
		CopyButton: p.Text("console.attendees.copy"), CopiedText: p.Text("console.attendees.copied"),
	}
	if leftOut > 0 {
		v.LeftOut = p.Count("console.attendees.addresses-left-out", leftOut)
	}
	return v, nil
}

// exportSelection is a file of those who are ticked. All who match are those of the list's own file, or of its parts, which
// the list has links to.
func (s *site) exportSelection(
	w http.ResponseWriter, r *http.Request, p *page, sel organiser.Selection, sum organiser.SelectionSummary,
	format attendeelist.Format,
) error {
	if sel.All && organiser.ExportParts(sum.Selected) > 1 {
		values := with(without(attendeeValues(r.PostForm), "cursor"), "done", "export-parts")
		return web.SeeOther(w, withQuery(eventPath(r.PathValue("id"))+"/attendees", values))
	}
	if sel.All {
		values := without(without(attendeeValues(r.PostForm), "cursor"), "columns")
		return web.SeeOther(w, withQuery(eventPath(r.PathValue("id"))+"/attendees."+format.Extension, values))
	}
	e, attendees, err := s.Organiser.Selected(r.Context(), p.caller(), r.PathValue("id"), sel)
	if err != nil {
		return err
	}
	return s.writeList(w, r, e, attendees, e.Slug, format)
}

// selectionMessage begins a message to those who are selected.
func (s *site) selectionMessage(w http.ResponseWriter, r *http.Request, p *page, sel organiser.Selection) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	view, err := s.newSelectedView(r, p, sel)
	if err != nil {
		return err
	}
	return p.renderMessageForm(w, http.StatusOK, e, url.Values{"key": {rand.Text()}}, nil, view)
}

// newSelectedView is the form of a message to those who are selected, and says how many can get it.
func (s *site) newSelectedView(r *http.Request, p *page, sel organiser.Selection) (writeView, error) {
	view := writeView{Selection: selectionFields(r.PostForm)}
	_, attendees, err := s.Organiser.Selected(r.Context(), p.caller(), r.PathValue("id"), sel)
	if err != nil {
		return view, err
	}
	get, others := 0, 0
	for a, err := range attendees {
		if err != nil {
			return view, err
		}
		if sel.MayWriteTo(a) {
			get++
		} else {
			others++
		}
	}
	view.Lead = append(view.Lead, p.Count("console.message.to", get))
	if others > 0 {
		view.Lead = append(view.Lead, p.Count("console.message.left-out", others))
	}
	return view, nil
}
