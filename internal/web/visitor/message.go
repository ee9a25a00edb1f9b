package visitor

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"deltag/internal/web"
)

// A messageView is a page of nothing but a message and links to go on with.
type messageView struct {
	Text  []string
	Links []link
}

type link struct{ Href, Text string }

// renderMessage shows the words of page.<key>.title and page.<key>.text.
func (p *page) renderMessage(w http.ResponseWriter, status int, key string, pairs ...any) error {
	return p.renderMessageWithLinks(w, status, key, nil, pairs...)
}

// renderMessageWithLinks shows links before those that every message has.
func (p *page) renderMessageWithLinks(
	w http.ResponseWriter, status int, key string, links []link, pairs ...any,
) error {
	p.Title = p.Text("page."+key+".title", pairs...)
	v := messageView{Text: p.Paragraphs(p.Text("page."+key+".text", pairs...)), Links: links}
	switch {
	case p.Event != nil:
		text := p.Text("page.to-event", "event", p.Event.Title)
		v.Links = append(v.Links, link{p.Href(eventPath(p.Event.Slug)), text})
	case p.Embedded: // other pages may not be framed
		v.Links = append(v.Links, link{p.Href(p.Path), p.Text("page.back")})
		return p.withBody(v).render(w, status, "message")
	case status != http.StatusNotFound && p.Path != "/":
		v.Links = append(v.Links, link{p.Href(p.Path), p.Text("page.back")})
	}
	v.Links = append(v.Links, link{p.Href("/"), p.Text("page.to-front")})
	return p.withBody(v).render(w, status, "message")
}

// A retryView is a form that sends once more what was sent, word for word.
type retryView struct {
	Text   string
	Action string // "" when it was a GET
	Fields []hiddenField
}

type hiddenField struct{ Name, Value string }

// renderRetry keeps what was typed when the store was out of reach, or something had changed in the meantime.
func (p *page) renderRetry(w http.ResponseWriter, r *http.Request, answer web.Error) error {
	p.Title = p.Text("page.retry.title")
	v := retryView{Text: p.Text("page.retry.text")}
	if r.Method == http.MethodPost {
		v = retryView{Text: p.Text("page.retry.form"), Action: r.URL.RequestURI(), Fields: hiddenFields(r.PostForm)}
		p.Path = formPath(r)
	}
	if answer.Code == "conflict" {
		p.Title, v.Text = p.Text("page.error.conflict.title"), p.Text("page.error.conflict.text")
	}
	return p.withBody(v).render(w, answer.Status, "retry")
}

func hiddenFields(form url.Values) []hiddenField {
	var fields []hiddenField
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			fields = append(fields, hiddenField{name, value})
		}
	}
	return fields
}

// formPath is the page that a posted form came from. The Referer header can't tell: our pages send none.
func formPath(r *http.Request) string {
	if slug := r.PathValue("slug"); slug != "" && isEmbedded(r) {
		return eventPath(slug) + "/embed"
	} else if slug != "" {
		return eventPath(slug)
	}
	// "/r/token/cancel" → "/r/token", "/join/token" → "/join/token"
	if parts := strings.SplitN(r.URL.EscapedPath(), "/", 4); len(parts) > 2 {
		return "/" + parts[1] + "/" + parts[2]
	}
	return "/"
}
