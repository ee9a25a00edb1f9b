package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"deltag/internal/deltag"
	"deltag/internal/organiser"
	"deltag/internal/web"
)

// messageAudiences are those that the form offers.
var messageAudiences = []deltag.Audience{
	deltag.AudienceAll, deltag.AudienceConfirmed, deltag.AudienceWaitlisted, deltag.AudienceAttended,
	deltag.AudienceNotAttended,
}

// A writeView is the form of a message, and what it will be.
type writeView struct {
	Form      *web.Form
	Selection []hiddenField // to whom, if they were picked in the list
	Lead      []string      // how many they are
	Key       string        // names the message: two presses are one, and the same words in a new form are another
	Seen      string        // names what is shown: only that is sent
	Failure   string        // why it could not be sent
	Previews  bool
	To        string
	Subject   string
	Text      []string // paragraphs, as a person called Name reads them
}

func (s *site) messagePage(w http.ResponseWriter, r *http.Request, p *page) error {
	e, _, err := s.Organiser.Event(r.Context(), p.caller(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := url.Values{"audience": {string(deltag.AudienceAll)}, "key": {rand.Text()}}
	return p.renderMessageForm(w, http.StatusOK, e, v, nil, writeView{})
}

// renderMessageForm shows what was typed, with what view says about it.
func (p *page) renderMessageForm(
	w http.ResponseWriter, status int, e deltag.Event, v url.Values, invalid deltag.ValidationErrors, view writeView,
) error {
	audience := web.Field{Name: "audience", Label: p.Text("console.message.audience"), Kind: "choice", Required: true}
	for i, a := range messageAudiences {
		id := "audience"
		if i > 0 {
			id += "." + string(a)
		}
		audience.Options = append(audience.Options, web.Option{
			ID: id, Value: string(a), Label: p.Text("console.audience." + string(a)), Selected: v.Get("audience") == string(a),
		})
	}
	fields := []web.Field{audience, {
		Name: "text", Label: p.Text("console.message.text"), Kind: "long", Required: true, Value: v.Get("text"),
		Hint: p.Text("console.message.text.hint"),
	}}
	if view.Selection != nil {
		fields = fields[1:]
		if fault := invalid.ForField("audience"); fault != nil {
			view.Failure = p.FieldError(*fault)
		}
	}
	view.Form = p.NewForm(fields, invalid)
	if view.Failure != "" {
		view.Form.Error, p.HasErrors = view.Failure, true
	}
	view.Form.Action, view.Key = eventPath(e.ID)+"/messages", v.Get("key")
	p.Title, p.Path, p.Event = p.Text("console.message.title"), view.Form.Action, &e
	return p.render(w, status, "message-form", view)
}

// sendMessage shows a message, sends it to the organiser who writes it, or to all.
func (s *site) sendMessage(w http.ResponseWriter, r *http.Request, p *page) error {
	id := r.PathValue("id")
	text := strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"))
	audience := r.PostForm.Get("audience")
	in := organiser.Message{Audience: deltag.Audience(audience), Text: text}
	view := writeView{}
	if fields := selectionFields(r.PostForm); fields != nil {
		sel, err := parseSelection(r.PostForm)
		if err != nil {
			return err
		}
		if view, err = s.newSelectedView(r, p, sel); err != nil {
			return err
		}
		in.To, audience = &sel, fmt.Sprint(fields)
	}
	in.IdempotencyKey = strings.Join([]string{r.PostForm.Get("key"), audience, text}, "\n")
	seen := sha256.Sum256([]byte(audience + "\n" + text))
	e, entry, err := s.Organiser.CheckMessage(r.Context(), p.caller(), id, in)
	invalid, err := fieldErrors(err)
	if err != nil {
		return err
	}
	if audience == "" && in.To == nil { // which would be everybody
		invalid = append(invalid, deltag.FieldError{Field: "audience", Code: "missing-audience"})
	}
	if invalid != nil {
		return p.renderMessageForm(w, http.StatusUnprocessableEntity, e, r.PostForm, invalid, view)
	}
	view.Previews, view.Seen, view.Subject = true, hex.EncodeToString(seen[:]), e.Title
	view.To, view.Text = p.Count("console.message.to", entry.Expected), web.Paragraphs(p.example(e, text))
	switch step := r.PostForm.Get("step"); {
	case step == "send" && r.PostForm.Get("seen") == view.Seen:
		_, _, err = s.Organiser.SendMessage(r.Context(), p.caller(), id, in)
		if err == nil {
			return web.SeeOther(w, eventPath(id)+"?done=message-sent")
		}
	case step == "send": // something else than what was shown: it is shown first
	case step == "test":
		in.PreviewTo = p.member.Email
		_, _, err = s.Organiser.PreviewMessage(r.Context(), p.caller(), id, in)
		p.Notice = p.Text("console.message.tested", "email", p.member.Email.Original)
	}
	if failure, status, ok := s.failure(w, r, p, err); ok {
		p.Notice, view.Failure = "", failure
		return p.renderMessageForm(w, status, e, r.PostForm, nil, view)
	}
	if err != nil {
		return err
	}
	return p.renderMessageForm(w, http.StatusOK, e, r.PostForm, nil, view)
}

// example is an organiser's text as somebody reads it.
func (p *page) example(e deltag.Event, text string) string {
	examples := map[deltag.Placeholder]string{
		deltag.PlaceholderName: p.Text("console.message.example-name"), deltag.PlaceholderTitle: e.Title,
		deltag.PlaceholderWhen: p.EventTime(e), deltag.PlaceholderLink: p.Text("console.message.example-link"),
	}
	var b strings.Builder
	deltag.ReplacePlaceholders(text,
		func(text string) { b.WriteString(text) },
		func(p deltag.Placeholder) { b.WriteString(examples[p]) })
	return b.String()
}
